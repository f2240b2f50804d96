//! Access tokens: the command `token`, servers that need tokens, and commands that send them.

use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use device_stats_service::limits::RIGHTS_CACHED_MAX;
use serde_json::Value;

use crate::databases::over_both_stores;
use crate::server::{Server, device_stats, run, serve, serve_at, stdout_of};

/// Additional time for which a busy machine may accept a revoked token.
const GRACE: Duration = Duration::from_secs(10);

/// Returns whether the log contains a text.
fn logged(server: &Server, text: &str) -> bool {
    server.log().contains(text)
}

fn create(database_url: &str, arguments: &[&str]) -> String {
    let arguments = [&["token", "create", "--database-url", database_url], arguments].concat();
    stdout_of(&arguments).trim_end().to_owned()
}

fn sqlite(folder: &Path) -> String {
    format!("sqlite:{}", folder.join("test.db").display())
}

/// Returns a command that connects to a server, with a token in the environment.
fn client(server: &Server, token: &str, arguments: &[&str]) -> Output {
    let mut command = device_stats(&[&["--url", &server.url], arguments].concat());
    command.env("DEVICE_STATS_TOKEN", token).output().unwrap()
}

fn text(output: &[u8]) -> String {
    String::from_utf8(output.to_vec()).unwrap()
}

#[test]
fn the_first_token_is_created_before_the_first_start() {
    let folder = tempfile::tempdir().unwrap();
    let url = sqlite(folder.path());
    let admin = create(&url, &["--admin"]);
    let server = Server::start_with(&url, &["--auth", "token"]);
    assert!(!logged(&server, "there is none"));
    let refused = run(&["--url", &server.url, "users", "list"]);
    assert_eq!(refused.status.code(), Some(3));
    assert!(text(&refused.stderr).contains("This service needs a token"), "{}", text(&refused.stderr));
    let created = client(&server, &admin, &["users", "create", "ann", "ann@example.com"]);
    assert!(created.status.success(), "{}", text(&created.stderr));
    let file = folder.path().join("token");
    std::fs::write(&file, format!("{admin}\n")).unwrap();
    let listed = stdout_of(&["--url", &server.url, "users", "list", "--token-file", file.to_str().unwrap()]);
    assert!(listed.contains("ann@example.com"), "{listed}");
    // The health check of an image has no token.
    assert!(run(&["health", "--url", &server.url]).status.success());
}

#[test]
fn tokens_are_created_listed_and_revoked_while_the_server_runs() {
    over_both_stores(|database| {
        let admin = create(&database.url, &["--admin"]);
        let server = Server::start_with(&database.url, &["--auth", "token"]);
        let run_as = |token: &str, line: &str| client(&server, token, &line.split(' ').collect::<Vec<_>>());
        assert!(run_as(&admin, "users create ann ann@example.com").status.success());
        assert!(run_as(&admin, "devices create pump --user ann").status.success());
        let ann = create(&database.url, &["--user", "ann", "--name", "laptop", "--expires", "90d"]);
        let pump = create(&database.url, &["--device", "pump"]);
        assert!(ann.starts_with("dss_u_") && pump.starts_with("dss_d_"), "{ann} {pump}");
        assert!(run_as(&ann, "devices show pump").status.success());
        let refused = run_as(&ann, "users list");
        assert!(
            text(&refused.stderr).contains("Only an administrator may do this"),
            "{}",
            text(&refused.stderr)
        );
        let refused = run_as(&pump, "devices show pump");
        assert!(text(&refused.stderr).contains("lacks the scope read"), "{}", text(&refused.stderr));

        let listed = stdout_of(&["token", "list", "--json", "--database-url", &database.url]);
        assert!(!listed.contains(&ann) && !listed.contains(&ann[12..40]), "{listed}");
        let listed: Value = serde_json::from_str(&listed).unwrap();
        let tokens = listed.as_array().unwrap();
        assert_eq!(tokens.len(), 3);
        let anns = &tokens[1];
        assert_eq!(anns["name"], "laptop");
        assert_eq!(anns["prefix"], ann[..12]);
        assert_eq!(anns["scopes"], serde_json::json!(["ingest", "read", "manage"]));
        assert!(anns["expires_at"].is_string());
        let id = anns["id"].to_string();
        let revoked = stdout_of(&["token", "revoke", &id, "--database-url", &database.url]);
        assert_eq!(revoked, format!("revoked token {id}\n"));
        // The server may use its right for some seconds more.
        let begun = Instant::now();
        while run_as(&ann, "devices show pump").status.success() {
            assert!(begun.elapsed() < RIGHTS_CACHED_MAX + GRACE, "the revoked token is still accepted");
            std::thread::yield_now();
        }
        let refused = run_as(&ann, "devices show pump");
        assert!(text(&refused.stderr).contains("unknown, expired or revoked"), "{}", text(&refused.stderr));
        let again = run(&["token", "revoke", &id, "--database-url", &database.url]);
        assert_eq!(again.status.code(), Some(3));
        assert!(text(&again.stderr).contains(&format!("there is no token {id}")));
    });
}

