//! Tests of background purging with slices that the test answers. Time advances only while all tasks wait.

use std::collections::VecDeque;
use std::sync::Mutex;

use device_stats_domain::DeviceKey;

use super::*;

const DEVICE: DeviceKey = DeviceKey(7);
const OTHER: DeviceKey = DeviceKey(8);
/// Time that each slice takes.
const SLICE_TIME: Duration = Duration::from_millis(30);

/// Running purging, and the times at which its slices began, counted from the start.
struct Purging {
    has_deleted: Arc<Notify>,
    stop: CancellationToken,
    begun: Arc<Mutex<Vec<Duration>>>,
    /// For each slice the key after which the device was searched.
    after: Arc<Mutex<Vec<DeviceKey>>>,
    task: AbortOnDropHandle<()>,
}

impl Purging {
    /// Starts to purge slices of [`DEVICE`] with these outcomes; after them, there is nothing to purge.
    fn start(outcomes: impl IntoIterator<Item = Result<Purged, StoreError>>) -> Self {
        Self::start_slices(outcomes.into_iter().map(|outcome| Some(Slice { device: DEVICE, outcome })))
    }

    fn start_slices(outcomes: impl IntoIterator<Item = Option<Slice>>) -> Self {
        let outcomes = Arc::new(Mutex::new(outcomes.into_iter().collect::<VecDeque<_>>()));
        let (begun, started) = (Arc::<Mutex<Vec<Duration>>>::default(), Instant::now());
        let after = Arc::<Mutex<Vec<DeviceKey>>>::default();
        let purge_slice = {
            let (begun, searched) = (Arc::clone(&begun), Arc::clone(&after));
            move |after| {
                searched.lock().unwrap().push(after);
                begun.lock().unwrap().push(started.elapsed());
                let outcome = outcomes.lock().unwrap().pop_front();
                async move {
                    sleep(SLICE_TIME).await;
                    Ok(outcome.flatten())
                }
            }
        };
        let (has_deleted, stop) = (Arc::<Notify>::default(), CancellationToken::new());
        let purging = purge_until_stopped(purge_slice, Arc::clone(&has_deleted), stop.clone());
        Self { has_deleted, stop, begun, after, task: AbortOnDropHandle::new(tokio::spawn(purging)) }
    }

    fn begun(&self) -> Vec<Duration> {
        self.begun.lock().unwrap().clone()
    }
}

#[tokio::test(start_paused = true)]
async fn each_slice_is_followed_by_a_longer_pause() {
    let purging = Purging::start([Ok(Purged::Part), Ok(Purged::Part), Ok(Purged::All)]);
    let slice_and_pause = SLICE_TIME * (1 + PURGE_PAUSE_FACTOR);
    sleep(slice_and_pause * 3 + SLICE_TIME).await;
    assert_eq!(purging.begun(), [0, 1, 2, 3].map(|n| slice_and_pause * n));
}

#[tokio::test(start_paused = true)]
async fn a_deletion_and_the_interval_start_a_purge() {
    let purging = Purging::start([]);
    sleep(SLICE_TIME * 2).await;
    assert_eq!(purging.begun().len(), 1);
    purging.has_deleted.notify_one();
    sleep(SLICE_TIME * 2).await;
    assert_eq!(purging.begun(), [Duration::ZERO, SLICE_TIME * 2], "a deletion starts a purge at once");
    sleep(PURGE_CHECK_INTERVAL).await;
    assert_eq!(purging.begun().len(), 3, "devices that other nodes have deleted are found");
}

#[tokio::test(start_paused = true)]
async fn a_deletion_during_the_last_slice_is_not_missed() {
    let purging = Purging::start([]);
    sleep(SLICE_TIME / 2).await;
    purging.has_deleted.notify_one();
    sleep(SLICE_TIME).await;
    assert_eq!(purging.begun(), [Duration::ZERO, SLICE_TIME]);
}

/// In the past, the first device was tried again and again, and no other device was purged.
#[tokio::test(start_paused = true)]
async fn a_device_whose_purge_fails_does_not_stop_the_others() {
    let slice = |device, outcome| Some(Slice { device, outcome });
    let failed = || Err(StoreError::Broken("a damaged page".into()));
    let purging = Purging::start_slices([
        slice(DEVICE, failed()),
        slice(OTHER, Ok(Purged::Part)),
        slice(OTHER, Ok(Purged::All)),
        None,
        slice(DEVICE, Ok(Purged::All)),
    ]);
    sleep(PURGE_RETRY_PAUSE + PURGE_CHECK_INTERVAL + SLICE_TIME * 20).await;
    let second = SLICE_TIME + PURGE_RETRY_PAUSE;
    let [third, last] = [1, 2].map(|n| second + SLICE_TIME * (1 + PURGE_PAUSE_FACTOR) * n);
    let retry = last + SLICE_TIME + PURGE_CHECK_INTERVAL;
    let begun = [Duration::ZERO, second, third, last, retry];
    assert_eq!(purging.begun()[..5], begun);
    let after = purging.after.lock().unwrap()[..5].to_vec();
    assert_eq!(after, [BEFORE_ALL, DEVICE, DEVICE, DEVICE, BEFORE_ALL]);
}

/// Another node is purging the first device.
#[tokio::test(start_paused = true)]
async fn a_device_that_another_node_is_purging_is_left_out() {
    let slice = |device, outcome| Some(Slice { device, outcome });
    let purging =
        Purging::start_slices([slice(DEVICE, Ok(Purged::Nothing)), slice(OTHER, Ok(Purged::All)), None]);
    sleep(SLICE_TIME * 10).await;
    assert_eq!(*purging.after.lock().unwrap(), [BEFORE_ALL, DEVICE, DEVICE]);
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_for_the_slice_and_not_for_the_pause() {
    let parts = (0..100).map(|_| Ok(Purged::Part));
    let Purging { stop, task, begun, .. } = Purging::start(parts);
    sleep(SLICE_TIME / 2).await;
    BackgroundPurging { stop, task }.stop().await;
    assert_eq!(*begun.lock().unwrap(), [Duration::ZERO]);
}
