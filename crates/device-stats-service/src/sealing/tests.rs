//! Tests of sealing and merging over the model: the stored readings stay the same, and background sealing
//! finds the devices to seal.

use std::sync::Arc;
use std::time::{Duration, Instant};

use device_stats_domain::{Axes, DeviceKey, Window};
use device_stats_segment::Row;
use device_stats_sqlite::SqliteStore;
use device_stats_store::conformance::oracle::Oracle;
use device_stats_store::{Model, Replaced, Store, Subject};
use tokio::time::{sleep, timeout};

use super::backlog::Backlog;
use super::merge_pause::MergePauses;
use super::*;
use crate::limits::{SEAL_HOT_DIVISOR, SEAL_READINGS, SEAL_RETRY_PAUSE};
use crate::testing::{create_device, new_reading};

const HOUR: Duration = Duration::from_hours(1);

/// Starts background sealing without pauses of merges.
fn start(store: &Arc<dyn Store>, backlog: &Arc<Backlog>, seal_after: Duration) -> BackgroundSealing {
    BackgroundSealing::start(store, backlog, &MergePauses::default(), &Arc::default(), seal_after)
}

async fn append(store: &dyn Store, device: DeviceKey, times: impl IntoIterator<Item = i64>) {
    let readings: Vec<_> = times.into_iter().map(|us| new_reading(device, us)).collect();
    store.append(&readings).await.unwrap();
}

async fn seal_and_merge(
    sealer: &Sealer,
    device: DeviceKey,
    readings: ReadingsToSeal,
    goal: MergeGoal,
) -> SealReport {
    let mut report = SealReport::default();
    sealer.seal_and_merge(device, readings, goal, &mut report).await.unwrap();
    report
}

async fn rows(store: &dyn Store, device: DeviceKey) -> Vec<Row> {
    let mut all = store.read_snapshot(Subject::Device(device), Window::ALL).await.unwrap();
    all.pop().map(|(_, rows)| rows).unwrap_or_default()
}

#[tokio::test]
async fn sealing_and_merging_keep_the_readings() {
    let store: Arc<dyn Store> = Arc::new(Model::default());
    let device = create_device(store.as_ref(), "d").await;
    let sealer = Sealer::new(Arc::clone(&store), 1);
    for round in 0..20 {
        // Every third reading is late: the readings around it are sealed already.
        append(store.as_ref(), device, (0..300).map(|us| round * 300 + us).filter(|us| us % 3 > 0)).await;
        append(store.as_ref(), device, (0..round * 300).filter(|us| us % 3 == 0 && us % 20 == round)).await;
        let before = rows(store.as_ref(), device).await;
        let report = seal_and_merge(&sealer, device, ReadingsToSeal::All, MergeGoal::Steady).await;
        assert!(report.sealed_readings >= 200 && report.sealed_segments >= 1, "{report:?}");
        assert_eq!(store.list_hot_readings(device, 1).await.unwrap(), []);
        assert_eq!(rows(store.as_ref(), device).await, before);
    }
    let before = rows(store.as_ref(), device).await;
    let report = seal_and_merge(&sealer, device, ReadingsToSeal::All, MergeGoal::Compact).await;
    assert_eq!(report.merged_into, 1);
    assert_eq!(store.list_segments(device).await.unwrap().len(), 1);
    assert_eq!(rows(store.as_ref(), device).await, before);
    assert_eq!(
        seal_and_merge(&sealer, device, ReadingsToSeal::All, MergeGoal::Compact).await,
        SealReport::default()
    );
}

/// Readings are sealed during a pause, which may last as long as a query.
#[tokio::test]
async fn segments_are_not_merged_during_a_pause() {
    let store: Arc<dyn Store> = Arc::new(Model::default());
    let device = create_device(store.as_ref(), "d").await;
    let pauses = MergePauses::default();
    let sealer = Sealer::new(Arc::clone(&store), 1).with_pauses(pauses.clone());
    let seal = async || {
        let mut report = SealReport::default();
        let (readings, goal) = (ReadingsToSeal::All, MergeGoal::Compact);
        (sealer.seal_and_merge(device, readings, goal, &mut report).await, report)
    };
    let pause = pauses.begin();
    for (round, segments) in [(0, 1), (1, 2)] {
        append(store.as_ref(), device, round * 100..round * 100 + 100).await;
        let (outcome, report) = seal().await;
        assert_eq!(matches!(outcome, Err(SealError::MergesPaused)), segments > 1, "{outcome:?}");
        assert_eq!((report.sealed_readings, report.merged_into), (100, 0));
        assert_eq!(store.list_segments(device).await.unwrap().len(), segments);
    }
    drop(pause);
    let (outcome, report) = seal().await;
    outcome.unwrap();
    assert_eq!(report.merged_into, 1);
}