#[test]
fn faulty_requests_for_tokens_are_explained() {
    let folder = tempfile::tempdir().unwrap();
    let url = sqlite(folder.path());
    create(&url, &["--admin"]);
    for (arguments, code, part) in [
        (&["create"][..], 2, "--admin"),
        (&["create", "--admin", "--user", "ann"], 2, "cannot be used with"),
        (&["create", "--user", "ann"], 3, "there is no user \"ann\""),
        (&["create", "--device", "pump"], 3, "there is no device \"pump\""),
        (
            &["create", "--admin", "--name", "admin-token-file"],
            2,
            "--name: the name of the token is reserved",
        ),
        (&["create", "--admin", "--scope", "write"], 2, "\"write\" is not a scope"),
        (&["create", "--admin", "--expires", "soon"], 2, "write a time such as 90d"),
        (&["create", "--admin", "--expires", "2020-01-01T00:00:00Z"], 2, "--expires"),
        (&["create", "--admin", "--name", ""], 2, "--name"),
        (&["revoke", "0"], 2, "0 is not in 1"),
        (&["revoke", "99"], 3, "there is no token 99"),
    ] {
        let line = [&["token"], arguments, &["--database-url", &url]].concat();
        let output = run(&line);
        let message = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{line:?}: {message}");
        assert!(message.contains(part), "{line:?}: {message}");
    }
    // A command that changes nothing creates no database either.
    let missing = format!("sqlite:{}", folder.path().join("missing.db").display());
    assert!(!run(&["token", "list", "--database-url", &missing]).status.success());
    assert!(!folder.path().join("missing.db").exists());
}

/// The operator replaces the token in the file.
#[test]
fn the_token_of_the_operator_is_accepted_until_it_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let url = sqlite(folder.path());
    let file = folder.path().join("admin.token");
    let start =
        || Server::start_with(&url, &["--auth", "token", "--admin-token-file", file.to_str().unwrap()]);
    let tokens = [0, 1].map(|_| stdout_of(&["token", "generate"]).trim_end().to_owned());
    let list = |server: &Server, token: &str| client(server, token, &["users", "list"]).status.success();
    std::fs::write(&file, &tokens[0]).unwrap();
    for _ in 0..2 {
        let server = start();
        assert!(list(&server, &tokens[0]) && !list(&server, &tokens[1]));
    }
    std::fs::write(&file, &tokens[1]).unwrap();
    let server = start();
    assert!(!list(&server, &tokens[0]) && list(&server, &tokens[1]));
    drop(server);
    let listed: Value =
        serde_json::from_str(&stdout_of(&["token", "list", "--json", "--database-url", &url])).unwrap();
    assert_eq!(listed.as_array().unwrap().len(), 1);
    assert_eq!(listed[0]["name"], "admin-token-file");

    let user = "dss_u_q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s_43da5920";
    for (contents, part) in [("secret", "is not a token of this service"), (user, "begins with dss_a_")] {
        std::fs::write(&file, contents).unwrap();
        let (status, log) =
            Server::spawn(serve(&url, &["--admin-token-file", file.to_str().unwrap()])).err().unwrap();
        assert_eq!(status.code(), Some(2), "{log}");
        assert!(log.contains(part) && !log.contains("secret") && !log.contains(user), "{log}");
    }
}

/// Without the setting, a server that others can reach needs tokens.
#[test]
fn the_mode_follows_the_address_unless_it_is_set() {
    let folder = tempfile::tempdir().unwrap();
    let url = sqlite(folder.path());
    for (listen, flags, mode, warning) in [
        ("127.0.0.1:0", &[][..], "open", None),
        ("localhost:0", &[], "open", None),
        ("0.0.0.0:0", &[], "token", Some("clients need a token, and there is none")),
        ("0.0.0.0:0", &["--auth", "open"], "open", Some("everybody who can connect")),
        ("127.0.0.1:0", &["--auth", "token"], "token", Some("clients need a token, and there is none")),
    ] {
        let server = Server::spawn(serve_at(listen, &url, flags)).ok().unwrap();
        let (_, ready) = server.get("/health/ready");
        assert_eq!(ready["auth"], mode, "{listen} {flags:?}");
        for text in ["clients need a token, and there is none", "everybody who can connect"] {
            assert_eq!(logged(&server, text), warning == Some(text), "{listen} {flags:?}: {text}");
        }
        let (_, users) = server.get("/api/v1/users/");
        assert_eq!(users["code"] == "unauthorized", mode == "token", "{listen} {flags:?} {users}");
    }
}

