//! `device-stats tail`: live readings, also after a restart of the server.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use serde_json::Value;

use crate::databases::over_both_stores;
use crate::server::{Server, device_stats, run};

/// Maximum time for a line.
const LINE_TIMEOUT: Duration = Duration::from_mins(1);

/// A running `tail`.
struct Tail {
    child: Child,
    lines: Receiver<String>,
}

impl Tail {
    fn start(server: &Server, flags: &[&str]) -> Self {
        let line = [&["tail", "--url", &server.url, "--rate", "1000"], flags].concat();
        let mut child = device_stats(&line).stdout(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        Self { child, lines }
    }

    fn next(&self) -> String {
        self.lines.recv_timeout(LINE_TIMEOUT).unwrap()
    }

    /// Posts readings of the seconds from 0 on until a line arrives, because the stream begins at an unknown
    /// moment. Returns the line and the next second.
    fn wait_for_line(&self, server: &Server, device: &str) -> (String, u32) {
        for second in 0.. {
            post(server, device, second);
            match self.lines.recv_timeout(Duration::from_millis(20)) {
                Ok(line) => return (line, second + 1),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        panic!("tail has ended");
    }

    /// As [`Self::wait_for_line`], and waits until all posted readings have arrived. Returns the next second.
    fn wait_for_start(&self, server: &Server, device: &str) -> u32 {
        let (mut line, next) = self.wait_for_line(server, device);
        while !line.contains(&time(next - 1)) {
            line = self.next();
        }
        next
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn register(server: &Server, body: &str) {
    assert_eq!(server.post("/api/v1/devices/", body).0, 201);
}

/// Returns the time of a second after 10:00, as `tail` prints it. It is in the future: after a restart, a
/// server sends no reading whose time is before the beginning of the stream.
fn time(second: u32) -> String {
    format!("2096-11-23T10:{:02}:{:02}.000000Z", second / 60, second % 60)
}

fn post(server: &Server, device: &str, second: u32) {
    let body = format!(r#"{{"x": {second}, "y": 0.5, "z": -1, "timestamp": "{}"}}"#, time(second));
    assert_eq!(server.post(&format!("/api/v1/stats/devices/{device}"), &body).0, 201);
}

#[test]
fn readings_are_printed_as_they_arrive_also_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("test.db").display());
    let server = Server::start(&database);
    register(&server, r#"{"device_id": "pump"}"#);
    let tail = Tail::start(&server, &["pump"]);
    let next = tail.wait_for_start(&server, "pump");
    for second in next..next + 3 {
        post(&server, "pump", second);
        assert_eq!(tail.next(), format!("{}  pump  {second}.0 0.5 -1.0", time(second)));
    }
    let url = server.url.clone();
    server.kill();
    let server = Server::restart(&url, &database);
    // Readings of the time without a connection are printed, too.
    for second in next + 3..next + 6 {
        post(&server, "pump", second);
    }
    for second in next + 3..next + 6 {
        assert_eq!(tail.next(), format!("{}  pump  {second}.0 0.5 -1.0", time(second)));
    }
}

#[test]
fn a_tail_of_a_user_prints_json_and_stops_after_a_count() {
    over_both_stores(|database| {
        let server = Server::start(&database.url);
        let (status, ann) =
            server.post("/api/v1/users/", r#"{"username": "ann", "email": "ann@example.com"}"#);
        assert_eq!(status, 201);
        register(&server, &format!(r#"{{"device_id": "pump", "user_id": {}}}"#, ann["id"]));
        register(&server, &format!(r#"{{"device_id": "fan", "user_id": {}}}"#, ann["id"]));
        let tail = Tail::start(&server, &["--user", "ann", "--json"]);
        let next = tail.wait_for_start(&server, "fan");
        post(&server, "pump", next);
        let reading: Value = serde_json::from_str(&tail.next()).unwrap();
        let expected =
            format!(r#"{{"device_id":"pump","timestamp":"{}","x":{next}.0,"y":0.5,"z":-1.0}}"#, time(next));
        assert_eq!(reading, serde_json::from_str::<Value>(&expected).unwrap());

        register(&server, r#"{"device_id": "valve"}"#);
        let mut counted = Tail::start(&server, &["valve", "--count", "1"]);
        counted.wait_for_line(&server, "valve");
        assert!(counted.child.wait().unwrap().success());
    });
}

#[test]
fn an_unknown_device_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::in_folder(folder.path());
    assert_eq!(run(&["tail", "none", "--url", &server.url]).status.code(), Some(3));
    assert_eq!(run(&["tail", "--user", "none", "--url", &server.url]).status.code(), Some(3));
    let unreachable = ["tail", "none", "--url", "http://127.0.0.1:1", "--retry-for", "0"];
    assert_eq!(run(&unreachable).status.code(), Some(4));
}
