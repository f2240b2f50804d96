//! Tasks that seal and merge the readings of a device during a case.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use device_stats_domain::DeviceKey;
use tokio::task::JoinSet;

use super::samples::{Opened, read_rows, sealed_rows, segment};
use crate::{Replaced, SegmentId, StoreError};

/// Running tasks: two that seal and two that merge for each device.
pub(super) struct BackgroundSeals {
    stop: Arc<AtomicBool>,
    tasks: JoinSet<u32>,
}

impl BackgroundSeals {
    /// Starts the tasks for each device.
    pub(super) fn start(store: &Opened, devices: &[DeviceKey]) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let mut tasks = JoinSet::new();
        for device in devices {
            // The tasks seal different numbers of readings and skip some, so that spans overlap.
            for (count, stride) in [(7, 1), (40, 3)] {
                tasks.spawn(seal_until(Arc::clone(store), *device, count, stride, Arc::clone(&stop)));
            }
            for from in [0, 2] {
                tasks.spawn(merge_until(Arc::clone(store), *device, from, Arc::clone(&stop)));
            }
        }
        Self { stop, tasks }
    }

    /// Stops the tasks after one more round of each, and returns the number of segments that were sealed or
    /// merged.
    pub(super) async fn stop(self) -> u32 {
        self.stop.store(true, Ordering::SeqCst);
        self.tasks.join_all().await.into_iter().sum()
    }
}

/// Seals every `stride`-th of the `count` earliest hot readings, repeatedly.
async fn seal_until(
    store: Opened,
    device: DeviceKey,
    count: u32,
    stride: usize,
    stop: Arc<AtomicBool>,
) -> u32 {
    let mut done = 0;
    loop {
        let is_last = stop.load(Ordering::SeqCst);
        done += number_of(seal_once(&store, device, count, stride).await);
        if is_last {
            return done;
        }
        // A store in memory never waits, so this loop would block its thread.
        tokio::task::yield_now().await;
    }
}

async fn seal_once(store: &Opened, device: DeviceKey, count: u32, stride: usize) -> Result<bool, StoreError> {
    let rows = store.list_hot_readings(device, count).await?;
    assert!(rows.is_sorted_by(|a, b| a.time_us < b.time_us), "not in order: {rows:?}");
    let rows: Vec<_> = rows.into_iter().step_by(stride).collect();
    Ok(!rows.is_empty() && is_done(store.seal(device, &sealed_rows(&rows)).await?))
}

/// Merges up to three neighbours, repeatedly.
async fn merge_until(store: Opened, device: DeviceKey, from: usize, stop: Arc<AtomicBool>) -> u32 {
    let mut done = 0;
    loop {
        let is_last = stop.load(Ordering::SeqCst);
        done += number_of(merge_once(&store, device, from).await);
        if is_last {
            return done;
        }
        tokio::task::yield_now().await;
    }
}

async fn merge_once(store: &Opened, device: DeviceKey, from: usize) -> Result<bool, StoreError> {
    let all = store.list_segments(device).await?;
    let merged: Vec<_> = all.into_iter().skip(from).take(3).collect();
    if merged.len() > 1
        && let Some(rows) = read_rows(store, device, &merged).await
    {
        let ids: Vec<SegmentId> = merged.iter().map(|entry| entry.id).collect();
        return Ok(is_done(store.merge(device, &ids, &segment(&rows)).await?));
    }
    Ok(false)
}

/// Returns the number of segments of an attempt: 1 or 0. On a busy machine, a store may be unavailable for a
/// moment; then nothing has been done.
fn number_of(attempt: Result<bool, StoreError>) -> u32 {
    match attempt {
        Ok(is_done) => u32::from(is_done),
        Err(StoreError::Unavailable(_)) => 0,
        Err(fault) => panic!("{fault}"),
    }
}

fn is_done(answer: Replaced) -> bool {
    matches!(answer, Replaced::Done(_))
}
