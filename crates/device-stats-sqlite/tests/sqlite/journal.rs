//! The journal of hot readings: several stores over one file, truncation, restarts, and damaged entries.

use device_stats_domain::{
    Author, DeviceId, DeviceKey, NewDevice, NewReading, ReadingTime, Timestamp, Window,
};
use device_stats_segment::{Effort, Row};
use device_stats_sqlite::SqliteStore;
use device_stats_sqlite::repair::{Dropped, drop_damaged, find_damaged};
use device_stats_store::conformance::oracle::Oracle;
use device_stats_store::{
    AccountStore, Appended, Deleted, ReadingStore, Replaced, SealedRows, SegmentStore, SnapshotStore, Store,
    StoreError, Subject, Visibility,
};
use rusqlite::Connection;

use crate::{Folder, process};

async fn create(store: &SqliteStore, device_id: &str) -> DeviceKey {
    let device_id = DeviceId::new(device_id).unwrap();
    store.create_device(&Author::SERVICE, NewDevice::new(device_id), None).await.unwrap().key
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
    idle.delete_device(&Author::SERVICE, Visibility::All, second, None).await.unwrap();
    for store in &stores {
        assert_eq!(store.list_all_hot_devices().await.unwrap(), []);
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
    store.delete_device(&Author::SERVICE, Visibility::All, gone, None).await.unwrap();
    store.append(&readings(one, 50..120)).await.unwrap();
    let expected =
        (store.list_all_hot_devices().await.unwrap(), hot(&store, one).await, hot(&store, other).await);
    assert_eq!(expected.1, (40..120).collect::<Vec<_>>());
    drop(store);
    let store = SqliteStore::open(&folder.database(), false).unwrap();
    let found =
        (store.list_all_hot_devices().await.unwrap(), hot(&store, one).await, hot(&store, other).await);
    assert_eq!(found, expected);
}

/// A damage to the journal with three entries.
const DAMAGES: [&str; 3] = [
    "UPDATE journal SET bytes = CAST(x'55' || substr(bytes, 2) AS BLOB) WHERE position = 2",
    "UPDATE journal SET bytes = substr(bytes, 1, length(bytes) - 8) WHERE position = 2",
    "UPDATE journal SET kind = 9 WHERE position = 2",
];

/// Returns a database with two devices. Both have hot readings in the first and in the last entry, but only
/// the first device in the second entry. Its journal is then changed.
async fn damaged(damage: &str) -> (Folder, SqliteStore, [DeviceKey; 2]) {
    let folder = Folder::new();
    let store = SqliteStore::open(&folder.database(), true).unwrap();
    let [ill, sound] = [create(&store, "ill").await, create(&store, "sound").await];
    for (from, devices) in [(0, &[ill, sound][..]), (10, &[ill]), (20, &[ill, sound])] {
        let call = devices.iter().flat_map(|device| readings(*device, from..from + 5)).collect::<Vec<_>>();
        store.append(&call).await.unwrap();
    }
    drop(store);
    assert_eq!(Connection::open(folder.database()).unwrap().execute(damage, []).unwrap(), 1);
    let store = SqliteStore::open(&folder.database(), true).unwrap();
    (folder, store, [ill, sound])
}

/// A call fails; it never returns an answer without the readings of the damaged entry. Every call failed, for
/// all devices.
#[tokio::test]
async fn a_damaged_entry_is_reported() {
    for damage in DAMAGES {
        let (folder, store, [ill, sound]) = damaged(damage).await;
        let call = [readings(ill, 1..2), readings(sound, 1..2)].concat();
        for refused in [
            store.snapshot(Subject::Device(ill), Window::ALL).await.err(),
            store.snapshot(Subject::Devices(vec![ill, sound].into()), Window::ALL).await.err(),
            store.list_newest(ill, Window::ALL, 1).await.err(),
            store.find_latest(&[sound, ill]).await.err(),
            store.append(&readings(ill, 30..31)).await.err(),
            store.append(&call).await.err(),
            store.list_hot_readings(ill, 1).await.err(),
            store.delete_readings(&Author::SERVICE, Visibility::All, ill, Window::ALL, &[]).await.err(),
        ] {
            let Some(StoreError::HotReadingsDamaged { device, entry: 2 }) = refused else {
                panic!("{refused:?} after {damage}");
            };
            assert_eq!(device, ill);
        }
        assert_eq!(store.ping().await.unwrap().damaged_devices, [ill]);
        // Everything else works.
        assert_eq!(hot(&store, sound).await, [0, 1, 2, 3, 4, 20, 21, 22, 23, 24]);
        store.append(&readings(sound, 30..31)).await.unwrap();
        seal(&store, sound, 5).await;
        let devices = store.list_all_hot_devices().await.unwrap();
        assert_eq!(devices.iter().map(|hot| hot.device).collect::<Vec<_>>(), [sound]);
        // The damage is not forgotten with the entries before it.
        drop(store);
        let store = SqliteStore::open(&folder.database(), true).unwrap();
        assert_eq!(store.ping().await.unwrap().damaged_devices, [ill]);
        store.delete_device(&Author::SERVICE, Visibility::All, ill, None).await.unwrap();
        assert_eq!(store.ping().await.unwrap().damaged_devices, []);
    }
}

/// If nothing is known about the devices of an entry, no call for a device succeeds.
#[tokio::test]
async fn a_damaged_entry_of_unknown_devices_is_reported_by_all_calls() {
    for damage in [
        "UPDATE journal SET bytes = x'55', devices = NULL WHERE position = 2",
        "UPDATE journal SET bytes = x'55', devices = CAST(x'55' || substr(devices, 2) AS BLOB) WHERE position = 2",
        "DELETE FROM journal WHERE position = 2",
    ] {
        let (folder, store, [_, sound]) = damaged(damage).await;
        for refused in [
            store.snapshot(Subject::Device(sound), Window::ALL).await.err(),
            store.append(&readings(sound, 1..2)).await.err(),
            store.list_all_hot_devices().await.err(),
            store.ping().await.err(),
        ] {
            assert!(matches!(refused, Some(StoreError::Broken(_))), "{refused:?} after {damage}");
        }
        drop(store);
        let found = find_damaged(&folder.database()).unwrap();
        assert_eq!(
            found.iter().map(|entry| (entry.position, entry.devices.clone())).collect::<Vec<_>>(),
            [(2, None)]
        );
        drop_damaged(&folder.database(), &found).unwrap();
        let store = SqliteStore::open(&folder.database(), true).unwrap();
        assert_eq!(hot(&store, sound).await.len(), 10);
    }
}

/// A damaged list of devices matters only if its entry is damaged, too.
#[tokio::test]
async fn damaged_devices_of_an_intact_entry_have_no_effect() {
    let damage = "UPDATE journal SET devices = x'55' WHERE position = 2";
    let (_folder, store, [ill, _]) = damaged(damage).await;
    assert_eq!(hot(&store, ill).await.len(), 15);
    assert_eq!(store.ping().await.unwrap().damaged_devices, []);
}

#[tokio::test]
async fn a_repair_drops_only_damaged_entries() {
    for damage in DAMAGES {
        let (folder, store, [ill, sound]) = damaged(damage).await;
        drop(store);
        let path = &folder.database();
        let found = find_damaged(path).unwrap();
        let [entry] = &found[..] else { panic!("{found:?}") };
        assert_eq!((entry.position, entry.devices.as_deref()), (2, Some(&[ill][..])));
        assert!(matches!(drop_damaged(path, &[]), Err(StoreError::Changed)));
        assert_eq!(drop_damaged(path, &found).unwrap(), Dropped { entries: 1, doubled_readings: 0 });
        assert_eq!(find_damaged(path).unwrap(), []);
        let store = SqliteStore::open(path, true).unwrap();
        for device in [ill, sound] {
            assert_eq!(hot(&store, device).await, [0, 1, 2, 3, 4, 20, 21, 22, 23, 24], "{damage}");
        }
        assert_eq!(store.append(&readings(ill, 10..15)).await.unwrap().len(), 5);
        assert_eq!(hot(&store, ill).await.len(), 15);
    }
}

/// Without the entry of a seal, the sealed readings are hot again.
#[tokio::test]
async fn a_repair_leaves_no_reading_both_sealed_and_hot() {
    let folder = Folder::new();
    let path = &folder.database();
    let store = SqliteStore::open(path, true).unwrap();
    let device = create(&store, "d").await;
    store.append(&readings(device, 0..10)).await.unwrap();
    seal(&store, device, 6).await;
    drop(store);
    let damage = "UPDATE journal SET bytes = x'55' WHERE kind = 2";
    assert_eq!(Connection::open(path).unwrap().execute(damage, []).unwrap(), 1);
    let found = find_damaged(path).unwrap();
    assert_eq!(drop_damaged(path, &found).unwrap(), Dropped { entries: 1, doubled_readings: 6 });
    let store = SqliteStore::open(path, true).unwrap();
    assert_eq!(hot(&store, device).await, [6, 7, 8, 9]);
    assert_eq!(process::count(&store, device).await, 10);
}

/// A repair that dropped the entry of a seal brought back the readings that were sealed, and then deleted.
#[tokio::test]
async fn a_repair_brings_back_no_deleted_reading() {
    let folder = Folder::new();
    let path = &folder.database();
    let store = SqliteStore::open(path, true).unwrap();
    let device = create(&store, "d").await;
    store.append(&readings(device, 0..10)).await.unwrap();
    seal(&store, device, 6).await;
    let window = Window { from_us: 0, until_us: 6 };
    assert_eq!(
        store.delete_readings(&Author::SERVICE, Visibility::All, device, window, &[]).await.unwrap(),
        Deleted::Done(6)
    );
    // A reading of a deleted time is new.
    store.append(&readings(device, 3..4)).await.unwrap();
    drop(store);
    let damage = "UPDATE journal SET bytes = x'55' WHERE kind = 2";
    assert_eq!(Connection::open(path).unwrap().execute(damage, []).unwrap(), 1);
    let found = find_damaged(path).unwrap();
    assert_eq!(drop_damaged(path, &found).unwrap(), Dropped { entries: 1, doubled_readings: 0 });
    let store = SqliteStore::open(path, true).unwrap();
    assert_eq!(hot(&store, device).await, [3, 6, 7, 8, 9]);
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
    let devices = store.list_all_hot_devices().await.unwrap();
    assert_eq!(devices.iter().map(|hot| hot.device).collect::<Vec<_>>(), [kept]);
}