#[tokio::test]
async fn few_hot_readings_stay_hot() {
    let store: Arc<dyn Store> = Arc::new(Model::default());
    let device = create_device(store.as_ref(), "d").await;
    let sealer = Sealer::new(Arc::clone(&store), 1);
    append(store.as_ref(), device, 0..99).await;
    let enough = ReadingsToSeal::AllButNewest { hot_min: 100 };
    let report = seal_and_merge(&sealer, device, enough, MergeGoal::Steady).await;
    assert_eq!(report, SealReport { left_readings: 99, ..SealReport::default() });
    append(store.as_ref(), device, 99..101).await;
    let report = seal_and_merge(&sealer, device, enough, MergeGoal::Steady).await;
    let left_readings = (101 / SEAL_HOT_DIVISOR) as u64;
    let sealed_readings = 101 - left_readings;
    assert_eq!(
        report,
        SealReport { sealed_readings, sealed_segments: 1, left_readings, ..SealReport::default() }
    );
    // The newest readings are left.
    let left = store.list_hot_readings(device, 1_000).await.unwrap();
    assert_eq!(left, rows(store.as_ref(), device).await[usize::try_from(sealed_readings).unwrap()..]);
}

/// An append of a reading inside the span of a segment has to look into the segment.
#[tokio::test]
async fn slightly_late_readings_are_outside_all_segments() {
    let store: Arc<dyn Store> = Arc::new(Model::default());
    let device = create_device(store.as_ref(), "d").await;
    let sealer = Sealer::new(Arc::clone(&store), 1);
    for round in 0..20 {
        // There are two senders. The second one sends each batch later than the first one.
        append(store.as_ref(), device, (0..50).map(|n| 2 * (round * 50 + n))).await;
        append(store.as_ref(), device, (0..50).map(|n| 2 * (round * 50 + n) - 99)).await;
        seal_and_merge(&sealer, device, ReadingsToSeal::AllButNewest { hot_min: 800 }, MergeGoal::Steady)
            .await;
        for segment in store.list_segments(device).await.unwrap() {
            assert!(segment.last_us < 2 * (round * 50 + 50) - 99, "{segment:?} in round {round}");
        }
    }
    assert!(!store.list_segments(device).await.unwrap().is_empty());
}

#[tokio::test]
async fn sealers_share_the_work() {
    let store: Arc<dyn Store> = Arc::new(Model::default());
    let device = create_device(store.as_ref(), "d").await;
    append(store.as_ref(), device, 0..2_000).await;
    let before = rows(store.as_ref(), device).await;
    let all = (0..8).map(|_| {
        let sealer = Sealer::new(Arc::clone(&store), 1);
        tokio::spawn(
            async move { seal_and_merge(&sealer, device, ReadingsToSeal::All, MergeGoal::Compact).await },
        )
    });
    let mut sealed_readings = 0;
    for one in all.collect::<Vec<_>>() {
        sealed_readings += one.await.unwrap().sealed_readings;
    }
    assert_eq!(sealed_readings, 2_000);
    assert_eq!(rows(store.as_ref(), device).await, before);
    assert_eq!(store.list_segments(device).await.unwrap().len(), 1);
}

#[tokio::test]
async fn sealing_a_deleted_device_succeeds() {
    let store: Arc<dyn Store> = Arc::new(Model::default());
    let sealer = Sealer::new(store, 1);
    assert_eq!(
        seal_and_merge(&sealer, DeviceKey(7), ReadingsToSeal::All, MergeGoal::Steady).await,
        SealReport::default()
    );
}

