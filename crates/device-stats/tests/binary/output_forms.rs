//! `--output json` of every command that prints results, and colours.

use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::databases::over_both_stores;
use crate::server::{Server, device_stats, run, stdout_of};

/// The beginning of a colour.
const ESCAPE: char = '\u{1b}';

fn json_of(line: &[&str]) -> Value {
    let text = stdout_of(&[line, &["--output", "json"]].concat());
    assert_eq!(text.lines().count(), 1, "{text}");
    serde_json::from_str(&text).unwrap()
}

#[test]
fn commands_of_the_database_print_json() {
    over_both_stores(|database| {
        let at = ["--database-url", &database.url];
        let migrated = json_of(&[&["migrate"], &at[..]].concat());
        assert!(!migrated["applied"].as_array().unwrap().is_empty(), "{migrated}");
        assert_eq!(json_of(&[&["migrate"], &at[..]].concat())["applied"], json!([]));
        let server = Server::start(&database.url);
        stdout_of(&["bench", "load", "--readings", "900", "--devices", "1", "--url", &server.url]);
        drop(server);
        let sealed = json_of(&[&["seal", "--all"], &at[..]].concat());
        assert_eq!((&sealed["devices"], &sealed["sealed_readings"]), (&json!(1), &json!(900)), "{sealed}");
        let verified = json_of(&[&["verify"], &at[..]].concat());
        let expected =
            json!({ "devices": 1, "segments": 1, "sealed_readings": 900, "hot_readings": 0, "faults": [] });
        assert_eq!(verified, expected);
        database.flip_bit("bench-0");
        let output = run(&[&["verify", "--json"], &at[..]].concat());
        assert_eq!(output.status.code(), Some(1));
        let verified: Value = serde_json::from_slice(&output.stdout).unwrap();
        let fault = &verified["faults"][0];
        assert_eq!(fault["device_id"], "bench-0");
        assert!(
            fault["segment"].is_u64() && fault["fault"].as_str().unwrap().contains("checksum"),
            "{fault}"
        );
        let stderr = String::from_utf8(output.stderr).unwrap();
        let error: Value = serde_json::from_str(&stderr).unwrap_or_else(|error| panic!("{error}: {stderr}"));
        assert_eq!(error, json!({ "error": "1 faults were found", "exit_code": 1 }));
    });
}

#[test]
fn commands_of_a_client_print_json() {
    over_both_stores(|database| {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(&database.url);
        let at = ["--url", &server.url];
        assert_eq!(json_of(&[&["health"], &at[..]].concat()), json!({ "status": "ready" }));
        let load = [&["bench", "load", "--readings", "10", "--devices", "2"], &at[..]].concat();
        let measured = json_of(&load);
        assert_eq!((&measured["readings"], &measured["accepted"]), (&json!(10), &json!(10)));
        assert!(measured["median_ms"].as_f64().unwrap() > 0.0, "{measured}");
        // `--output` of an export is its file.
        let file = folder.path().join("out.csv");
        let export = ["export", "--device", "bench-1", "--output", file.to_str().unwrap(), "--json"];
        let exported: Value = serde_json::from_str(&stdout_of(&[&export, &at[..]].concat())).unwrap();
        assert_eq!(exported["readings"], 5);
        let settings = json_of(&["config"]);
        let listen = json!({ "name": "listen", "value": "127.0.0.1:8000", "source": "default" });
        assert_eq!(settings[0], listen);
    });
}

#[test]
fn the_variable_of_the_output_form_applies_to_every_command() {
    let output = device_stats(&["config"]).env("DEVICE_STATS_OUTPUT", "json").output().unwrap();
    assert!(serde_json::from_slice::<Value>(&output.stdout).unwrap().is_array());
}

/// Runs a command on a terminal, and returns the output on the terminal.
fn screen(line: &str, no_color: Option<&str>) -> String {
    let command = format!("{} {line}", env!("CARGO_BIN_EXE_device-stats"));
    let mut script = Command::new("script");
    script
        .args(["-qec", &command, "/dev/null"])
        .stdin(Stdio::null())
        .env_remove("NO_COLOR")
        .env("TERM", "xterm");
    if let Some(value) = no_color {
        script.env("NO_COLOR", value);
    }
    String::from_utf8_lossy(&script.output().unwrap().stdout).into_owned()
}

#[test]
fn colours_are_for_terminals_only_and_can_be_forbidden() {
    // A help and the warning of a retry have colours.
    let retry = "tail pump --url http://127.0.0.1:1 --retry-for 1s";
    for line in ["--help", retry] {
        assert!(screen(line, None).contains(ESCAPE), "{line}");
        assert!(screen(line, Some("")).contains(ESCAPE), "{line}");
        assert!(!screen(line, Some("1")).contains(ESCAPE), "{line}");
        let output = run(&line.split(' ').collect::<Vec<_>>());
        let text = [output.stdout, output.stderr].concat();
        assert!(!text.is_empty() && !String::from_utf8(text).unwrap().contains(ESCAPE), "{line}");
    }
}

#[test]
fn an_import_prints_its_summary_as_json() {
    over_both_stores(|database| {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(&database.url);
        let file = folder.path().join("rows.csv");
        let import = |rows: &str, more: &[&str]| {
            std::fs::write(&file, format!("device_id,timestamp,x,y,z\n{rows}")).unwrap();
            run(&[&["import", file.to_str().unwrap(), "--json", "--url", &server.url], more].concat())
        };
        let json = |output: &[u8]| serde_json::from_slice::<Value>(output).unwrap();
        let rows = "d,1795428000,1,2,3\nd,1795428001,1,2,3\n";
        let output = import(rows, &["--dry-run"]);
        let device = json!({
            "device_id": "d", "readings": 2, "untimed": 0,
            "first_time": "2026-11-23T10:00:00.000000Z", "last_time": "2026-11-23T10:00:01.000000Z",
        });
        assert_eq!(json(&output.stdout), json!({ "dry_run": true, "rejected": 0, "devices": [device] }));

        let output = import(rows, &["--user", "ann"]);
        assert_eq!(output.status.code(), Some(3));
        let error = json(&output.stderr)["error"].as_str().unwrap().to_owned();
        assert!(error.contains("--email") && error.contains("there is no user \"ann\""), "{error}");

        assert!(import(rows, &[]).status.success());
        let changed = format!("{}e,1795428000,1,2,3\nd,1795428003,1,2,\n", rows.replace("1,1,2", "1,9,2"));
        let output = import(&changed, &["--on-fault", "skip"]);
        assert_eq!(output.status.code(), Some(1));
        let mut summary = json(&output.stdout);
        assert!(summary["seconds"].take().is_f64());
        let expected = json!({
            "accepted": 1, "duplicates": 2, "conflicts": 1, "rejected": 1, "untimed": 0, "devices": 2, "registered": 1,
            "seconds": null,
        });
        assert_eq!(summary, expected);
    });
}
