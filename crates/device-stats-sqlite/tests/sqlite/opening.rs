//! Opening: existing and new files, and files that are refused and stay unchanged.

use std::error::Error;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use device_stats_domain::{Author, DeviceId, Email, ListPage, NewDevice, NewUser, Username, Window};
use device_stats_sqlite::{SqliteStore, migrate};
use device_stats_store::{
    AccountStore, Appended, ReadingStore, SchemaError, Snapshot, SnapshotStore, Store, Subject, Visibility,
};

use crate::{Folder, assert_sound, process};

/// Runs statements on a connection outside the store.
fn sql(path: &Path, statements: &str) {
    rusqlite::Connection::open(path).unwrap().execute_batch(statements).unwrap();
}

/// Asserts that every way to open the file is refused with this variant, and that the file stays unchanged.
macro_rules! assert_refused {
    ($path:expr, $variant:pat) => {
        let before = fs::read($path).unwrap();
        for migrate in [true, false] {
            let answer = SqliteStore::open($path, migrate);
            assert!(matches!(answer, Err($variant)), "{answer:?}");
        }
        let answer = migrate($path);
        assert!(matches!(answer, Err($variant)), "{answer:?}");
        assert!(before == fs::read($path).unwrap(), "the file was written to");
    };
}

async fn everything(store: &SqliteStore) -> (Snapshot, String) {
    let users = store.list_users(Visibility::All, ListPage::LARGEST).await.unwrap();
    let devices = store.list_devices(Visibility::All, ListPage::LARGEST).await.unwrap();
    let [device] = &devices[..] else { panic!("{devices:?}") };
    let readings = store.list_newest(device.key, Window::ALL, 100).await.unwrap();
    let snapshot = store.snapshot(Subject::Device(device.key), Window::ALL).await.unwrap();
    (snapshot, format!("{users:?} {devices:?} {readings:?}"))
}

#[tokio::test]
async fn stored_data_is_there_after_reopening() {
    let folder = Folder::new();
    let store = SqliteStore::open(&folder.database(), true).unwrap();
    let (username, email) = (Username::new("ann").unwrap(), Email::parse("ann@example.com").unwrap());
    let ann = store.create_user(&Author::SERVICE, NewUser { username, email }).await.unwrap();
    let new = NewDevice { user_id: Some(ann.id), ..NewDevice::new(DeviceId::new("d").unwrap()) };
    let device = store.create_device(&Author::SERVICE, new, None).await.unwrap().key;
    let readings: Vec<_> = (0..80).map(|n| process::reading(device, n)).collect();
    store.append(&readings).await.unwrap();
    assert_eq!(store.reserve_reading_ids(10).await.unwrap(), 1..11);
    let before = everything(&store).await;
    drop(store);

    for migrate in [true, false] {
        let store = SqliteStore::open(&folder.database(), migrate).unwrap();
        assert_eq!(everything(&store).await, before);
        assert_eq!(store.append(&readings).await.unwrap(), [Appended::Repeat; 80]);
        let next = store.reserve_reading_ids(10).await.unwrap().start;
        assert_eq!(next, if migrate { 11 } else { 21 });
    }
}

#[tokio::test]
async fn two_stores_over_one_file_see_each_other() {
    let folder = Folder::new();
    let stores = [true, false].map(|migrate| SqliteStore::open(&folder.database(), migrate).unwrap());
    let device = process::device(&stores[0]).await;
    assert_eq!(process::device(&stores[1]).await, device);
    for n in 0..20 {
        stores[n % 2].append(&[process::reading(device, n)]).await.unwrap();
        assert_eq!(process::count(&stores[1 - n % 2], device).await, n + 1);
    }
    let first = stores[0].reserve_reading_ids(5).await.unwrap();
    assert_eq!(stores[1].reserve_reading_ids(5).await.unwrap().start, first.end);
}

/// SQLite refuses the write lock to a transaction if another transaction has written since its first read.
#[tokio::test(flavor = "multi_thread")]
async fn two_stores_over_one_file_write_at_the_same_time() {
    let folder = Folder::new();
    let stores = [true, false].map(|migrate| SqliteStore::open(&folder.database(), migrate).unwrap());
    let device = process::device(&stores[0]).await;
    let write = |store: SqliteStore, parity: usize| async move {
        for n in (parity..200).step_by(2) {
            store.append(&[process::reading(device, n)]).await.unwrap();
        }
        store
    };
    let [first, second] = stores;
    let (first, second) = (tokio::spawn(write(first, 0)), tokio::spawn(write(second, 1)));
    for store in [first.await.unwrap(), second.await.unwrap()] {
        assert_eq!(process::count(&store, device).await, 200);
    }
}

