//! A server that is killed and comes back while a file is imported, or exported: nothing is lost, nothing is there twice.

#![expect(
    clippy::disallowed_methods,
    reason = "a look at what another process has done so far waits between two looks"
)]

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Child, Output, Stdio};
use std::time::Duration;

use crate::databases::{Database, over_both_stores};
use crate::server::{Started, device_stats, printed};

/// Enough to be killed in the middle of.
const READINGS: u32 = 150_000;
const KILLS: u32 = 3;
/// Exports that are killed are tried until one was cut.
const ATTEMPTS_MAX: u32 = 20;

fn rows() -> String {
    let mut text = "device_id,timestamp,x,y,z\n".to_owned();
    for row in 0..READINGS {
        let (minute, second) = (row / 60_000, row / 1_000 % 60);
        let (x, micros) = (f64::from(row).sqrt(), row % 1_000);
        writeln!(text, "pump,2026-11-23T10:{minute:02}:{second:02}.{micros:06}Z,{x:?},{:?},3.0", -x).unwrap();
    }
    // As an export writes it.
    text.replace(",-0.0,", ",0.0,")
}

fn begin(arguments: &[&str]) -> Child {
    device_stats(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn succeeded(child: Child) -> Output {
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

/// How many readings the device has, if it is there.
fn count(server: &Started) -> u64 {
    let (_, answer) = server.post("/api/v1/stats/devices/pump/analyze", "{}");
    answer["x"]["count"].as_u64().unwrap_or_default()
}

fn wait_until(what: impl Fn() -> bool) {
    while !what() {
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn an_import_outlives_kills_of_the_server() {
    over_both_stores(|database| {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        std::fs::write(path("rows.csv"), rows()).unwrap();
        let mut server = Started::on(&database.url);
        let url = server.url.clone();
        let import = begin(&["import", &path("rows.csv"), "--url", &url]);
        for kill in 0..KILLS {
            let least = u64::from(READINGS / (KILLS + 1) * kill);
            wait_until(|| count(&server) > least);
            server.kill();
            server = Started::again(&url, &database.url);
        }
        let output = succeeded(import);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(said.starts_with(&format!("{READINGS} readings: ")), "{said}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("trying again"));
        printed(&["export", "--device", "pump", "--output", &path("again.csv"), "--url", &url]);
        assert!(std::fs::read_to_string(path("again.csv")).unwrap() == rows());
    });
}

#[test]
fn an_export_outlives_a_kill_of_the_server() {
    over_both_stores(|database| {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        std::fs::write(path("rows.csv"), rows()).unwrap();
        let mut server = Started::on(&database.url);
        printed(&["import", &path("rows.csv"), "--url", &server.url]);
        for _ in 0..ATTEMPTS_MAX {
            let (was_cut, next) = export_while_killed(server, database, folder.path());
            if was_cut {
                return;
            }
            server = next;
        }
        panic!("each export was over before the kill");
    });
}

/// Whether the export was cut, and the next server.
fn export_while_killed(server: Started, database: &Database, folder: &Path) -> (bool, Started) {
    let file = folder.join("out.csv");
    let partial = folder.join("out.csv.partial");
    let url = server.url.clone();
    let arguments = ["export", "--device", "pump", "--output", file.to_str().unwrap(), "--url", &url];
    let export = begin(&arguments);
    wait_until(|| file.exists() || std::fs::metadata(&partial).is_ok_and(|found| found.len() > 0));
    server.kill();
    let server = Started::again(&url, &database.url);
    let output = succeeded(export);
    assert!(std::fs::read_to_string(&file).unwrap() == rows());
    std::fs::remove_file(&file).unwrap();
    assert!(!partial.exists());
    (String::from_utf8_lossy(&output.stderr).contains("broke off"), server)
}
