//! An older copy of the database replaces it while a node runs, in PostgreSQL.

use device_stats_postgres::testing::TestPostgres;
use serde_json::json;

use crate::databases::Database;
use crate::server::Server;

/// The node remembered the key of a device. In the restored database, another device gets this key.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_reading_goes_to_another_device_after_a_restore() {
    let postgres = TestPostgres::start();
    let database = Database::Postgres(postgres.fresh_database());
    let node = Server::start(database.open().await).await;
    postgres.save();
    let post = async |device: &str| {
        let path = format!("/api/v1/stats/devices/{device}");
        let reading = json!({"x": 1.0, "y": 2.0, "z": 3.0, "timestamp": "2024-01-01T00:00:00Z"});
        node.api.post(&path, reading).await.status
    };
    let lost = node.api.device("lost").await;
    assert_eq!(post("lost").await, 201);
    postgres.restore();
    let new = node.api.device("new").await;
    assert_eq!(new["id"], lost["id"]);
    assert_eq!(post("lost").await, 503);
    assert_eq!(post("lost").await, 404);
    let readings = node.api.get("/api/v1/stats/devices/new").await;
    assert!(!String::from_utf8_lossy(&readings.body).contains("2024"), "{readings:?}");
    assert_eq!(post("new").await, 201);
    node.stop().await;
}
