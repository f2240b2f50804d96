//! Precedence, sources, defaults, URLs, and hidden secrets.

mod access;

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use clap::Command;
use device_stats_domain::{Token, TokenKind};
use device_stats_http::{AllowedHosts, BrowserAccess, TlsFiles, TrustedProxies};
use secrecy::ExposeSecret;

use super::database::without_password;
use super::setting::{ALL, Kind, flags, root_flags};
use super::table::SETTINGS;
use super::values::Source;
use super::*;

/// Returns the values for a command line and an environment. The command `config` has all settings,
/// and `import` those of a client.
fn collect(line: &[&str], environment: &[(&str, &str)]) -> anyhow::Result<Values> {
    let mut root = Command::new("device-stats")
        .args(root_flags())
        .subcommand(Command::new("config").args(flags(ALL)))
        .subcommand(Command::new("import").args(flags(CLIENT)));
    let line = if line.contains(&"import") { line.to_vec() } else { [&["config"], line].concat() };
    let matches = root.try_get_matches_from_mut([&["device-stats"], &line[..]].concat())?;
    let environment: HashMap<_, _> = environment.iter().copied().collect();
    Ok(Values::collect(&root, &matches, |name| environment.get(name).map(OsString::from))?)
}

fn settings(line: &[&str]) -> Settings {
    Settings::parse(&collect(line, &[]).unwrap()).unwrap()
}

fn problem(line: &[&str], environment: &[(&str, &str)]) -> String {
    match collect(line, environment) {
        Err(error) => error.to_string(),
        Ok(values) => Settings::parse(&values).unwrap_err().to_string(),
    }
}

fn entries(line: &[&str], environment: &[(&str, &str)]) -> Vec<Entry> {
    let values = collect(line, environment).unwrap();
    Settings::parse(&values).unwrap().entries(&values)
}

/// Returns the value and the source of a setting.
fn entry(name: &str, line: &[&str], environment: &[(&str, &str)]) -> (String, String) {
    let entry = entries(line, environment).into_iter().find(|entry| entry.name == name).unwrap();
    (entry.value, entry.source.to_string())
}

