//! The journal of hot readings: several stores over one file, truncation, restarts, and damaged entries.

use device_stats_domain::{DeviceId, DeviceKey, NewDevice, NewReading, ReadingTime, Timestamp, Window};
use device_stats_segment::{Effort, Row};
use device_stats_sqlite::SqliteStore;
use device_stats_store::{
    AccountStore, Appended, ReadingStore, Replaced, SealedRows, SegmentStore, SnapshotStore, StoreError,
    Subject,
};
use rusqlite::Connection;

use crate::{Folder, process};

async fn create(store: &SqliteStore, device_id: &str) -> DeviceKey {
    let device_id = DeviceId::new(device_id).unwrap();
    store.create_device(NewDevice { device_id, name: None, user_id: None }).await.unwrap().key
}

fn readings(device: DeviceKey, times: std::ops::Range<i64>) -> Vec<NewReading> {
    let reading = |us: i64| {
        let time = ReadingTime::Given(Timestamp::from_micros(us).unwrap());
        NewReading { time, ..process::reading(device, usize::try_from(us).unwrap()) }
    };
    times.map(reading).collect()
}

async fn hot(store: &SqliteStore, device: DeviceKey) -> Vec<i64> {
    let snapshot = store.snapshot(Subject::Device(device), Window::ALL).await.unwrap();
    snapshot.devices.iter().flat_map(|device| &device.hot).map(|row| row.time_us).collect()
}

/// Seals the `count` earliest hot readings.
async fn seal(store: &SqliteStore, device: DeviceKey, count: u32) {
    let rows: Vec<Row> = store.list_hot_readings(device, count).await.unwrap();
    let sealed = SealedRows::encode(&rows, Effort::Fast).unwrap();
    assert!(matches!(store.seal(device, &sealed).await.unwrap(), Replaced::Done(_)));
}

fn entries(folder: &Folder) -> i64 {
    let connection = Connection::open(folder.database()).unwrap();
    connection.query_row("SELECT count(*) FROM journal", [], |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn stores_over_one_file_see_each_others_changes() {
    let folder = Folder::new();
    let stores = [(); 3].map(|()| SqliteStore::open(&folder.database(), true).unwrap());
    let [one, other, idle] = &stores;
    let (device, second) = (create(one, "d").await, create(other, "e").await);
    assert_eq!(hot(idle, device).await, [0_i64; 0]);
    for round in 0..20 {
        let first = round * 10;
        one.append(&readings(device, first..first + 6)).await.unwrap();
        let outcome = other.append(&readings(device, first + 4..first + 10)).await.unwrap();
        assert_eq!(outcome.iter().filter(|one| **one == Appended::Repeat).count(), 2);
        assert_eq!(hot(one, device).await, (first..first + 10).collect::<Vec<_>>());
        seal(other, device, 10).await;
        // The other store has sealed this reading, but it is still a repeat.
        let outcome = one.append(&readings(device, first + 9..first + 10)).await.unwrap();
        assert_eq!(outcome, [Appended::Repeat]);
    }
    one.append(&readings(second, 0..3)).await.unwrap();
    // Most entries that the idle store has not seen have been removed.
    assert!(entries(&folder) < 5, "{} entries", entries(&folder));
    assert_eq!(hot(idle, second).await, [0, 1, 2]);
    assert_eq!(hot(idle, device).await, [0_i64; 0]);
    idle.delete_device(second).await.unwrap();
    for store in &stores {
        assert_eq!(store.list_hot_devices().await.unwrap(), []);
    }
}

#[tokio::test]
async fn hot_readings_stay_hot_after_a_restart() {
    let folder = Folder::new();
    let store = SqliteStore::open(&folder.database(), true).unwrap();
    let [one, other, gone] =
        [create(&store, "a").await, create(&store, "b").await, create(&store, "c").await];
    for device in [gone, one, other] {
        store.append(&readings(device, 0..100)).await.unwrap();
    }
    seal(&store, one, 40).await;
    store.delete_device(gone).await.unwrap();
    store.append(&readings(one, 50..120)).await.unwrap();
    let expected =
        (store.list_hot_devices().await.unwrap(), hot(&store, one).await, hot(&store, other).await);
    assert_eq!(expected.1, (40..120).collect::<Vec<_>>());
    drop(store);
    let store = SqliteStore::open(&folder.database(), false).unwrap();
    let found = (store.list_hot_devices().await.unwrap(), hot(&store, one).await, hot(&store, other).await);
    assert_eq!(found, expected);
}

/// A call fails; it never returns an answer without the readings of the damaged entry.
#[tokio::test]
async fn a_damaged_entry_is_reported() {
    for fault in [
        "UPDATE journal SET bytes = CAST(x'55' || substr(bytes, 2) AS BLOB) WHERE position = 2",
        "UPDATE journal SET bytes = substr(bytes, 1, length(bytes) - 8) WHERE position = 2",
        "UPDATE journal SET kind = 9 WHERE position = 2",
        "DELETE FROM journal WHERE position = 2",
    ] {
        let folder = Folder::new();
        let store = SqliteStore::open(&folder.database(), true).unwrap();
        let device = create(&store, "d").await;
        for first in [0, 10, 20] {
            store.append(&readings(device, first..first + 5)).await.unwrap();
        }
        drop(store);
        assert_eq!(Connection::open(folder.database()).unwrap().execute(fault, []).unwrap(), 1);
        let store = SqliteStore::open(&folder.database(), true).unwrap();
        for refused in [
            store.snapshot(Subject::Device(device), Window::ALL).await.err(),
            store.append(&readings(device, 1..2)).await.err(),
            store.list_hot_devices().await.err(),
        ] {
            assert!(matches!(refused, Some(StoreError::Broken(_))), "{refused:?} after {fault}");
        }
    }
}

/// Readings of a device that does not exist were offered to the sealer for ever, and kept the journal from
/// being truncated.
#[tokio::test]
async fn hot_readings_without_a_device_are_deleted_by_a_seal() {
    let folder = Folder::new();
    let store = SqliteStore::open(&folder.database(), true).unwrap();
    let (gone, kept) = (create(&store, "gone").await, create(&store, "kept").await);
    for device in [gone, kept] {
        store.append(&readings(device, 0..10)).await.unwrap();
    }
    Connection::open(folder.database())
        .unwrap()
        .execute("DELETE FROM devices WHERE id = ?1", [gone.0])
        .unwrap();
    let rows = store.list_hot_readings(gone, 10).await.unwrap();
    let sealed = SealedRows::encode(&rows, Effort::Fast).unwrap();
    assert_eq!(store.seal(gone, &sealed).await.unwrap(), Replaced::Stale);
    assert_eq!(store.list_hot_readings(gone, 10).await.unwrap(), []);
    assert_eq!(hot(&store, kept).await.len(), 10);
    drop(store);
    let store = SqliteStore::open(&folder.database(), true).unwrap();
    let devices = store.list_hot_devices().await.unwrap();
    assert_eq!(devices.iter().map(|hot| hot.device).collect::<Vec<_>>(), [kept]);
}
