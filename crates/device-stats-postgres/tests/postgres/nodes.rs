//! Several nodes over one database append, repeat, seal, merge and delete at the same time: no reading is
//! lost or stored twice.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use device_stats_domain::{Author, DeviceKey};
use device_stats_postgres::PostgresStore;
use device_stats_postgres::testing::fresh_database;
use device_stats_segment::Effort;
use device_stats_store::conformance::oracle::Oracle;
use device_stats_store::{
    AccountStore, Appended, Purged, ReadingStore, Replaced, SegmentStore, StoreError, Visibility,
};
use tokio::task::JoinSet;

use crate::{connect, device, open_at, reading, row, sealed_rows, segment, server_timed, times, until_found};

async fn nodes(url: &str, count: usize) -> Vec<Arc<PostgresStore>> {
    let mut nodes = Vec::new();
    for _ in 0..count {
        nodes.push(Arc::new(open_at(url).await));
    }
    nodes
}

/// Seals hot readings, 50 at a time, until `stop` is set; returns the number of seals.
async fn seal_until(node: Arc<PostgresStore>, device: DeviceKey, stop: Arc<AtomicBool>) -> u32 {
    let mut done = 0;
    while !stop.load(Ordering::SeqCst) {
        let rows = node.list_hot_readings(device, 50).await.unwrap();
        if !rows.is_empty() {
            let answer = node.seal(device, &sealed_rows(&rows)).await.unwrap();
            done += u32::from(answer != Replaced::Stale);
        }
    }
    done
}

/// Merges the first three segments until `stop` is set; returns the number of merges.
async fn merge_until(node: Arc<PostgresStore>, device: DeviceKey, stop: Arc<AtomicBool>) -> u32 {
    let mut done = 0;
    'again: while !stop.load(Ordering::SeqCst) {
        let segments: Vec<_> = node.list_segments(device).await.unwrap().into_iter().take(3).collect();
        let mut rows = Vec::new();
        for entry in &segments {
            let Some(segment) = node.read_segment(device, *entry).await.unwrap() else { continue 'again };
            rows.extend(segment.rows().unwrap());
        }
        rows.sort_by_key(|row| row.time_us);
        if segments.len() > 1 {
            let ids: Vec<_> = segments.iter().map(|entry| entry.id).collect();
            let answer = node.merge(device, &ids, &segment(&rows)).await.unwrap();
            done += u32::from(answer != Replaced::Stale);
        }
    }
    done
}

