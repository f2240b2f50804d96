//! An older copy of the database replaces it while a node runs, in PostgreSQL.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use device_stats_domain::Axes;
use device_stats_postgres::testing::TestPostgres;
use device_stats_segment::{Effort, Row, Segment};
use device_stats_service::limits::READING_ID_BLOCK;
use device_stats_store::Replaced;
use serde_json::json;
use tokio::time::{sleep, timeout};
use tokio_postgres::NoTls;

use crate::databases::Database;
use crate::oracle::EPOCH_US;
use crate::server::{Api, Server};

/// Maximum wait for an expected condition.
const PATIENCE: Duration = Duration::from_mins(1);

/// Lets a node store a reading of a device, and restores a database in which another device, `new`, has the
/// key of this device, `lost`.
async fn restored() -> (TestPostgres, Server) {
    let postgres = TestPostgres::start();
    let database = Database::Postgres(postgres.fresh_database());
    let node = Server::start(database.open().await).await;
    postgres.save();
    let lost = node.api.device("lost").await;
    assert_eq!(post(node.api, "lost").await, 201);
    postgres.restore();
    let new = node.api.device("new").await;
    assert_eq!(new["id"], lost["id"]);
    (postgres, node)
}

async fn post(api: Api, device: &str) -> u16 {
    let path = format!("/api/v1/stats/devices/{device}");
    let reading = json!({"x": 1.0, "y": 2.0, "z": 3.0, "timestamp": "2024-01-01T00:00:00Z"});
    api.post(&path, reading).await.status
}

/// Returns when the database has a reservation that ends after this id.
async fn until_reserved(url: &str, id: u32) {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    let select = "SELECT 1 FROM id_reservation WHERE until > $1";
    let reserved = async {
        while client.query(select, &[&i64::from(id)]).await.unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, reserved).await.expect("a reservation");
}

async fn assert_empty(api: Api, device: &str) {
    let readings = api.get(&format!("/api/v1/stats/devices/{device}")).await;
    assert!(!String::from_utf8_lossy(&readings.body).contains("2024"), "{readings:?}");
}

/// The node remembered the key of a device. In the restored database, another device gets this key.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_reading_goes_to_another_device_after_a_restore() {
    let (_postgres, node) = restored().await;
    assert_eq!(post(node.api, "lost").await, 503);
    assert_eq!(post(node.api, "lost").await, 404);
    assert_empty(node.api, "new").await;
    assert_eq!(post(node.api, "new").await, 201);
    node.stop().await;
}

/// A batch that needed more ids found the older database when it reserved them, and the node kept the keys of
/// devices.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_batch_goes_to_another_device_after_a_restore() {
    let (_postgres, node) = restored().await;
    let mut rows = "timestamp,x,y,z\n".to_owned();
    for number in 0..=READING_ID_BLOCK {
        writeln!(rows, "{}.{:06},1,2,3", 1_704_067_200 + number / 1_000_000, number % 1_000_000).unwrap();
    }
    let path = "/api/v1/stats/devices/lost/batch?precision=s";
    let send =
        async || node.api.send("POST", path, &["content-type: text/csv"], Some(rows.as_bytes())).await.status;
    assert_eq!(send().await, 503);
    assert_eq!(send().await, 404);
    assert_empty(node.api, "new").await;
    node.stop().await;
}

/// The node only reads, so it did not notice the restore. The restored database gave the id of a cached
/// segment to a new one with the same period and number of readings. The node answered with the readings of
/// the cached segment.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_cached_segment_answers_for_a_segment_of_the_restored_database() {
    let postgres = TestPostgres::start();
    let database = Database::Postgres(postgres.fresh_database());
    let node = Server::start(database.open().await).await;
    let device = node.api.owned_device("d", None::<i64>).await;
    postgres.save();
    for x in [1.0, 2.0] {
        let row = |n: i64| Row { time_us: EPOCH_US + n, id: n, values: Axes { x, y: 0.0, z: 0.0 } };
        let segment = Segment::encode(&[1, 2, 3].map(row), Effort::Fast).unwrap();
        let other_node = database.open().await;
        let appended = other_node.append_segment(device, &segment).await.unwrap();
        assert!(matches!(appended, Replaced::Done(_)));
        for _ in 0..2 {
            let analysis = node.api.post("/api/v1/stats/devices/d/analyze", "{}").await.json();
            assert_eq!(analysis["x"]["max_value"], json!(x));
        }
        postgres.restore();
    }
    node.stop().await;
}

/// The copy contained the reservation of the ids of the node, which last for days. The node did not recognize
/// the copy, and stored the readings of the lost device under the device that had got its key.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_with_the_ids_of_a_node_is_recognized() {
    let postgres = TestPostgres::start();
    let url = postgres.fresh_database();
    let node = Server::start(Database::Postgres(url.clone()).open().await).await;
    node.api.device("first").await;
    assert_eq!(post(node.api, "first").await, 201);
    postgres.save();
    let lost = node.api.device("lost").await;
    assert_eq!(post(node.api, "lost").await, 201);
    let _recognizing = node.service.recognize_restores_in_background(Duration::from_hours(1));
    until_reserved(&url, READING_ID_BLOCK + 1).await;
    postgres.restore();
    let new = node.api.device("new").await;
    assert_eq!(new["id"], lost["id"]);
    assert_eq!(post(node.api, "lost").await, 503);
    assert_eq!(post(node.api, "lost").await, 404);
    assert_empty(node.api, "new").await;
    node.stop().await;
}

/// A node reserved its first ids for its first reading, so a node that only read recognized no copy.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_only_reads_recognizes_a_copy() {
    let postgres = TestPostgres::start();
    let url = postgres.fresh_database();
    let store = Database::Postgres(url.clone()).open().await;
    let node = Server::start(Arc::clone(&store)).await;
    postgres.save();
    let _recognizing = node.service.recognize_restores_in_background(Duration::from_millis(100));
    until_reserved(&url, 1).await;
    postgres.restore();
    let recognized = async {
        while store.restores() == 0 {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, recognized).await.expect("the copy is recognized");
    node.stop().await;
}
