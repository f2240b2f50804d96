//! Many callers bring one database up to date at the same time.

use std::sync::{Arc, Barrier};
use std::thread;

use device_stats_sqlite::{SqliteStore, migrate};
use device_stats_store::Store;

use crate::Folder;
use crate::process::{self, Role};

const CALLERS: usize = 8;
const ALL: [&str; 1] = ["V1__users_devices_readings"];

#[test]
fn a_migration_is_named_when_it_is_applied_and_only_then() {
    let folder = Folder::new();
    assert_eq!(migrate(&folder.database()).unwrap(), ALL);
    assert_eq!(migrate(&folder.database()).unwrap(), [""; 0]);
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