/// Nodes send the same stream of readings, each in batches of a different size and some batches twice, while
/// other tasks seal and merge. Exactly one node stores each reading.
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_every_node_sends_is_stored_once() {
    const READINGS: i32 = 3_000;
    let nodes = nodes(&fresh_database(), 3).await;
    let device = device(&*nodes[0], "d").await;
    let stop = Arc::new(AtomicBool::new(false));
    let mut background = JoinSet::new();
    for node in &nodes {
        background.spawn(seal_until(Arc::clone(node), device, Arc::clone(&stop)));
        background.spawn(merge_until(Arc::clone(node), device, Arc::clone(&stop)));
    }
    let mut senders = JoinSet::new();
    for (n, node) in nodes.iter().cloned().enumerate() {
        senders.spawn(async move {
            let size = 7 + 5 * n;
            let all: Vec<_> = (0..READINGS).map(|n| reading(device, n)).collect();
            let mut stored = Vec::new();
            for (round, batch) in all.chunks(size).enumerate() {
                for _ in 0..=(round % 2) {
                    stored.extend(node.append(batch).await.unwrap());
                }
            }
            stored
        });
    }
    let answers = senders.join_all().await.into_iter().flatten();
    let mut counts: BTreeMap<i64, u32> = BTreeMap::new();
    for answer in answers {
        if let Appended::Stored(time) = answer {
            *counts.entry(time.micros()).or_default() += 1;
        }
    }
    stop.store(true, Ordering::SeqCst);
    let replaced: u32 = background.join_all().await.into_iter().sum();
    assert!(replaced > 10, "the race was won {replaced} times");
    let expected: Vec<_> = (0..READINGS).map(i64::from).collect();
    assert_eq!(times(&*nodes[0], device).await, expected);
    assert!(counts.into_iter().eq(expected.into_iter().map(|us| (us, 1))));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_left_of_a_device_deleted_under_seals() {
    let url = fresh_database();
    let nodes = nodes(&url, 2).await;
    let admin = connect(&url).await;
    for round in 0..20 {
        let device = device(&*nodes[0], &format!("d{round}")).await;
        let batch: Vec<_> = (0..100).map(|n| reading(device, n)).collect();
        nodes[0].append(&batch).await.unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let mut background = JoinSet::new();
        for node in &nodes {
            background.spawn(seal_until(Arc::clone(node), device, Arc::clone(&stop)));
            background.spawn(merge_until(Arc::clone(node), device, Arc::clone(&stop)));
        }
        let appender = Arc::clone(&nodes[1]);
        let append = tokio::spawn(async move {
            for n in 1_000.. {
                let answers = [
                    appender.append(&[reading(device, n)]).await.map(drop),
                    appender.append_segment(device, &segment(&[row(-n)])).await.map(drop),
                ];
                match answers {
                    [Ok(()), Ok(())] => {}
                    [_, Err(StoreError::DeviceMissing)] => return,
                    answers => panic!("{answers:?}"),
                }
            }
        });
        until_found(&admin, 1, "SELECT 1 FROM segment WHERE device = $1 LIMIT 1", &[&device.0]).await;
        nodes[0].delete_device(&Author::SERVICE, Visibility::All, device, None).await.unwrap();
        append.await.unwrap();
        stop.store(true, Ordering::SeqCst);
        while nodes[1].purge_slice(device, 10).await.unwrap() != Purged::Nothing {}
        background.join_all().await;
        assert!(admin.query(LEFT, &[]).await.unwrap().is_empty(), "round {round}");
    }
}

/// Selects a row for each row of the tables with the data of devices.
const LEFT: &str =
    "SELECT 1 FROM reading UNION ALL SELECT 1 FROM segment UNION ALL SELECT 1 FROM segment_block
    UNION ALL SELECT 1 FROM derived_segment UNION ALL SELECT 1 FROM derived_block
    UNION ALL SELECT 1 FROM deleted_device";

/// The nodes purge different devices at the same time: a device that one node holds is skipped by the others.
/// Each slice is bounded.
#[tokio::test(flavor = "multi_thread")]
async fn nodes_share_the_purge_of_deleted_devices() {
    let url = fresh_database();
    let nodes = nodes(&url, 2).await;
    let mut admin = connect(&url).await;
    let mut devices = Vec::new();
    for name in ["a", "b"] {
        let device = device(&*nodes[0], name).await;
        nodes[0].append(&(0..25).map(|n| reading(device, n)).collect::<Vec<_>>()).await.unwrap();
        for n in 0..3 {
            let segment = segment(&[row(100 + 2 * n), row(101 + 2 * n)]);
            let Replaced::Done(id) = nodes[0].append_segment(device, &segment).await.unwrap() else {
                panic!("the times are free")
            };
            let derived = segment.derive(Effort::Fast).unwrap();
            nodes[0].store_derived(device, id, &derived).await.unwrap();
        }
        nodes[0].delete_device(&Author::SERVICE, Visibility::All, device, None).await.unwrap();
        devices.push(device);
    }
    let [a, b] = devices[..] else { panic!("two devices") };
    // Another node purges the first device, and is slow.
    let slow = admin.transaction().await.unwrap();
    slow.execute("SELECT 1 FROM deleted_device WHERE device = $1 FOR UPDATE", &[&a.0]).await.unwrap();
    assert_eq!(nodes[1].purge_slice(a, 10).await.unwrap(), Purged::Nothing, "the device is being purged");
    // Ten hot readings, ten, the last five, then segments of two readings.
    for _ in 0..3 {
        assert_eq!(nodes[1].purge_slice(b, 10).await.unwrap(), Purged::Part);
    }
    assert_eq!(nodes[1].purge_slice(b, 3).await.unwrap(), Purged::Part);
    let rows = slow.query("SELECT 1 FROM segment WHERE device = $1", &[&b.0]).await.unwrap().len();
    assert_eq!(rows, 1, "a slice of three readings has two segments of two");
    assert_eq!(nodes[1].purge_slice(b, 3).await.unwrap(), Purged::All);
    assert_eq!(nodes[1].purge_slice(b, 3).await.unwrap(), Purged::Nothing, "no data is left");
    slow.rollback().await.unwrap();
    let mut done = 0;
    while nodes[0].find_deleted_device(DeviceKey(0)).await.unwrap().is_some() {
        let (one, other) = tokio::join!(nodes[0].purge_slice(a, 10), nodes[1].purge_slice(a, 10));
        done += [one, other].into_iter().filter(|purged| matches!(purged, Ok(Purged::All))).count();
    }
    assert_eq!(done, 1, "one node completes the purge");
    assert!(admin.query(LEFT, &[]).await.unwrap().is_empty());
}

/// A damaged page of one device, or a bug, must not keep the data of all other devices.
#[tokio::test]
async fn a_device_whose_purge_fails_does_not_stop_the_others() {
    let url = fresh_database();
    let (store, admin) = (open_at(&url).await, connect(&url).await);
    let [broken, other] = [device(&store, "a").await, device(&store, "b").await];
    for device in [broken, other] {
        store.append(&[reading(device, 1)]).await.unwrap();
        store.delete_device(&Author::SERVICE, Visibility::All, device, None).await.unwrap();
    }
    let fault = format!(
        "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             RAISE EXCEPTION 'a damaged page'; END $$;
         CREATE TRIGGER fault BEFORE DELETE ON reading FOR EACH ROW WHEN (old.device = {})
             EXECUTE FUNCTION fail()",
        broken.0
    );
    admin.batch_execute(&fault).await.unwrap();
    assert_eq!(store.find_deleted_device(DeviceKey(0)).await.unwrap(), Some(broken));
    assert!(matches!(store.purge_slice(broken, 10).await, Err(StoreError::Broken(_))));
    assert_eq!(store.find_deleted_device(broken).await.unwrap(), Some(other));
    assert_eq!(store.purge_slice(other, 10).await.unwrap(), Purged::Part, "its readings are deleted");
    assert_eq!(store.purge_slice(other, 10).await.unwrap(), Purged::All);
    assert_eq!(store.find_deleted_device(broken).await.unwrap(), None);
    assert_eq!(store.find_deleted_device(DeviceKey(0)).await.unwrap(), Some(broken));
}

/// Calls have client-timed and server-timed readings at the same microseconds. In the past, each call
/// inserted the two kinds one after the other, and two such calls deadlocked.
#[tokio::test(flavor = "multi_thread")]
async fn calls_with_both_kinds_of_times_do_not_deadlock() {
    let url = fresh_database();
    let store = open_at(&url).await;
    let device = device(&store, "d").await;
    let store = Arc::new(store);
    for round in 0..100 {
        let mut callers = JoinSet::new();
        for (given, free) in [(0, 50), (50, 0), (25, 26), (26, 25)] {
            let store = Arc::clone(&store);
            let at = |offset, n| round * 1_000 + offset + n;
            let given = (0..20).map(|n| reading(device, at(given, n)));
            let free = (0..20).map(|n| server_timed(device, at(free, n)));
            let call: Vec<_> = given.chain(free).collect();
            callers.spawn(async move { store.append(&call).await.unwrap() });
        }
        callers.join_all().await;
    }
    // A backend reports its statistics when it ends.
    drop(store);
    let admin = connect(&url).await;
    let others =
        "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    until_found(&admin, 0, others, &[]).await;
    let deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    assert_eq!(admin.query_one(deadlocks, &[]).await.unwrap().get::<_, i64>(0), 0);
}
