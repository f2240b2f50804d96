//! Integration tests of the store in PostgreSQL: the conformance suite, opening and migrating, several nodes
//! over one database, and databases that stop.

#![allow(clippy::panic, clippy::unwrap_used, reason = "tests")]

mod corrupt;
mod encrypting;
mod failing;
mod held_up;
mod migrating;
mod nodes;
mod planning;
mod poolers;
mod receipts;
mod restoring;
mod sharing;
mod unwritable_entries;

use std::sync::Arc;
use std::time::Duration;

use device_stats_domain::{
    Author, Axes, DeviceId, DeviceKey, Finite, ListPage, NewDevice, NewReading, ReadingId, ReadingTime,
    Timestamp, Window,
};
use device_stats_postgres::testing::fresh_database;
use device_stats_postgres::{PostgresConfig, PostgresStore};
use device_stats_segment::{Effort, Row, Segment};
use device_stats_store::conformance::oracle::Oracle;
use device_stats_store::{SealedRows, Store};
use tokio::time::Instant;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls};

/// Maximum wait of a test for an expected condition.
const PATIENCE: Duration = Duration::from_mins(1);

fn config(url: &str) -> PostgresConfig {
    PostgresConfig::from_url(url).unwrap()
}

async fn open_at(url: &str) -> PostgresStore {
    PostgresStore::open(&config(url), true).await.unwrap().with_patient_appends()
}

async fn open() -> ((), Arc<dyn Store>) {
    ((), Arc::new(open_at(&fresh_database()).await.with_clock_of_callers()))
}

/// Opens a connection outside the store.
async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// Returns when the query finds `count` rows.
async fn until_found(client: &Client, count: usize, query: &str, parameters: &[&(dyn ToSql + Sync)]) {
    let start = Instant::now();
    while client.query(query, parameters).await.unwrap().len() != count {
        assert!(start.elapsed() < PATIENCE, "never {count} rows: {query}");
        tokio::task::yield_now().await;
    }
}

async fn device(store: &impl Store, id: &str) -> DeviceKey {
    let new = NewDevice::new(DeviceId::new(id).unwrap());
    store.create_device(&Author::SERVICE, new, None).await.unwrap().key
}

fn at(us: i64) -> Timestamp {
    Timestamp::from_micros(us).unwrap()
}

/// Returns the reading with number `n`, at microsecond `n`.
fn reading(device: DeviceKey, n: i32) -> NewReading {
    let values = Axes { x: n.into(), y: 0.5, z: -1.0 }.map(|number: f64| Finite::new(number).unwrap());
    NewReading { device, id: ReadingId(n.into()), time: ReadingTime::Given(at(n.into())), values }
}

/// Returns the same reading, server-timed, with the clock at microsecond `n`.
fn server_timed(device: DeviceKey, n: i32) -> NewReading {
    NewReading { time: ReadingTime::Picked(at(n.into())), ..reading(device, n) }
}

/// Returns the same reading as a row of a segment.
fn row(n: i32) -> Row {
    Row { time_us: n.into(), id: n.into(), values: Axes { x: n.into(), y: 0.5, z: -1.0 } }
}

fn segment(rows: &[Row]) -> Segment {
    Segment::encode(rows, Effort::Fast).unwrap()
}

fn sealed_rows(rows: &[Row]) -> SealedRows {
    SealedRows::encode(rows, Effort::Fast).unwrap()
}

/// Returns the times of all readings of a device, hot and sealed.
async fn times(store: &impl Store, device: DeviceKey) -> Vec<i64> {
    let all = ListPage { skip: 0, limit: u32::MAX };
    let newest_first = store.list_readings(device, Window::ALL, all).await.unwrap();
    newest_first.iter().rev().map(|reading| reading.time.micros()).collect()
}

device_stats_store::conformance_tests!(open);
