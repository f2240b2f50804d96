//! Group commit of segments.

use std::path::Path;

use device_stats_domain::{Axes, DeviceKey};
use device_stats_segment::{Effort, Row, Segment};
use device_stats_sqlite::SqliteStore;
use device_stats_store::{Replaced, SegmentStore, StoreError};
use futures_util::future::join_all;

use crate::{Folder, process};

/// Returns the number of commits in a write-ahead log. The last frame of a commit states the size of the
/// database (SQLite's file format, 4.1).
fn commits(path: &Path) -> usize {
    let log = std::fs::read(path).unwrap();
    let (header, frames) = log.split_at(32);
    let page = u32::from_be_bytes(*header.as_chunks::<4>().0.get(2).unwrap());
    let frames = frames.chunks_exact(24 + page as usize);
    frames.filter(|frame| frame.get(4..8).unwrap() != [0; 4]).count()
}

#[tokio::test]
async fn segments_that_wait_together_share_a_transaction() {
    let folder = Folder::new();
    let store = SqliteStore::open(&folder.database(), true).unwrap();
    let device = process::device(&store).await;
    let values = Axes { x: 1.0, y: 2.0, z: 3.0 };
    let segment = |us| Segment::encode(&[Row { time_us: us, id: us, values }], Effort::Fast).unwrap();
    let log = folder.folder.path().join("stats.db-wal");
    let before = commits(&log);
    // The test has one thread, so the task that commits the segments runs when all of them wait.
    let segments: Vec<Segment> = (0..20).map(|n| segment(n % 19)).collect();
    let keys = (0..20).map(|n| if n == 7 { DeviceKey(99) } else { device });
    let appends = keys.zip(&segments).map(|(key, segment)| store.append_segment(key, segment));
    let outcomes = join_all(appends).await;
    assert_eq!(commits(&log) - before, 1);
    for (n, outcome) in outcomes.into_iter().enumerate() {
        match n {
            7 => assert!(matches!(outcome, Err(StoreError::DeviceMissing)), "{outcome:?}"),
            // This segment has the time of the first segment.
            19 => assert_eq!(outcome.unwrap(), Replaced::Stale),
            _ => assert!(matches!(outcome, Ok(Replaced::Done(_))), "{outcome:?}"),
        }
    }
    assert_eq!(store.list_segments(device).await.unwrap().len(), 18);
}

/// A trigger fails the segment of one device, as an unknown fault would. It failed all segments that waited
/// together with it.
#[tokio::test]
async fn a_failing_segment_does_not_fail_the_others_of_its_group() {
    let folder = Folder::new();
    let store = SqliteStore::open(&folder.database(), true).unwrap();
    let device = process::device(&store).await;
    let fail = "CREATE TRIGGER fails BEFORE INSERT ON segment WHEN new.first_us = 7
        BEGIN SELECT RAISE(ABORT, 'on purpose'); END";
    rusqlite::Connection::open(folder.database()).unwrap().execute_batch(fail).unwrap();
    let values = Axes { x: 1.0, y: 2.0, z: 3.0 };
    let segment = |us| Segment::encode(&[Row { time_us: us, id: us, values }], Effort::Fast).unwrap();
    let segments: Vec<Segment> = (0..20).map(segment).collect();
    let outcomes = join_all(segments.iter().map(|segment| store.append_segment(device, segment))).await;
    for (n, outcome) in outcomes.into_iter().enumerate() {
        assert_eq!(matches!(outcome, Ok(Replaced::Done(_))), n != 7, "{n}: {outcome:?}");
    }
}
