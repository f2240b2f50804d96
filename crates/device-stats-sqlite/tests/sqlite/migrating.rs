//! Migrating a database: from older versions, and by concurrent callers.

use std::sync::{Arc, Barrier};
use std::thread;

use device_stats_domain::{Author, DeviceKey, IdempotencyKey, NewReading, Timestamp, UserId, Window};
use device_stats_sqlite::{SqliteStore, migrate};
use device_stats_store::conformance::oracle::Oracle;
use device_stats_store::{
    AccountStore, Appended, KeyedOutcome, KeyedReadings, NewestReadings, ReadingStore, Receipt, SchemaError,
    SnapshotStore, Visibility,
};
use refinery::{Migration, Runner};

use crate::Folder;
use crate::process::{self, Role};

const CALLERS: usize = 8;
const ALL: [&str; 13] = [
    "V1__users_devices_readings",
    "V2__segments",
    "V3__journal",
    "V4__keyed_requests",
    "V5__created_at",
    "V6__conflicts",
    "V7__derived_segments",
    "V8__deleted_devices",
    "V9__journal_devices",
    "V10__cleared_readings",
    "V11__tokens",
    "V12__audit",
    "V13__arrivals",
];

#[test]
fn only_applied_migrations_are_returned() {
    let folder = Folder::new();
    assert_eq!(migrate(&folder.database()).unwrap(), ALL);
    assert_eq!(migrate(&folder.database()).unwrap(), [""; 0]);
}

#[tokio::test]
async fn readings_of_the_first_version_stay_hot() {
    let folder = Folder::new();
    let mut old = rusqlite::Connection::open(folder.database()).unwrap();
    let first = include_str!("../../migrations/V1__users_devices_readings.sql");
    let first = Migration::unapplied(ALL[0], first).unwrap();
    Runner::new(&[first]).run(&mut old).unwrap();
    old.execute_batch(
        "INSERT INTO users VALUES (1, 'ann', 'ann@example.com');
         INSERT INTO devices VALUES (1, 'd', NULL, NULL), (2, 'of ann', NULL, 1);
         WITH RECURSIVE n (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < 999)
         INSERT INTO reading SELECT 1, n, n, n, n, n FROM n;
         INSERT INTO reading SELECT 2, time, id, x, y, z FROM reading",
    )
    .unwrap();
    drop(old);
    assert_eq!(migrate(&folder.database()).unwrap(), ALL[1..]);

    let store = SqliteStore::open(&folder.database(), false).unwrap();
    let device = process::device(&store).await;
    let ann = store.find_user(Visibility::All, UserId(1)).await.unwrap().unwrap();
    assert_eq!(ann.created_at, None);
    assert_eq!(process::count(&store, device).await, 1000);
    let hot: Vec<_> =
        store.list_all_hot_devices().await.unwrap().iter().map(|hot| (hot.device.0, hot.readings)).collect();
    assert_eq!(hot, [(1, 1000), (2, 1000)]);
    let readings: Vec<NewReading> = (998..1002).map(|n| process::reading(device, n)).collect();
    let outcome = store.append(&readings).await.unwrap();
    assert_eq!(outcome.iter().filter(|one| **one == Appended::Repeat).count(), 2);
    store.delete_user(&Author::SERVICE, Visibility::All, UserId(1), None).await.unwrap();
    assert_eq!(store.list_newest(DeviceKey(2), Window::ALL, 1).await.unwrap(), NewestReadings::default());
    store.delete_device(&Author::SERVICE, Visibility::All, device, None).await.unwrap();
    assert_eq!(store.list_all_hot_devices().await.unwrap(), []);
}

/// Creates a database with the first versions of the schema, up to `count`.
fn database_of_version(folder: &Folder, count: usize) -> rusqlite::Connection {
    let mut old = rusqlite::Connection::open(folder.database()).unwrap();
    let versions = [
        include_str!("../../migrations/V1__users_devices_readings.sql"),
        include_str!("../../migrations/V2__segments.sql"),
        include_str!("../../migrations/V3__journal.sql"),
        include_str!("../../migrations/V4__keyed_requests.sql"),
        include_str!("../../migrations/V5__created_at.sql"),
        include_str!("../../migrations/V6__conflicts.sql"),
        include_str!("../../migrations/V7__derived_segments.sql"),
        include_str!("../../migrations/V8__deleted_devices.sql"),
    ];
    let versions: Vec<Migration> = ALL
        .iter()
        .take(count)
        .zip(versions)
        .map(|(name, sql)| Migration::unapplied(name, sql).unwrap())
        .collect();
    Runner::new(&versions).run(&mut old).unwrap();
    old
}

