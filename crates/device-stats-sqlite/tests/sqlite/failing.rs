//! Killed processes, failing disks, and files that another process locks.

use std::io::{BufRead, BufReader};

use device_stats_sqlite::SqliteStore;
use device_stats_store::{Appended, ReadingStore, SegmentStore, Store};

use crate::Folder;
use crate::process::{self, BATCH, Role};

#[tokio::test]
async fn acknowledged_readings_survive_a_kill() {
    for calls in [1, 7, 40] {
        let folder = Folder::new();
        let path = folder.database();
        drop(SqliteStore::open(&path, true).unwrap());
        let mut child = process::with(Role::Append, &path).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let mut acknowledged: usize = 0;
        while acknowledged < calls * BATCH {
            let line = output.next().unwrap();
            acknowledged = line.strip_prefix("> ").map_or(acknowledged, |stored| stored.parse().unwrap());
        }
        child.kill().unwrap();
        child.wait().unwrap();
        // The process may have written more lines before the kill.
        let last = output.filter_map(|line| line.strip_prefix("> ")?.parse().ok()).last();
        let acknowledged: usize = last.unwrap_or(acknowledged);

        let store = SqliteStore::open(&path, true).unwrap();
        let device = process::device(&store).await;
        let count = process::count(&store, device).await;
        assert!(acknowledged <= count && count <= acknowledged + BATCH, "{count} of {acknowledged}");
        assert_eq!(count % BATCH, 0, "half a call");
    }
}

#[tokio::test]
async fn a_kill_during_seals_and_merges_loses_and_doubles_nothing() {
    for (what, times) in
        [(process::SEALING, 1), (process::MERGING, 1), (process::SEALING, 9), (process::MERGING, 5)]
    {
        let folder = Folder::new();
        let path = folder.database();
        drop(SqliteStore::open(&path, true).unwrap());
        let mut child = process::with(Role::Seal, &path).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let mut said = Vec::new();
        while said.iter().filter(|line| *line == what).count() < times {
            said.extend(output.next().unwrap().strip_prefix("> ").map(str::to_owned));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        said.extend(output.filter_map(|line| Some(line.strip_prefix("> ")?.to_owned())));
        let acknowledged: usize = said.iter().rev().find_map(|line| line.parse().ok()).unwrap();

        let store = SqliteStore::open(&path, true).unwrap();
        let device = process::device(&store).await;
        let count = process::count(&store, device).await;
        assert!(acknowledged <= count && count <= acknowledged + BATCH, "{count} of {acknowledged}");
        let segments = store.list_segments(device).await.unwrap();
        let sealed: usize = segments.iter().map(|entry| entry.readings as usize).sum();
        // All seals before the last one have been committed.
        let times = said.iter().filter(|line| *line == process::SEALING).count();
        assert!((times - 1) * BATCH <= sealed + 5 && sealed + 5 <= times * BATCH, "{sealed} after {times}");
    }
}

#[tokio::test]
async fn after_a_failed_commit_nothing_is_written_until_a_restart() {
    let folder = Folder::new();
    let path = folder.database();
    drop(SqliteStore::open(&path, true).unwrap());
    let output = process::with_small_files(Role::AppendUntilFailure, &path).output().unwrap();
    let output = (output.status.success(), String::from_utf8(output.stdout).unwrap());
    assert!(output.0, "{}", output.1);
    let acknowledged: usize = process::lines(&output.1).last().unwrap().parse().unwrap();
    assert!(acknowledged > 0);

    let store = SqliteStore::open(&path, true).unwrap();
    let device = process::device(&store).await;
    let count = process::count(&store, device).await;
    assert!(count == acknowledged || count == acknowledged + BATCH, "{count} of {acknowledged}");
    store.append(&[process::reading(device, count)]).await.unwrap();
    assert_eq!(process::count(&store, device).await, count + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_continue_and_appends_wait_while_another_process_locks_the_file() {
    let folder = Folder::new();
    let store = SqliteStore::open(&folder.database(), true).unwrap();
    let device = process::device(&store).await;
    store.append(&[process::reading(device, 0)]).await.unwrap();

    let other = rusqlite::Connection::open(folder.database()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let next = [process::reading(device, 1)];
    let read_and_unlock = async {
        store.ping().await.unwrap();
        assert_eq!(process::count(&store, device).await, 1);
        other.execute_batch("ROLLBACK").unwrap();
    };
    // One append waits for the file, the other for the writing connection.
    let (first, second, ()) = tokio::join!(store.append(&next), store.append(&next), read_and_unlock);
    let outcomes = [first.unwrap(), second.unwrap()].concat();
    assert_eq!(outcomes.iter().filter(|one| **one == Appended::Repeat).count(), 1);
    assert_eq!(process::count(&store, device).await, 2);
}
