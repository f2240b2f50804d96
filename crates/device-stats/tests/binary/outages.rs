//! Acknowledged readings survive a kill of the process, and the service survives an outage of its database.

use device_stats_postgres::testing::TestPostgres;
use serde_json::json;

use crate::server::{Server, run, stdout_of};

fn register(server: &Server) {
    assert_eq!(server.post("/api/v1/devices/", r#"{"device_id": "pump"}"#).0, 201);
}

fn post_reading(server: &Server, x: u32) -> u16 {
    server.post("/api/v1/stats/devices/pump", &json!({"x": x, "y": 1, "z": 2}).to_string()).0
}

fn count(server: &Server) -> u64 {
    let (status, body) = server.post("/api/v1/stats/devices/pump/analyze", "{}");
    assert_eq!(status, 200, "{body}");
    body["x"]["count"].as_u64().unwrap()
}

#[test]
fn acknowledged_readings_survive_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::in_folder(folder.path());
    register(&server);
    for kills in 1..4 {
        assert_eq!(post_reading(&server, kills), 201);
    }
    server.kill();
    let server = Server::in_folder(folder.path());
    assert_eq!(count(&server), 3);
    assert!(server.terminate());
    assert_eq!(count(&Server::in_folder(folder.path())), 3);
}

#[test]
fn an_unavailable_database_gives_503_until_it_is_back() {
    let postgres = TestPostgres::start();
    let server = Server::start(&postgres.fresh_database());
    register(&server);
    assert_eq!(post_reading(&server, 1), 201);
    assert_eq!(server.get("/health/ready").0, 200);

    postgres.stop();
    assert_eq!(post_reading(&server, 2), 503);
    // An operator needs the metrics of the node most during an outage.
    let (status, metrics) = server.get_text("/metrics");
    let has = |sample: &str| metrics.lines().any(|line| line.starts_with(sample));
    assert_eq!(
        (status, has("device_stats_database_up 0"), has("device_stats_hot_readings ")),
        (200, true, false)
    );
    assert!(has(r#"device_stats_http_requests_total{method="POST""#), "{metrics}");
    assert_eq!(server.get("/health/ready").0, 503);
    assert_eq!(server.get("/health/live").0, 200);

    postgres.start_again();
    assert_eq!(post_reading(&server, 3), 201);
    assert_eq!(server.get("/health/ready").0, 200);
    assert_eq!(count(&server), 2);

    postgres.terminate_backends();
    let status = post_reading(&server, 4);
    assert!(matches!(status, 201 | 503), "{status}");
    assert!(count(&server) >= 2);
}

#[test]
fn without_migrations_at_start_the_command_applies_them() {
    let postgres = TestPostgres::start();
    let url = postgres.fresh_database();
    let failed = run(&["serve", "--listen", "127.0.0.1:0", "--database-url", &url, "--migrate", "false"]);
    assert_eq!(failed.status.code(), Some(1));
    let message = String::from_utf8_lossy(&failed.stderr).into_owned();
    assert!(message.contains("device-stats migrate"), "{message}");

    stdout_of(&["migrate", "--database-url", &url]);
    stdout_of(&["migrate", "--database-url", &url]);
    let server = Server::start(&url);
    register(&server);
}