/// The rows of the older schema are moved into the journal after the migration itself. If the process dies in
/// between, the next process must not treat the database as empty.
#[tokio::test]
async fn an_interrupted_migration_is_completed() {
    let folder = Folder::new();
    let old = database_of_version(&folder, ALL.len());
    old.execute_batch(
        "INSERT INTO devices (id, device_id) VALUES (1, 'd');
         WITH RECURSIVE n (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < 99999)
         INSERT INTO reading SELECT 1, n, n, n, n, n FROM n;",
    )
    .unwrap();
    drop(old);
    let refused = SqliteStore::open(&folder.database(), false).unwrap_err();
    assert!(matches!(refused, SchemaError::Older { .. }), "{refused}");
    let store = SqliteStore::open(&folder.database(), true).unwrap();
    assert_eq!(process::count(&store, DeviceKey(1)).await, 100_000);
}

#[test]
fn threads_apply_each_migration_once() {
    for _ in 0..5 {
        let folder = Folder::new();
        let start = Arc::new(Barrier::new(CALLERS));
        let threads = (0..CALLERS).map(|_| {
            let (start, path) = (Arc::clone(&start), folder.database());
            thread::spawn(move || {
                start.wait();
                migrate(&path).unwrap()
            })
        });
        let threads: Vec<_> = threads.collect();
        let applied: Vec<_> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        assert_eq!(applied, ALL);
    }
}

#[test]
fn processes_apply_each_migration_once() {
    let folder = Folder::new();
    let path = folder.database();
    let processes: Vec<_> =
        (0..CALLERS).map(|_| process::with(Role::Migrate, &path).spawn().unwrap()).collect();
    let mut applied = Vec::new();
    for process in processes {
        let output = process.wait_with_output().unwrap();
        assert!(output.status.success());
        let output = String::from_utf8(output.stdout).unwrap();
        applied.extend(process::lines(&output).into_iter().map(str::to_owned));
    }
    assert_eq!(applied, ALL);
}

#[tokio::test(flavor = "multi_thread")]
async fn stores_can_be_opened_while_others_write() {
    let folder = Folder::new();
    let path = folder.database();
    let first = SqliteStore::open(&path, true).unwrap();
    let device = process::device(&first).await;
    let writer = tokio::spawn(async move {
        for n in 0..200 {
            first.append(&[process::reading(device, n)]).await.unwrap();
        }
        first
    });
    while !writer.is_finished() {
        let (migrating, not) =
            (SqliteStore::open(&path, true).unwrap(), SqliteStore::open(&path, false).unwrap());
        for store in [migrating, not] {
            process::count(&store, device).await;
        }
    }
    assert_eq!(process::count(&writer.await.unwrap(), device).await, 200);
}

/// Earlier versions did not count conflicts.
#[tokio::test]
async fn a_receipt_of_an_older_version_has_no_conflicts() {
    let folder = Folder::new();
    let old = database_of_version(&folder, 4);
    let receipt = "INSERT INTO keyed_request VALUES ('k', ?1, 1000, 2, 3, NULL, NULL, NULL)";
    old.execute(receipt, [[1_u8; 32]]).unwrap();
    drop(old);
    let store = SqliteStore::open(&folder.database(), true).unwrap();
    let request = KeyedReadings {
        key: IdempotencyKey::new("k").unwrap(),
        fingerprint: [1; 32],
        kept_until: Timestamp::MAX,
        readings: [].into(),
    };
    let outcomes = store.append_keyed(&[request], Timestamp::from_micros(0).unwrap()).await.unwrap();
    let receipt = Receipt { stored: 2, repeats: 3, conflicts: 0, first: None };
    assert_eq!(outcomes, [KeyedOutcome::Repeated(receipt)]);
}
