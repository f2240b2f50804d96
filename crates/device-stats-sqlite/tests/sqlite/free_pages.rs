//! The size of the file after deletions, in a new database and in one that was created without
//! `auto_vacuum`.

use std::time::{Duration, Instant};

use device_stats_domain::{Author, DeviceId, DeviceKey, NewDevice, Window};
use device_stats_sqlite::limits::FREE_PAGES_KEPT;
use device_stats_sqlite::{SqliteStore, migrate};
use device_stats_store::{AccountStore, SegmentStore, Store, Visibility};
use rusqlite::Connection;

use crate::Folder;
use crate::log_size::{append, large_segment};

/// Appends one segment to each of many new devices, until they have more pages than the file keeps free.
async fn fill(store: &SqliteStore, name: &str) -> Vec<DeviceKey> {
    let segment = large_segment(0);
    let pages: usize = segment.blocks.iter().map(|block| block.len().div_ceil(16_384)).sum();
    let mut devices = Vec::new();
    for n in 0..(2 * FREE_PAGES_KEPT as usize).div_ceil(pages) {
        let device_id = DeviceId::new(format!("{name} {n}")).unwrap();
        let device =
            store.create_device(&Author::SERVICE, NewDevice::new(device_id), None).await.unwrap().key;
        append(store, device, &segment).await;
        devices.push(device);
    }
    devices
}

async fn delete(store: &SqliteStore, devices: &[DeviceKey]) {
    for device in devices {
        store.delete_readings(&Author::SERVICE, Visibility::All, *device, Window::ALL, &[]).await.unwrap();
    }
}

fn free_pages(connection: &Connection) -> u32 {
    connection.query_row("PRAGMA freelist_count", [], |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn a_large_deletion_makes_the_file_small() {
    let folder = Folder::new();
    let store = SqliteStore::open(&folder.database(), true).unwrap();
    let devices = fill(&store, "d").await;
    store.empty_log().await.unwrap();
    let bytes = || std::fs::metadata(folder.database()).unwrap().len();
    let before = bytes();
    delete(&store, &devices).await;
    let (connection, begun) = (Connection::open(folder.database()).unwrap(), Instant::now());
    while free_pages(&connection) > FREE_PAGES_KEPT {
        assert!(begun.elapsed() < Duration::from_mins(1), "{} pages are free", free_pages(&connection));
        // Lets the upkeep run, and calls in between.
        store.ping().await.unwrap();
    }
    store.empty_log().await.unwrap();
    let kept = u64::from(FREE_PAGES_KEPT + 64) * 16_384;
    assert!(bytes() < kept && kept < before, "{before} bytes became {}", bytes());
}

/// `auto_vacuum` cannot be changed in a database with tables, except by `VACUUM`.
#[tokio::test]
async fn a_database_without_auto_vacuum_keeps_its_free_pages() {
    let folder = Folder::new();
    migrate(&folder.database()).unwrap();
    let connection = Connection::open(folder.database()).unwrap();
    connection.execute_batch("PRAGMA auto_vacuum = NONE; VACUUM").unwrap();
    let auto_vacuum = || connection.query_row("PRAGMA auto_vacuum", [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(auto_vacuum(), 0);
    let store = SqliteStore::open(&folder.database(), true).unwrap();
    let devices = fill(&store, "d").await;
    delete(&store, &devices).await;
    let free = free_pages(&connection);
    assert!(free > FREE_PAGES_KEPT);
    // Later data use the free pages.
    fill(&store, "e").await;
    assert!(free_pages(&connection) < free / 2);
    drop(store);
    // The documented way to change it.
    connection.execute_batch("PRAGMA auto_vacuum = INCREMENTAL; VACUUM").unwrap();
    assert_eq!(auto_vacuum(), 2);
}