/// A token in a setting or a file is a secret.
#[test]
fn a_token_in_the_settings_is_not_shown() {
    let token = stdout_of(&["token", "generate"]).trim_end().to_owned();
    let shown = device_stats(&["config"]).env("DEVICE_STATS_TOKEN", &token).output().unwrap();
    assert!(text(&shown.stdout).contains("***") && !text(&shown.stdout).contains(&token));
    let mistyped = token.replace("dss_a_", "dss_u_");
    let refused = device_stats(&["users", "list"]).env("DEVICE_STATS_TOKEN", &mistyped).output().unwrap();
    let message = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(2), "{message}");
    assert!(message.contains("DEVICE_STATS_TOKEN: the text is mistyped"), "{message}");
    assert!(!message.contains(&mistyped[6..40]), "{message}");
}

/// Sends a request, and returns the whole answer.
fn curl(server: &Server, path: &str, arguments: &[&str]) -> String {
    let mut curl = Command::new("curl");
    curl.args(["-s", "-i", "--max-time", "60", "-H", "content-type: application/json"]);
    text(&curl.args(arguments).arg(format!("{}{path}", server.url)).output().unwrap().stdout)
}

/// Sends requests with a token as their credentials, in each scheme. Returns the answers.
fn send_as_credentials(server: &Server, token: &str) -> String {
    let basic = format!("user:{token}");
    let headers = [format!("Authorization: Bearer {token}"), format!("Authorization: Token {token}")];
    let mut answers = String::new();
    for credentials in [["-H", &headers[0]], ["-H", &headers[1]], ["-u", &basic]] {
        for (path, arguments) in [
            ("/api/v1/users/", &[][..]),
            ("/api/v1/me", &[]),
            ("/api/v1/tokens", &[]),
            ("/api/v1/unknown", &[]),
            ("/api/v1/devices", &["-d", r#"{"device_id":"pump"}"#]),
            ("/api/v1/stats/devices/pump", &["-d", r#"{"x":1,"y":2,"z":3}"#]),
            ("/api/v1/stats/devices/pump/export", &[]),
            ("/api/v1/write", &["--data-binary", "stats,device_id=pump x=1,y=2,z=3"]),
        ] {
            answers += &curl(server, path, &[&credentials[..], arguments].concat());
        }
    }
    answers
}

/// Requests with a token in a wrong place: their paths, and further arguments of curl.
const WRONG_PLACES: [(&str, &[&str]); 23] = [
    ("/TOKEN", &[]),
    ("/api/v1/devices/TOKEN", &[]),
    ("/api/v1/devices/ENCODED", &[]),
    ("/api/v1/users/TOKEN", &[]),
    ("/api/v1/stats/devices/TOKEN/batch", &["-d", "[]"]),
    ("/api/v1/me?token=TOKEN", &[]),
    ("/api/v1/me?TOKEN=1", &[]),
    ("/api/v1/stats/analysis?device_id=TOKEN", &[]),
    ("/write?p=TOKEN", &["--data-binary", "m,device_id=pump x=1,y=2,z=3"]),
    ("/api/v1/me", &["-H", "x-request-id: TOKEN"]),
    (
        "/api/v1/users/",
        &["-H", "x-request-id: TOKEN", "-d", r#"{"username":"ann","email":"ann@example.com"}"#],
    ),
    ("/api/v1/devices/pump", &["-H", "x-request-id: TOKEN", "-X", "PUT", "-d", r#"{"name":"p"}"#]),
    ("/api/v1/stats/devices/pump", &["-H", "idempotency-key: TOKEN", "-d", r#"{"x":1,"y":2,"z":3}"#]),
    ("/api/v1/session", &["-H", "x-request-id: TOKEN", "-d", r#"{"token":"TOKEN"}"#]),
    ("/api/v1/session", &["-d", r#"{"tokn":"TOKEN"}"#]),
    ("/api/v1/session", &["-d", "TOKEN"]),
    ("/api/v1/devices", &["-d", r#"{"device_id":["TOKEN"]}"#]),
    ("/api/v1/stats/devices/pump/batch?on_fault=skip", &["-d", r#"[{"x":"TOKEN"}]"#]),
    ("/api/v1/stats/batch", &["-d", r#"[{"device_id":"TOKEN","x":1,"y":2,"z":3}]"#]),
    ("/api/v1/me", &["-b", "device-stats=TOKEN"]),
    ("/api/v1/me", &["-A", "TOKEN", "-e", "TOKEN", "-H", "host: TOKEN"]),
    ("/api/v1/devices", &["-H", "origin: https://TOKEN", "-d", r#"{"device_id":"other"}"#]),
    ("/api/v1/devices", &["-X", "TOKEN"]),
];

/// Sends a token in wrong places, with the credentials of an administrator and without any. Returns the
/// answers.
fn send_in_wrong_places(server: &Server, admin: &str, token: &str) -> String {
    let credentials = format!("Authorization: Bearer {admin}");
    let encoded = token.replace('_', "%5F");
    let fill = |text: &str| text.replace("TOKEN", token).replace("ENCODED", &encoded);
    let mut answers = String::new();
    for (path, arguments) in WRONG_PLACES {
        let arguments: Vec<String> = arguments.iter().map(|argument| fill(argument)).collect();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        for credentials in [&["-H", &credentials][..], &[]] {
            answers += &curl(server, &fill(path), &[credentials, &arguments].concat());
        }
    }
    answers
}

/// Signs in as a browser and uses the session. Returns the secret of the session, and the answers without the
/// cookie that a browser gets.
fn browse(server: &Server, token: &str) -> (String, String) {
    let body = format!(r#"{{"token":"{token}"}}"#);
    let begun = curl(server, "/api/v1/session", &["-d", &body]);
    let mut lines = begun.lines();
    let cookie = lines.find_map(|line| line.strip_prefix("set-cookie: device-stats=")?.split(';').next());
    let secret = cookie.unwrap().to_owned();
    let mut answers = begun.replace(&secret, "");
    let cookie = format!("device-stats={secret}");
    let same_origin = ["-b", &cookie, "-H", "sec-fetch-site: same-origin"];
    for (path, arguments) in [
        ("/api/v1/me", &[][..]),
        ("/api/v1/unknown", &[]),
        ("/api/v1/users?limit=x", &[]),
        ("/api/v1/devices", &["-d", r#"{"device_id":"of-session"}"#]),
        ("/api/v1/stats/devices/pump/export", &[]),
        ("/api/v1/audit", &[]),
        ("/api/v1/session", &["-X", "DELETE"]),
        ("/api/v1/me", &[]),
    ] {
        answers += &curl(server, path, &[&same_origin[..], arguments].concat());
    }
    (secret, answers)
}

/// A secret must not be found anywhere after it was used or sent in a wrong place, except with the client. A
/// token in a path was logged, a token as the id of a request was also stored, and a token in an unknown
/// parameter was in the answer.
#[test]
fn a_secret_is_in_no_log_line_no_response_and_no_byte_of_the_database() {
    over_both_stores(|database| {
        let admin = create(&database.url, &["--admin", "--name", "planted"]);
        let unknown = stdout_of(&["token", "generate"]).trim_end().to_owned();
        let mistyped = admin.replace("dss_a_", "dss_d_");
        let mut command = serve(&database.url, &["--auth", "token"]);
        command.env("RUST_LOG", "trace");
        let server = Server::spawn(command).ok().unwrap();
        let tokens = [&admin, &unknown, &mistyped];
        let mut answers = String::new();
        for token in tokens {
            answers += &send_as_credentials(&server, token);
            answers += &send_in_wrong_places(&server, &admin, token);
        }
        assert!(answers.contains("planted") && answers.contains("\"unauthorized\""), "{answers}");
        // Errors and the log show the beginning of a token.
        let shown = format!("{}***", &admin[..12]);
        assert!(answers.contains(&shown), "{answers}");
        let (session, answers_to_browser) = browse(&server, &admin);
        answers += &answers_to_browser;
        let log = server.log_handle();
        assert!(server.terminate());
        let log = log.lock().unwrap().clone();
        assert!(log.contains(&shown));
        assert!(database.contains("planted") && database.contains("of-session"));
        let audit = stdout_of(&["audit", "--json", "--limit", "1000", "--database-url", &database.url]);
        // The characters after the beginning that is shown.
        for secret in tokens.map(|token| &token[12..40]).into_iter().chain([session.as_str()]) {
            let found = log.lines().find(|line| line.contains(secret));
            assert_eq!(found, None, "in the log");
            assert!(!answers.contains(secret), "in a response");
            assert!(!audit.contains(secret), "in the audit log");
            assert!(!database.contains(secret), "in the database");
        }
    });
}
