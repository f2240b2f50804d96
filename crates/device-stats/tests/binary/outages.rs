//! What outlives the process: readings that were acknowledged, whatever ends it, and the service, whatever happens to
//! its database.

use device_stats_postgres::testing::TestPostgres;
use serde_json::json;

use crate::server::{Started, printed, run};

fn register(server: &Started) {
    assert_eq!(server.post("/api/v1/devices/", r#"{"device_id": "pump"}"#).0, 201);
}

fn post_reading(server: &Started, x: u32) -> u16 {
    server.post("/api/v1/stats/devices/pump", &json!({"x": x, "y": 1, "z": 2}).to_string()).0
}

fn count(server: &Started) -> u64 {
    let (status, body) = server.post("/api/v1/stats/devices/pump/analyze", "{}");
    assert_eq!(status, 200, "{body}");
    body["x"]["count"].as_u64().unwrap()
}

#[test]
fn acknowledged_readings_survive_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let server = Started::in_folder(folder.path());
    register(&server);
    for kills in 1..4 {
        assert_eq!(post_reading(&server, kills), 201);
    }
    server.kill();
    let server = Started::in_folder(folder.path());
    assert_eq!(count(&server), 3);
    assert!(server.terminate());
    assert_eq!(count(&Started::in_folder(folder.path())), 3);
}

/// The service answers 503 while its database is away, and goes on when it is back.
#[test]
fn a_lost_database_is_answered_with_503_and_found_again() {
    let postgres = TestPostgres::start();
    let server = Started::on(&postgres.fresh_database());
    register(&server);
    assert_eq!(post_reading(&server, 1), 201);
    assert_eq!(server.get("/health/ready").0, 200);

    postgres.stop();
    assert_eq!(post_reading(&server, 2), 503);
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
fn migrations_are_applied_on_demand_only_where_the_start_may_not() {
    let postgres = TestPostgres::start();
    let url = postgres.fresh_database();
    let refused = run(&["serve", "--listen", "127.0.0.1:0", "--database-url", &url, "--migrate", "false"]);
    assert_eq!(refused.status.code(), Some(1));
    let message = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(message.contains("device-stats migrate"), "{message}");

    printed(&["migrate", "--database-url", &url]);
    printed(&["migrate", "--database-url", &url]);
    let server = Started::on(&url);
    register(&server);
}