#[tokio::test]
async fn every_path_can_be_opened() {
    let folder = tempfile::tempdir().unwrap();
    let names: [&[u8]; 5] =
        [b"deep/er/and deeper/a.db", b"a?mode=ro#b%20c", b"file:x", b"\xff\xfe", "\u{fc}".as_bytes()];
    let doubled = folder.path().join("a.db").into_os_string();
    let doubled = [OsStr::new("/"), &doubled].into_iter().collect::<OsString>();
    let paths = names.map(|name| folder.path().join(OsStr::from_bytes(name)));
    for path in paths.into_iter().chain([PathBuf::from(doubled)]) {
        let store = SqliteStore::open(&path, true).unwrap();
        process::device(&store).await;
        store.ping().await.unwrap();
        assert!(path.is_file());
        assert_sound(&path);
    }
}

#[test]
fn nothing_is_created_without_migrating() {
    let folder = Folder::new();
    let answer = SqliteStore::open(&folder.database(), false);
    assert!(matches!(answer, Err(SchemaError::Older { found: 0, known: 13 })), "{answer:?}");
    assert!(!folder.database().exists());
}

#[test]
fn an_empty_file_is_an_empty_database() {
    let folder = Folder::new();
    fs::write(folder.database(), "").unwrap();
    let answer = SqliteStore::open(&folder.database(), false);
    assert!(matches!(answer, Err(SchemaError::Older { found: 0, known: 13 })), "{answer:?}");
    assert_eq!(migrate(&folder.database()).unwrap().len(), 13);
}

#[test]
fn a_newer_database_is_refused() {
    let folder = Folder::new();
    let path = &folder.database();
    migrate(path).unwrap();
    sql(path, "INSERT INTO refinery_schema_history VALUES (99, 'later', '2030-01-01T00:00:00Z', '1')");
    assert_refused!(path, SchemaError::Newer { found: 99, known: 13 });
}

#[test]
fn an_older_database_is_refused_without_migrating() {
    let folder = Folder::new();
    let path = &folder.database();
    migrate(path).unwrap();
    sql(path, "DELETE FROM refinery_schema_history");
    let answer = SqliteStore::open(path, false);
    assert!(matches!(answer, Err(SchemaError::Older { found: 0, known: 13 })), "{answer:?}");
}

/// A migration and its history row are one transaction. The transaction fails if a table of the migration
/// already exists, and also if only the history row cannot be written.
#[test]
fn a_migration_that_fails_is_rolled_back() {
    let history = "CREATE TABLE refinery_schema_history
                   (version INTEGER PRIMARY KEY, name TEXT, applied_on TEXT, checksum TEXT";
    for obstacle in [
        format!("{history}); CREATE TABLE id_block (id INTEGER)"),
        format!("{history}, CHECK (version > 1))"),
    ] {
        let folder = Folder::new();
        let path = &folder.database();
        sql(path, &obstacle);
        for _ in 0..2 {
            let answer = migrate(path);
            assert!(matches!(answer, Err(SchemaError::Failed(_))), "{answer:?}");
        }
        let connection = rusqlite::Connection::open(path).unwrap();
        assert!(!connection.table_exists(None, "users").unwrap());
    }
}

#[test]
fn a_database_with_other_migrations_is_refused() {
    let folder = Folder::new();
    let path = &folder.database();
    migrate(path).unwrap();
    sql(path, "UPDATE refinery_schema_history SET checksum = '1'");
    assert_refused!(path, SchemaError::Divergent(_));
}

#[test]
fn a_database_of_another_program_is_refused() {
    let folder = Folder::new();
    let path = &folder.database();
    sql(path, "CREATE TABLE stats (id INTEGER); INSERT INTO stats VALUES (1)");
    assert_refused!(path, SchemaError::Foreign(_));
}

/// A damaged database was called one of another program.
#[test]
fn a_damaged_database_is_called_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let path = &folder.path().join("damaged.db");
    migrate(path).unwrap();
    let mut bytes = fs::read(path).unwrap();
    // The first page of the schema begins after the head of the file.
    bytes[100..200].fill(0xFF);
    fs::write(path, bytes).unwrap();
    assert_refused!(path, SchemaError::Damaged(_));
}

#[test]
fn a_file_that_is_not_a_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = &folder.path().join("letter.txt");
    fs::write(
        path,
        "Dear all, this is a letter and not a database, however long it may go on.\n".repeat(100),
    )
    .unwrap();
    assert_refused!(path, SchemaError::Foreign(_));
    let error = SqliteStore::open(path, true).unwrap_err();
    assert_eq!(error.to_string(), "this is not a database of device-stats");
    assert_eq!(error.source().unwrap().to_string(), "file is not a database");
}

#[test]
fn a_path_that_cannot_be_a_file_is_unavailable() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    for path in [folder.path().to_owned(), folder.path().join("file/below.db")] {
        for migrate in [true, false] {
            let answer = SqliteStore::open(&path, migrate);
            assert!(matches!(answer, Err(SchemaError::Unavailable(_))), "{answer:?}");
        }
    }
}