fn settings_file(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

/// Describes a database with its password.
fn exposed(line: &[&str]) -> String {
    match settings(line).database {
        Database::Sqlite(path) => format!("sqlite {}", path.display()),
        Database::PostgresUrl(url) => format!("url {}", url.expose_secret()),
        Database::PostgresServer { host, port, user, password, dbname } => {
            let password = password.as_ref().map(ExposeSecret::expose_secret);
            format!("server {host} {port} {user} {password:?} {dbname}")
        }
    }
}

#[test]
fn every_setting_has_a_default() {
    let settings = settings(&[]);
    assert_eq!(settings.listen, "127.0.0.1:8000");
    assert!(matches!(settings.database, Database::Sqlite(path) if path == Path::new("device-stats.db")));
    assert_eq!(settings.database_ca, None);
    assert_eq!(settings.tls, None);
    assert_eq!(settings.hsts_max_age, device_stats_http::limits::HSTS_MAX_AGE_DEFAULT);
    assert_eq!(settings.proxies, TrustedProxies::default());
    assert_eq!(settings.access, BrowserAccess::default());
    assert_eq!(settings.cache_bytes_max, 512 * 1024 * 1024);
    assert_eq!(settings.queries, device_stats_service::QueryLimits::default());
    assert_eq!(settings.hot_readings_max, device_stats_service::limits::HOT_READINGS_DEFAULT);
    assert_eq!(settings.seal_after, Duration::from_mins(10));
    assert_eq!(settings.keys_kept_for, Duration::from_hours(24));
    assert_eq!(settings.migrate, Migrate::OnStart);
    assert_eq!(settings.log_format, LogFormat::Text);
    assert_eq!(settings.log, "info,refinery_core=warn");
    assert_eq!(settings.output, OutputForm::Text);
    assert_eq!(settings.server.url, "http://127.0.0.1:8000");
    assert!(settings.server.token.is_none());
    assert!(settings.auth.is_none() && settings.admin_token.is_none());
}

/// The health check of the image asked port 8000, whatever port the server listened on.
#[test]
fn the_health_check_asks_the_address_to_listen_on() {
    let asked = |line: &[&str]| match settings(line).health_check {
        HealthCheck::OwnServer(url) | HealthCheck::Server(url) => url,
    };
    assert_eq!(asked(&[]), "http://127.0.0.1:8000");
    for (listen, url) in [
        ("0.0.0.0:9000", "http://127.0.0.1:9000"),
        ("[::]:9000", "http://[::1]:9000"),
        ("10.1.2.3:80", "http://10.1.2.3:80"),
        ("localhost:9000", "http://localhost:9000"),
    ] {
        assert_eq!(asked(&["--listen", listen]), url);
    }
    assert_eq!(asked(&["--listen", "0.0.0.0:9000", "--url", "http://h"]), "http://h");
    let tls = ["--tls-certificate=c", "--tls-key=k"];
    assert_eq!(asked(&[&tls[..], &["--listen=0.0.0.0:9000"]].concat()), "https://127.0.0.1:9000");
    assert_eq!(asked(&[&tls[..], &["--listen=h:9000"]].concat()), "https://h:9000");
}

/// `device-stats health` checks the server at the host of `--listen`, which can be a name.
#[test]
fn the_host_of_the_listener_is_allowed() {
    let allowed: AllowedHosts = "app,pump-hall".parse().unwrap();
    assert_eq!(settings(&["--listen=pump-hall:9000", "--allowed-host=app"]).access.hosts, allowed);
}

#[test]
fn a_flag_precedes_a_variable_a_variable_the_file_and_the_file_the_default() {
    let folder = tempfile::tempdir().unwrap();
    let token = |n: u8| Token::from_random(TokenKind::User, &[n; 32]).expose().to_owned();
    let token_file = |n: u8| {
        let path = folder.path().join(n.to_string());
        std::fs::write(&path, token(n)).unwrap();
        path.to_str().unwrap().to_owned()
    };
    for setting in &SETTINGS {
        let value = |n: u8| match setting.name {
            "auth" => if n.is_multiple_of(2) { "open" } else { "token" }.to_owned(),
            "token" => token(n),
            "token-file" => token_file(n),
            "admin-token-file" => {
                let path = token_file(n);
                let token = Token::from_random(TokenKind::Administrator, &[n; 32]);
                std::fs::write(&path, token.expose()).unwrap();
                path
            }
            "database-url" => format!("sqlite:{n}.db"),
            "url" => format!("http://h{n}"),
            "trusted-proxy" => format!("10.0.0.{n}"),
            "allowed-host" => format!("h{n}"),
            "cors-origin" => format!("https://h{n}"),
            "migrate" => n.is_multiple_of(2).to_string(),
            "overload-wait-ms" => format!("{n}00"),
            "log-format" | "output" => "json".to_owned(),
            "listen" => format!("h:{n}"),
            _ => n.to_string(),
        };
        // A certificate needs its key.
        let pair = match setting.name {
            "tls-certificate" => "tls-key = 'k'\n",
            "tls-key" => "tls-certificate = 'c'\n",
            _ => "",
        };
        let is_secret = matches!(setting.name, "postgres-password" | "token");
        let shown = |n| if is_secret { "***".to_owned() } else { value(n) };
        let quote = if matches!(setting.kind, Kind::Text | Kind::List) { "\"" } else { "" };
        let line = format!("{} = {quote}{}{quote}", setting.name, value(1));
        let file = settings_file(&format!("\n# A comment\n{line}\n{pair}"));
        let path = file.path().to_str().unwrap();
        let variable = value(2);
        let environment = [("DEVICE_STATS_CONFIG", path), (setting.variable, &variable)];
        let flag = format!("--{}={}", setting.name, value(3));
        let from_file = (shown(1), format!("file {path}:3"));
        assert_eq!(entry(setting.name, &[], &environment[..1]), from_file);
        assert_eq!(entry(setting.name, &["--config", path], &[]), from_file);
        assert_eq!(entry(setting.name, &[], &environment), (shown(2), "environment".to_owned()));
        assert_eq!(entry(setting.name, &[&flag], &environment), (shown(3), "flag".to_owned()));
        // An empty value counts as absent.
        let empty = format!("--{}=", setting.name);
        let environment = [environment[0], (setting.variable, "")];
        assert_eq!(entry(setting.name, &[&empty], &environment), from_file);
        std::fs::write(file.path(), format!("{} = ''", setting.name)).unwrap();
        assert_eq!(entries(&[&empty], &environment), entries(&[], &[]));
    }
}

#[test]
fn without_a_source_each_setting_has_its_default() {
    assert!(entries(&[], &[]).iter().all(|entry| entry.source == Source::Default));
}

#[test]
fn a_settings_file_has_texts_numbers_and_truth_values() {
    let file = settings_file("cache-mib = 7\nmigrate = false\nlog = 'debug'\n");
    let line = ["--config", file.path().to_str().unwrap()];
    for (name, value) in [("cache-mib", "7"), ("migrate", "false"), ("log", "debug")] {
        assert_eq!(entry(name, &line, &[]).0, value);
    }
}

#[test]
fn a_list_is_a_repeated_flag_a_text_with_commas_or_an_array() {
    let all = "10.0.0.1,10.0.0.0/24";
    let array = settings_file("trusted-proxy = ['10.0.0.1', '10.0.0.0/24']\n");
    let text = settings_file("trusted-proxy = '10.0.0.1,10.0.0.0/24'\n");
    for line in [
        &["--trusted-proxy=10.0.0.1", "--trusted-proxy=10.0.0.0/24"][..],
        &["--trusted-proxy=10.0.0.1", "--trusted-proxy=", "--trusted-proxy", "10.0.0.0/24"],
        &["--trusted-proxy=10.0.0.1,10.0.0.0/24"],
        &["--config", array.path().to_str().unwrap()],
        &["--config", text.path().to_str().unwrap()],
    ] {
        assert_eq!(entry("trusted-proxy", line, &[]).0, all, "{line:?}");
        assert_eq!(settings(line).proxies, all.parse().unwrap(), "{line:?}");
    }
    let empty = settings_file("trusted-proxy = []\n");
    assert_eq!(entry("trusted-proxy", &["--config", empty.path().to_str().unwrap()], &[]).1, "default");
    assert!(problem(&["--log=info", "--log=debug"], &[]).contains("cannot be used multiple times"));
}

#[test]
fn a_fault_in_a_settings_file_names_the_line_and_the_setting_but_no_secret() {
    for (text, line, part) in [
        ("log = 'info'\n\nlistenn = 'hunter2'\nabc = 1\n", 3, "there is no setting \"listenn\""),
        ("cache_mib = 7\n", 1, "there is no setting \"cache_mib\"; write cache-mib"),
        ("POSTGRES_PASSWORD = 'hunter2'\n", 1, "write postgres-password"),
        ("[database]\nurl = 'hunter2'\n", 1, "there is no setting \"database\""),
        ("config = 'other.toml'\n", 1, "there is no setting \"config\""),
        (
            "log = 'info'\ncache-mib = 1.5\n",
            2,
            "cache-mib must be a whole number, without quotes: cache-mib = 512",
        ),
        ("cache-mib = 0x10\n", 1, "cache-mib must be a whole number"),
        ("cache-mib = '10'\n", 1, "cache-mib must be a whole number, without quotes"),
        ("seal-after-seconds = true\n", 1, "seal-after-seconds must be a whole number"),
        ("listen = 8000\n", 1, "listen must be a text in quotes: listen = \"127.0.0.1:8000\""),
        ("migrate = 'false'\n", 1, "migrate must be true or false, without quotes: migrate = true"),
        ("migrate = 0\n", 1, "migrate must be true or false"),
        ("database-ca = 1\n", 1, "database-ca must be a text in quotes: database-ca = \"...\""),
        ("url = ['hunter2']\n", 1, "url must be a text in quotes: url = \"http://127.0.0.1:8000\""),
        (
            "trusted-proxy = 1\n",
            1,
            "trusted-proxy must be a list of texts in quotes: trusted-proxy = [\"...\", \"...\"]",
        ),
        ("trusted-proxy = ['10.0.0.1', 1]\n", 1, "trusted-proxy must be a list of texts in quotes"),
        ("cachemib = 7\n", 1, "there is no setting \"cachemib\"; did you mean cache-mib?"),
        ("database-uri = 'sqlite:a.db'\n", 1, "did you mean database-url?"),
        ("seal-after = 5\n", 1, "did you mean seal-after-seconds?"),
        ("[server]\nlisten = 'h:1'\n", 1, "settings are not divided into tables"),
        ("threads = 5\n", 1, "there is no setting \"threads\"; device-stats config lists all settings"),
        ("log = 'info'\npostgres-password = hunter2\n", 2, "not TOML; write NAME = VALUE"),
        ("log = 'info'\nlog = 'debug'\n", 2, "occurs before"),
        ("log = 'info'\nlisten = 'hunter'\n", 2, "listen: \"hunter\" has no port"),
    ] {
        let file = settings_file(text);
        let path = file.path().to_str().unwrap();
        let message = problem(&["--config", path], &[]);
        assert!(message.starts_with(&format!("{path}:{line}: ")) && message.contains(part), "{message}");
        assert!(!message.contains("hunter2") && !message.contains('\n'), "{message}");
    }
    assert_eq!(problem(&["--config=/no/file"], &[]), "cannot read the settings file /no/file");
}

#[test]
fn a_command_gets_only_its_own_settings() {
    let file = settings_file("listen = 'no'\nurl = 'http://h'\n");
    let config = ["--config", file.path().to_str().unwrap()];
    // The command ignores the settings of other commands in the environment and in the file.
    let line = [&["import"], &config[..]].concat();
    let values = collect(&line, &[("POSTGRES_PORT", "no"), ("DEVICE_STATS_MIGRATE", "no")]).unwrap();
    assert_eq!(Settings::parse(&values).unwrap().server.url, "http://h");
    // On the command line, they are a mistake.
    assert_eq!(problem(&["--cache-mib=7", "import"], &[]), "the command import has no setting --cache-mib");
    assert!(problem(&["import", "--cache-mib=7"], &[]).contains("unexpected argument"));
    for line in [["--url=http://x", "import"], ["import", "--url=http://x"]] {
        assert_eq!(settings(&line).server.url, "http://x");
    }
}

#[test]
fn json_is_short_for_output_json() {
    for line in [&["--json"][..], &["--output=json"], &["--json", "import"], &["import", "--json"]] {
        assert_eq!(settings(line).output, OutputForm::Json);
    }
}

#[test]
fn a_database_url_takes_precedence_over_a_postgres_server() {
    let server = ["--postgres-server=db", "--postgres-user=u", "--postgres-password=p", "--postgres-port=1"];
    assert_eq!(exposed(&server), r#"server db 1 u Some("p") postgres"#);
    let line = [&server[..], &["--database-url=sqlite:x.db"]].concat();
    assert_eq!(exposed(&line), "sqlite x.db");
    assert_eq!(exposed(&["--postgres-user=u"]), exposed(&[]));
    let empty = ["--postgres-server=db", "--postgres-user=", "--postgres-db=", "--postgres-port="];
    assert_eq!(
        exposed(&[&empty[..], &["--database-url="]].concat()),
        "server db 5432 postgres None postgres"
    );
}

#[test]
fn a_sqlite_url_contains_a_path() {
    for (url, path) in [
        ("sqlite:a.db", "a.db"),
        ("sqlite://a/b.db", "a/b.db"),
        ("sqlite:///a/b.db", "/a/b.db"),
        ("sqlite:/a/b.db", "/a/b.db"),
    ] {
        assert_eq!(exposed(&["--database-url", url]), format!("sqlite {path}"));
    }
}

#[test]
fn a_postgres_url_has_one_of_two_schemes() {
    for url in ["postgres://u:p@h/d", "postgresql://u:p@h/d"] {
        assert_eq!(exposed(&["--database-url", url]), format!("url {url}"));
    }
}

#[test]
fn an_invalid_value_is_refused_with_the_accepted_values() {
    for (line, part) in [
        (
            ["--database-url=mysql://u:hunter2@h/d"],
            "\"mysql\" is not supported; accepted are sqlite:PATH and",
        ),
        (["--database-url=hunter2"], "not the URL of a database; accepted are"),
        (["--database-url=hun:ter2"], "not the URL of a database; accepted are"),
        (["--database-url=sqlite:"], "needs the path of a file"),
        (["--database-url=sqlite::memory:"], "a database in memory is lost"),
        (["--database-url=sqlite:a?mode=ro"], "needs a path without parameters"),
        (["--migrate=yes"], "--migrate: \"yes\" is not true or false"),
        (["--log-format=xml"], "\"xml\" is not text or json"),
        (["--output=xml"], "\"xml\" is not text or json"),
        (["--seal-after-seconds=1.5"], "\"1.5\" is not a whole number of seconds"),
        (["--queries-max=0"], "\"0\" is not a whole number, at least 1"),
        (["--hot-readings-max=0"], "\"0\" is not a whole number, at least 1"),
        (["--connections-per-address=-1"], "\"-1\" is not a whole number"),
        (["--tls-certificate=c"], "--tls-key: missing, although --tls-certificate is set; set both or none"),
        (["--tls-key=k"], "--tls-certificate: missing, although --tls-key is set; set both or none"),
        (["--queries-mib=0"], "\"0\" is less than 1 MiB"),
        (["--query-timeout-seconds=0"], "\"0\" is less than 1 second"),
        (["--cache-mib=-1"], "\"-1\" is not a whole number of MiB"),
        (["--url=ftp://h"], "not http or https"),
        (["--url=h"], "--url: \"h\" has no scheme; write http://h"),
        (["--url=localhost:8000"], "\"localhost:8000\" has no scheme; write http://localhost:8000"),
        (["--url=10.0.0.1:8000/"], "has no scheme; write http://10.0.0.1:8000/"),
        (["--url=u:1hunter2@h"], "the URL has no scheme; write http://HOST:PORT"),
        (["--url=http://h:70000"], "not a URL; write http://HOST:PORT, with a port from 1 to 65535"),
        (["--url=http://"], "not a URL; write http://HOST:PORT"),
        (["--url=http://h/api/v1/devices"], "the URL of the server ends before /api/v1; write http://h"),
        (["--url=http://h/s/api/v1/users/"], "write http://h/s"),
        (["--listen=8000"], "\"8000\" has no host; write 127.0.0.1:8000, or 0.0.0.0:8000 for all addresses"),
        (["--listen=:8000"], "\":8000\" has no host; write HOST:PORT"),
        (["--listen=localhost"], "\"localhost\" has no port; write HOST:PORT"),
        (["--listen=localhost:http"], "\"http\" is not a port from 0 to 65535"),
        (["--listen=http://127.0.0.1:8000"], "is a URL; write HOST:PORT"),
        (["--listen=::1:8000"], "write an IPv6 address in brackets"),
        (["--allowed-host=app:8000"], "--allowed-host: \"app:8000\" is not a host name such as"),
        (["--cors-origin=dash.example.com"], "--cors-origin: \"dash.example.com\" is not an origin such as"),
        (["--cors-origin=*"], "would let every web page read and change all data"),
        (["--url=http://u:hunter2@h"], "must not contain a user or password"),
    ] {
        let message = problem(&line, &[]);
        assert!(message.contains(part), "{message}");
        assert!(!message.contains("hunter2") && !message.contains("ter2"), "{message}");
    }
    assert!(problem(&["--postgres-server=h", "--postgres-port=70000"], &[]).contains("is not a port"));
    let message = problem(&[], &[("DEVICE_STATS_MIGRATE", "yes")]);
    assert_eq!(message, "DEVICE_STATS_MIGRATE: \"yes\" is not true or false");
}

#[test]
fn a_certificate_and_its_key_turn_encryption_on() {
    let files = TlsFiles { certificate: "c".into(), key: "k".into() };
    assert_eq!(settings(&["--tls-certificate=c", "--tls-key=k"]).tls, Some(files));
}

#[test]
fn a_server_url_loses_its_trailing_slash_and_the_path_of_the_interface() {
    assert_eq!(settings(&["--url=http://h:1/"]).server.url, "http://h:1");
    assert_eq!(settings(&["--url=https://h/stats/"]).server.url, "https://h/stats");
    for url in ["http://h:1/api/v1", "http://h:1/api/v1/", "http://h:1//", "HTTP://H:1/api/v1"] {
        assert_eq!(settings(&["--url", url]).server.url, "http://h:1", "{url}");
    }
    assert_eq!(settings(&["--url=https://h/stats/api/v1"]).server.url, "https://h/stats");
}

#[test]
fn secrets_are_hidden() {
    for url in [
        "postgres://u:hunter2@h:5/d",
        "postgres://u:hun@hunter2@h:5/d",
        "postgres://u:a/hunter2@h:5/d",
        "postgres://u:a?hunter2@h:5/d",
        "postgres://h/d?user=u&password=hunter2",
        "postgres://h/d?pass%77ord=hunter2",
    ] {
        let line = ["--database-url", url, "--postgres-password=hunter2"];
        let values = collect(&line, &[]).unwrap();
        let (settings, entries) = (Settings::parse(&values).unwrap(), entries(&line, &[]));
        let shown = format!("{values:?} {settings:?} {} {entries:?}", settings.database);
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(shown.contains("***"), "{shown}");
    }
    let server = settings(&["--postgres-server=h", "--postgres-password=hunter2"]);
    assert!(!format!("{server:?} {}", server.database).contains("hunter2"));
}

#[test]
fn the_rest_of_a_url_is_shown() {
    for (url, shown) in [
        ("postgres://u:p@h:5/d?sslmode=require", "postgres://u:***@h:5/d?sslmode=require"),
        ("postgres://u@h/d", "postgres://u@h/d"),
        ("sqlite:a.db", "sqlite:a.db"),
    ] {
        assert_eq!(without_password(url), shown);
    }
}

#[test]
fn every_setting_has_a_variable_of_its_own() {
    let mut variables: Vec<&str> = SETTINGS.iter().map(|setting| setting.variable).collect();
    variables.sort_unstable();
    variables.dedup();
    assert_eq!(variables.len(), SETTINGS.len());
}

#[test]
fn the_page_of_the_settings_lists_each_with_its_variable_and_default() {
    let page = include_str!("../../../../docs/settings.md");
    for setting in &SETTINGS {
        let row = format!("| `--{}` | `{}` | ", setting.name, setting.variable);
        let row = page.lines().find(|line| line.starts_with(&row)).expect(setting.name);
        assert!(row.contains(&format!("`{}`", setting.default)) || setting.default.is_empty(), "{row}");
    }
    assert_eq!(page.matches("\n| `--").count(), SETTINGS.len() + 1);
}
