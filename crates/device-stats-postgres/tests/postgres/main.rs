//! The store in PostgreSQL, from outside: the conformance suite, opening and migrating, and what becomes of it when the
//! database goes away.

#![allow(clippy::panic, clippy::unwrap_used, reason = "tests")]

mod failing;
mod migrating;
mod sharing;

use std::sync::Arc;

use device_stats_domain::{
    Axes, DeviceId, DeviceKey, Finite, NewDevice, NewReading, ReadingId, ReadingTime, Timestamp,
};
use device_stats_postgres::testing::fresh_database;
use device_stats_postgres::{PostgresConfig, PostgresStore};
use device_stats_store::Store;
use tokio_postgres::{Client, NoTls};

fn config(url: &str) -> PostgresConfig {
    PostgresConfig::from_url(url).unwrap()
}

async fn open_at(url: &str) -> PostgresStore {
    PostgresStore::open(&config(url), true).await.unwrap()
}

async fn open() -> ((), Arc<dyn Store>) {
    ((), Arc::new(open_at(&fresh_database()).await))
}

/// The database as a connection of its own sees it.
async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

async fn device(store: &impl Store, id: &str) -> DeviceKey {
    let new = NewDevice { device_id: DeviceId::new(id).unwrap(), name: None, user_id: None };
    store.create_device(new).await.unwrap().key
}

fn reading(device: DeviceKey, n: i32) -> NewReading {
    let values = Axes { x: n.into(), y: 0.5, z: -1.0 }.map(|number: f64| Finite::new(number).unwrap());
    let time = ReadingTime::Given(Timestamp::from_micros(n.into()).unwrap());
    NewReading { device, id: ReadingId(n.into()), time, values }
}

device_stats_store::conformance_tests!(open);
