//! The log lines about readings: an audit record of each deletion, and a warning about conflicts.

#![expect(clippy::disallowed_methods, reason = "polls the log")]

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::numbered_readings::Api;
use crate::server::Server;

/// Time limit for a line to appear in the log.
const LINE_TIMEOUT: Duration = Duration::from_mins(1);

/// Waits for the log line with this message, and returns it.
pub(crate) fn log_line(server: &Server, message: &str) -> Value {
    let waiting = Instant::now();
    loop {
        let log = server.log();
        let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        if let Some(found) = lines.into_iter().find(|line| line["fields"]["message"] == message) {
            return found;
        }
        assert!(waiting.elapsed() < LINE_TIMEOUT, "{message} is not logged:\n{log}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn deletions_and_conflicts_are_logged_with_their_device() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::in_folder(folder.path());
    let api = Api::at(&server.url);
    let device = api.request("POST", "/api/v1/devices/", Some(&json!({"device_id": "pump"}))).unwrap().1;
    let at = |second: u32, x: f64| json!({"x": x, "y": 0, "z": 0, "timestamp": 1_795_428_000 + second});
    let path = "/api/v1/stats/devices/pump";
    let batch = json!([at(0, 1.0), at(1, 1.0), at(1, 2.0), at(2, 1.0), at(2, 3.0), at(2, 1.0)]);
    let answer = api.request("POST", &format!("{path}/batch"), Some(&batch)).unwrap().1;
    assert_eq!(answer, json!({"accepted": 3, "duplicates": 3, "conflicts": 2}));
    let warning = log_line(&server, "repeats have other values than the stored readings, keeping those");
    assert_eq!(warning["level"], "WARN");
    let fields = &warning["fields"];
    assert_eq!((&fields["device"], &fields["conflicts"]), (&device["id"], &json!(2)));
    assert_eq!(fields["time"], "2026-11-23T10:00:01.000000Z");

    let query = "start_time=1795428001&until=1795428009";
    let answer = api.request("DELETE", &format!("{path}?{query}"), None).unwrap().1;
    assert_eq!(answer, json!({"deleted": 2}));
    let audit = log_line(&server, "deleted readings");
    let fields = &audit["fields"];
    let found = ["device_id", "device", "from", "until", "readings"].map(|name| fields[name].clone());
    let expected =
        json!(["pump", device["id"], "2026-11-23T10:00:01.000000Z", "2026-11-23T10:00:09.000000Z", 2]);
    assert_eq!(json!(found), expected);
    // The span of the request.
    assert_eq!(audit["span"]["method"], "DELETE", "{audit}");
}
