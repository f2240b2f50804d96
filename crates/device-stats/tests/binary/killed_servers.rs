//! Imports and exports while the server is killed and restarted: no reading is lost, and none is stored or
//! written twice.

#![expect(clippy::disallowed_methods, reason = "waits between two checks of the state of another process")]

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Child, Output, Stdio};
use std::time::{Duration, Instant};

use crate::databases::{Database, over_both_stores};
use crate::server::{Server, device_stats, stdout_of};

/// Number of readings, enough for kills in the middle.
const READINGS: u32 = 150_000;
const KILLS: u32 = 3;
/// Maximum number of exports until a kill interrupts one.
const ATTEMPTS_MAX: u32 = 20;
/// Maximum wait for a condition.
const PATIENCE: Duration = Duration::from_mins(3);

fn rows() -> String {
    let mut text = "device_id,timestamp,x,y,z\n".to_owned();
    for row in 0..READINGS {
        let (minute, second) = (row / 60_000, row / 1_000 % 60);
        let (x, micros) = (f64::from(row).sqrt(), row % 1_000);
        writeln!(text, "pump,2026-11-23T10:{minute:02}:{second:02}.{micros:06}Z,{x:?},{:?},3.0", -x).unwrap();
    }
    // An export writes zero without a sign.
    text.replace(",-0.0,", ",0.0,")
}

fn spawn(arguments: &[&str]) -> Child {
    device_stats(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn wait_for_success(child: Child) -> Output {
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

/// Returns the number of readings of the device, or 0 if it does not exist.
fn count(server: &Server) -> u64 {
    let (_, answer) = server.post("/api/v1/stats/devices/pump/analyze", "{}");
    answer["x"]["count"].as_u64().unwrap_or_default()
}

/// Waits for a condition that is sure to become true.
pub(crate) fn wait_until(condition: impl Fn() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < PATIENCE, "the condition stays false");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn an_import_survives_kills_of_the_server() {
    over_both_stores(|database| {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        std::fs::write(path("rows.csv"), rows()).unwrap();
        let mut server = Server::start(&database.url);
        let url = server.url.clone();
        let import = spawn(&["import", &path("rows.csv"), "--url", &url]);
        for kill in 0..KILLS {
            let least = u64::from(READINGS / (KILLS + 1) * kill);
            wait_until(|| count(&server) > least);
            server.kill();
            server = Server::restart(&url, &database.url);
        }
        let output = wait_for_success(import);
        let summary = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(summary.starts_with(&format!("{READINGS} readings: ")), "{summary}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("trying again"));
        stdout_of(&["export", "--device", "pump", "--output", &path("again.csv"), "--url", &url]);
        assert!(std::fs::read_to_string(path("again.csv")).unwrap() == rows());
    });
}

#[test]
fn an_export_survives_a_kill_of_the_server() {
    over_both_stores(|database| {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        std::fs::write(path("rows.csv"), rows()).unwrap();
        let mut server = Server::start(&database.url);
        stdout_of(&["import", &path("rows.csv"), "--url", &server.url]);
        for _ in 0..ATTEMPTS_MAX {
            let (was_interrupted, next) = export_while_killed(server, database, folder.path());
            if was_interrupted {
                return;
            }
            server = next;
        }
        panic!("each export ended before the kill");
    });
}

/// Kills the server during an export and starts it again. Returns whether the kill interrupted the export,
/// and the new server.
fn export_while_killed(server: Server, database: &Database, folder: &Path) -> (bool, Server) {
    let file = folder.join("out.csv");
    let partial = || {
        let mut files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
        files.find(|file| file.extension().is_some_and(|extension| extension == "partial"))
    };
    let has_begun =
        || partial().is_some_and(|partial| std::fs::metadata(partial).is_ok_and(|found| found.len() > 0));
    let url = server.url.clone();
    let arguments = ["export", "--device", "pump", "--output", file.to_str().unwrap(), "--url", &url];
    let export = spawn(&arguments);
    wait_until(|| file.exists() || has_begun());
    server.kill();
    let server = Server::restart(&url, &database.url);
    let output = wait_for_success(export);
    assert!(std::fs::read_to_string(&file).unwrap() == rows());
    std::fs::remove_file(&file).unwrap();
    assert_eq!(partial(), None);
    (String::from_utf8_lossy(&output.stderr).contains("broke off"), server)
}
