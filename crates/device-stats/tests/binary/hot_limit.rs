//! The setting `--hot-readings-max`.

use serde_json::json;

use crate::databases::over_both_stores;
use crate::killed_servers::wait_until;
use crate::server::Server;

/// Number of readings of a batch. Fewer than this are sealed only when they are old, or when there are too
/// many hot readings.
const BATCH: usize = 2_000;

/// Posts readings without times, which never become a segment at once. Returns whether they were accepted.
fn post(server: &Server) -> bool {
    let readings = json!(vec![json!({"x": 1, "y": 2, "z": 3}); BATCH]).to_string();
    match server.post("/api/v1/stats/devices/d/batch", &readings) {
        (201, _) => true,
        (503, body) => {
            assert_eq!(body["code"], "queue_full", "{body}");
            assert!(
                body["detail"].as_str().unwrap().starts_with("1000 readings wait to be sealed"),
                "{body}"
            );
            false
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn readings_are_refused_until_hot_readings_are_sealed() {
    over_both_stores(|database| {
        let server = Server::start_with(&database.url, &["--hot-readings-max", "1000"]);
        assert_eq!(server.post("/api/v1/devices/", r#"{"device_id": "d", "name": "d"}"#).0, 201);
        // Sealing is fast here, but it looks for too many hot readings only once a second.
        wait_until(|| !post(&server));
        wait_until(|| post(&server));
        let lines = |text: &str| server.log().lines().filter(|line| line.contains(text)).count();
        // The test gets the log a little later than the answer.
        wait_until(|| lines("accepting readings again, because hot readings have been sealed") > 0);
        let refusing = lines("refusing readings, because there are too many hot readings");
        assert_eq!(refusing, 1, "{}", server.log());
        assert!(server.terminate());
    });
}