/// Waits until a device has these numbers of hot readings and segments.
async fn sealed_into(store: &dyn Store, device: DeviceKey, hot: usize, segments: usize) {
    let sealed = async {
        while store.list_hot_readings(device, u32::MAX).await.unwrap().len() != hot
            || store.list_segments(device).await.unwrap().len() != segments
        {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_mins(1), sealed).await.expect("the device is never sealed");
}

#[tokio::test]
async fn enough_readings_are_sealed_at_once() {
    let (store, backlog) = (Arc::new(Model::default()) as Arc<dyn Store>, Arc::<Backlog>::default());
    let device = create_device(store.as_ref(), "d").await;
    let background = start(&store, &backlog, HOUR);
    append(store.as_ref(), device, 0..i64::from(SEAL_READINGS)).await;
    backlog.add_hot([(device, u64::from(SEAL_READINGS))], Instant::now());
    sealed_into(store.as_ref(), device, SEAL_READINGS as usize / SEAL_HOT_DIVISOR, 1).await;
    background.stop().await;
}

/// Another node stored the hot readings and crashed.
#[tokio::test]
async fn hot_readings_outside_the_backlog_are_found_and_sealed() {
    let (store, backlog) = (Arc::new(Model::default()) as Arc<dyn Store>, Arc::<Backlog>::default());
    let device = create_device(store.as_ref(), "d").await;
    append(store.as_ref(), device, 0..3).await;
    let background = start(&store, &backlog, Duration::ZERO);
    sealed_into(store.as_ref(), device, 0, 1).await;
    append(store.as_ref(), device, 3..5).await;
    sealed_into(store.as_ref(), device, 0, 2).await;
    background.stop().await;
    assert_eq!(rows(store.as_ref(), device).await.len(), 5);
}

#[tokio::test]
async fn directly_appended_segments_are_merged() {
    let (store, backlog) = (Arc::new(Model::default()) as Arc<dyn Store>, Arc::<Backlog>::default());
    let device = create_device(store.as_ref(), "d").await;
    let background = start(&store, &backlog, HOUR);
    for n in 0..8 {
        let rows: Vec<_> = (0..50)
            .map(|us| Row { time_us: n * 100 + us, id: 1, values: Axes { x: 1.0, y: 2.0, z: 3.0 } })
            .collect();
        let segment =
            device_stats_segment::Segment::encode(&rows, device_stats_segment::Effort::Fast).unwrap();
        assert!(matches!(store.append_segment(device, &segment).await.unwrap(), Replaced::Done(_)));
        backlog.add_segment(device, Instant::now());
    }
    sealed_into(store.as_ref(), device, 0, 1).await;
    background.stop().await;
}

/// Each worker paused after a failure. So a few failing devices kept all other devices waiting.
#[tokio::test(start_paused = true)]
async fn failing_devices_keep_no_other_device_waiting() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&path, true).unwrap());
    let mut failing = Vec::new();
    for n in 0..=store.seal_concurrency() {
        failing.push(create_device(store.as_ref(), &format!("failing {n}")).await);
    }
    let sound = create_device(store.as_ref(), "sound").await;
    let fail = format!(
        "CREATE TRIGGER fails BEFORE INSERT ON segment WHEN new.device <> {}
         BEGIN SELECT RAISE(ABORT, 'on purpose'); END",
        sound.0
    );
    rusqlite::Connection::open(&path).unwrap().execute_batch(&fail).unwrap();
    let backlog = Arc::<Backlog>::default();
    for device in failing.into_iter().chain([sound]) {
        append(store.as_ref(), device, 0..i64::from(SEAL_READINGS)).await;
        backlog.add_hot([(device, u64::from(SEAL_READINGS))], Instant::now());
    }
    let begun = tokio::time::Instant::now();
    let background = start(&store, &backlog, HOUR);
    sealed_into(store.as_ref(), sound, SEAL_READINGS as usize / SEAL_HOT_DIVISOR, 1).await;
    assert!(begun.elapsed() < SEAL_RETRY_PAUSE);
    background.stop().await;
}

#[tokio::test]
async fn nothing_is_sealed_after_a_stop() {
    let (store, backlog) = (Arc::new(Model::default()) as Arc<dyn Store>, Arc::<Backlog>::default());
    let device = create_device(store.as_ref(), "d").await;
    start(&store, &backlog, HOUR).stop().await;
    append(store.as_ref(), device, 0..i64::from(SEAL_READINGS)).await;
    backlog.add_hot([(device, u64::from(SEAL_READINGS))], Instant::now());
    tokio::task::yield_now().await;
    assert_eq!(store.list_segments(device).await.unwrap(), []);
}
