//! Exit codes, and errors as text and JSON.

use std::process::Output;

use serde_json::{Value, json};

use crate::fixed_answer::FixedAnswer;
use crate::server::{Server, run, serve_at};

fn error(output: &Output) -> Value {
    serde_json::from_slice(&output.stderr)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)))
}

#[test]
fn errors_are_json_if_the_output_is() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::in_folder(folder.path());
    let refused = run(&["--output", "json", "devices", "show", "none", "--url", &server.url]);
    assert_eq!(refused.status.code(), Some(3));
    let expected =
        json!({ "error": "Device not found", "exit_code": 3, "status": 404, "code": "device_not_found" });
    assert_eq!(error(&refused), expected);
    assert_eq!(run(&["devices", "create", "pump", "--url", &server.url]).status.code(), Some(0));
    let faulty = run(&["readings", "list", "pump", "--start-time", "soon", "--json", "--url", &server.url]);
    let report = error(&faulty);
    assert_eq!((&report["exit_code"], &report["status"]), (&json!(3), &json!(422)));
    assert_eq!(report["faults"][0]["loc"], json!(["query", "start_time"]));
    // An invalid command line, before and after its flag.
    for line in [&["--json", "readings", "lisst"][..], &["health", "--url", "h", "--output=json"]] {
        let output = run(line);
        let report = error(&output);
        assert_eq!((output.status.code(), &report["exit_code"]), (Some(2), &json!(2)));
        assert!(!report["error"].as_str().unwrap().contains("Usage"), "{report}");
    }
    // As text.
    let refused = run(&["devices", "show", "none", "--url", &server.url]);
    assert_eq!(refused.stderr, b"error: Device not found\n");
}

#[test]
fn the_exit_code_tells_a_refusal_from_a_failure() {
    let answer = |status| FixedAnswer::start(status, "[}").url;
    let read = |url: &str| run(&["devices", "show", "pump", "--url", url]).status.code();
    assert_eq!(read("http://127.0.0.1:1"), Some(4));
    assert_eq!(read(&answer("500 Internal Server Error")), Some(4));
    assert_eq!(read(&answer("502 Bad Gateway")), Some(4));
    assert_eq!(read(&answer("401 Unauthorized")), Some(3));
    // Not an answer of this service.
    assert_eq!(read(&answer("200 OK")), Some(4));
    assert_eq!(read("ftp://h"), Some(2));
    let refused = run(&["verify", "--database-url", "postgres://h:port/d"]);
    assert_eq!(refused.status.code(), Some(2), "{refused:?}");
    let filter = run(&["health", "--log", "a=b=c"]);
    assert_eq!(filter.status.code(), Some(2), "{filter:?}");
}

/// The errors of the HTTP client and of the system were printed as they are.
#[test]
fn an_unreachable_server_is_described_in_our_own_words() {
    let show = |url: &str| String::from_utf8(run(&["devices", "show", "pump", "--url", url]).stderr).unwrap();
    let refused = "error: no answer from the server at http://127.0.0.1:1: the connection is refused; no server \
                   listens at this address\n";
    assert_eq!(show("http://127.0.0.1:1"), refused);
    let unknown = "error: no answer from the server at http://no.invalid: the host name cannot be found\n";
    assert_eq!(show("http://no.invalid"), unknown);
    let other = FixedAnswer::start("200 OK", "[}").url;
    let unexpected = "error: the answer of the server has an unexpected form; check that the URL is that of a \
                      device-stats server\n";
    assert_eq!(show(&other), unexpected);
    let in_use = other.strip_prefix("http://").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let listen = |address: &str| {
        let output =
            serve_at(address, &format!("sqlite:{}/a.db", folder.path().display()), &["--log", "off"]);
        String::from_utf8(std::process::Command::output(&mut { output }).unwrap().stderr).unwrap()
    };
    let expected = format!("error: cannot listen on {in_use}: another program uses this address\n");
    assert_eq!(listen(in_use), expected);
    assert_eq!(
        listen("no.invalid:80"),
        "error: cannot listen on no.invalid:80: the host name cannot be found\n"
    );
    let filter = String::from_utf8(run(&["health", "--log", "a=b=c"]).stderr).unwrap();
    assert!(filter.ends_with("is not a filter; an example is info,device_stats=debug\n"), "{filter}");
}

#[test]
fn a_help_and_a_version_are_no_errors() {
    for line in [&["--help"][..], &["help"], &["--version"], &["readings", "delete", "--help"]] {
        let output = run(line);
        assert!(output.status.success() && output.stderr.is_empty() && !output.stdout.is_empty(), "{line:?}");
    }
    let help = String::from_utf8(run(&["--help"]).stdout).unwrap();
    for code in ["0", "1", "2", "3", "4", "130", "143"] {
        assert!(help.contains(&format!("\n  {code} ")), "{help}");
    }
}
