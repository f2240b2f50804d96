//! The write-ahead log: its size under load, and its state at a start.

use std::fs;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use device_stats_domain::{Author, Axes, DeviceKey, Window};
use device_stats_segment::{Effort, Row, Segment};
use device_stats_sqlite::limits::{CHECKPOINT_PAGES, RESTART_PAGES};
use device_stats_sqlite::{SqliteStore, migrate};
use device_stats_store::{ReadingStore, Replaced, SegmentStore, Visibility};
use rusqlite::Connection;

use crate::{Folder, process};

/// Size of a page of the database, in bytes.
const PAGE_BYTES: u64 = 16 * 1024;

fn log_bytes(folder: &Folder) -> u64 {
    fs::metadata(folder.database().with_extension("db-wal")).map_or(0, |log| log.len())
}

/// Returns a segment of some hundred kilobytes, without a repeated value.
pub(crate) fn large_segment(number: i64) -> Segment {
    let row = |n: i64| {
        let mixed = (number * 20_000 + n).wrapping_mul(0x9e37_79b9_7f4a_7c15_u64.cast_signed());
        let x = f64::from_bits((mixed.cast_unsigned() >> 2) | 1 << 60);
        Row { time_us: number * 20_000 + n, id: n, values: Axes { x, y: -x, z: x * 0.5 } }
    };
    Segment::encode(&(0..20_000).map(row).collect::<Vec<_>>(), Effort::Fast).unwrap()
}

pub(crate) async fn append(store: &SqliteStore, device: DeviceKey, segment: &Segment) {
    assert!(matches!(store.append_segment(device, segment).await.unwrap(), Replaced::Done(_)));
}

/// Keeps read transactions open one after the other. Each begins before the previous one ends, so there is
/// always one.
fn read_without_a_gap(folder: &Folder, is_over: &AtomicBool, reads: &AtomicU64) {
    let readers = [(); 2].map(|()| Connection::open(folder.database()).unwrap());
    let begin = |connection: &Connection| {
        connection.execute_batch("BEGIN; SELECT count(*) FROM segment").unwrap();
    };
    // Takes some hundred milliseconds.
    let slow = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500000)
        SELECT count(*) FROM n";
    begin(&readers[0]);
    for (current, next) in [(0, 1), (1, 0)].into_iter().cycle() {
        readers[current].query_row(slow, [], |row| row.get::<_, i64>(0)).unwrap();
        begin(&readers[next]);
        readers[current].execute_batch("COMMIT").unwrap();
        reads.fetch_add(1, Ordering::Relaxed);
        if is_over.load(Ordering::Relaxed) {
            return;
        }
    }
}

/// SQLite moves the log to the main file as far as the oldest reader allows, and starts the log again only if
/// no reader needs it. With a reader at every moment, the log grew by everything that was written.
#[tokio::test(flavor = "multi_thread")]
async fn the_log_stays_small_although_a_read_is_open_at_every_moment() {
    let folder = Folder::new();
    let store = SqliteStore::open(&folder.database(), true).unwrap();
    let device = process::device(&store).await;
    let (is_over, reads) = (AtomicBool::new(false), AtomicU64::new(0));
    let (mut written, mut largest) = (0, 0);
    // On a slow machine, a checkpoint may wait in vain. The next one waits when the log has twice as many
    // pages.
    let limit = u64::from(2 * RESTART_PAGES + 2 * CHECKPOINT_PAGES) * PAGE_BYTES;
    let segments: Vec<Segment> = tokio::task::block_in_place(|| (0..8).map(large_segment).collect());
    thread::scope(|scope| {
        scope.spawn(|| read_without_a_gap(&folder, &is_over, &reads));
        let write = async {
            while written < 3 * limit / 2 || reads.load(Ordering::Relaxed) < 5 {
                for segment in &segments {
                    written += segment.blocks.iter().map(|block| block.len() as u64).sum::<u64>();
                    append(&store, device, segment).await;
                    largest = log_bytes(&folder).max(largest);
                }
                store
                    .delete_readings(&Author::SERVICE, Visibility::All, device, Window::ALL, &[])
                    .await
                    .unwrap();
            }
        };
        tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(write));
        is_over.store(true, Ordering::Relaxed);
    });
    assert!(largest < limit, "the log had {largest} bytes after {written} bytes were written");
}

/// A killed process leaves its log. Its content must be in the main file before the first request.
#[tokio::test]
async fn a_start_empties_the_log() {
    let folder = Folder::new();
    migrate(&folder.database()).unwrap();
    let store = SqliteStore::open(&folder.database(), true).unwrap();
    let device = process::device(&store).await;
    store.append(&[process::reading(device, 0)]).await.unwrap();
    for migrate in [true, false] {
        // The copied files are in the state in which a killed process leaves them.
        let killed = Folder::new();
        for (from, to) in [
            (folder.database(), killed.database()),
            (folder.database().with_extension("db-wal"), killed.database().with_extension("db-wal")),
        ] {
            fs::copy(from, to).unwrap();
        }
        assert!(log_bytes(&killed) > 0);
        let store = SqliteStore::open(&killed.database(), migrate).unwrap();
        assert_eq!(log_bytes(&killed), 0, "migrate: {migrate}");
        assert_eq!(process::count(&store, device).await, 1);
    }
}

/// Several processes can use one database, for instance `verify` beside a server.
#[tokio::test]
async fn a_start_waits_for_no_other_process() {
    let folder = Folder::new();
    let store = SqliteStore::open(&folder.database(), true).unwrap();
    let device = process::device(&store).await;
    let other = Connection::open(folder.database()).unwrap();
    other.execute_batch("BEGIN; SELECT * FROM devices").unwrap();
    store.append(&[process::reading(device, 0)]).await.unwrap();
    let second = SqliteStore::open(&folder.database(), true).unwrap();
    assert!(log_bytes(&folder) > 0);
    assert_eq!(process::count(&second, device).await, 1);
    other.execute_batch("COMMIT").unwrap();
    store.empty_log().await.unwrap();
    assert_eq!(log_bytes(&folder), 0);
}
