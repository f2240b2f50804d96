//! Tests of background purging with slices that the test answers. Time advances only while all tasks wait.

use std::collections::VecDeque;
use std::sync::Mutex;

use device_stats_domain::DeviceKey;

use super::*;

const DEVICE: DeviceKey = DeviceKey(7);
/// Time that each slice takes.
const SLICE_TIME: Duration = Duration::from_millis(30);

/// Running purging, and the times at which its slices began, counted from the start.
struct Purging {
    has_deleted: Arc<Notify>,
    stop: CancellationToken,
    begun: Arc<Mutex<Vec<Duration>>>,
    task: AbortOnDropHandle<()>,
}

impl Purging {
    /// Starts to purge slices with these outcomes; after them, there is nothing to purge.
    fn start(outcomes: impl IntoIterator<Item = Result<Purged, StoreError>>) -> Self {
        let outcomes = Arc::new(Mutex::new(outcomes.into_iter().collect::<VecDeque<_>>()));
        let (begun, started) = (Arc::<Mutex<Vec<Duration>>>::default(), Instant::now());
        let purge_slice = {
            let begun = Arc::clone(&begun);
            move || {
                begun.lock().unwrap().push(started.elapsed());
                let outcome = outcomes.lock().unwrap().pop_front();
                async move {
                    sleep(SLICE_TIME).await;
                    outcome.unwrap_or(Ok(Purged::Nothing))
                }
            }
        };
        let (has_deleted, stop) = (Arc::<Notify>::default(), CancellationToken::new());
        let purging = purge_until_stopped(purge_slice, Arc::clone(&has_deleted), stop.clone());
        Self { has_deleted, stop, begun, task: AbortOnDropHandle::new(tokio::spawn(purging)) }
    }

    fn begun(&self) -> Vec<Duration> {
        self.begun.lock().unwrap().clone()
    }
}

#[tokio::test(start_paused = true)]
async fn each_slice_is_followed_by_a_longer_pause() {
    let part = || Ok(Purged::Part(DEVICE));
    let purging = Purging::start([part(), part(), Ok(Purged::All(DEVICE))]);
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

#[tokio::test(start_paused = true)]
async fn a_failed_slice_is_repeated_after_a_pause() {
    let failed = Err(StoreError::Unavailable("the disk is full".into()));
    let purging = Purging::start([failed, Ok(Purged::All(DEVICE))]);
    sleep(PURGE_RETRY_PAUSE + SLICE_TIME * 2).await;
    assert_eq!(purging.begun(), [Duration::ZERO, SLICE_TIME + PURGE_RETRY_PAUSE]);
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_for_the_slice_and_not_for_the_pause() {
    let parts = (0..100).map(|_| Ok(Purged::Part(DEVICE)));
    let Purging { stop, task, begun, .. } = Purging::start(parts);
    sleep(SLICE_TIME / 2).await;
    BackgroundPurging { stop, task }.stop().await;
    assert_eq!(*begun.lock().unwrap(), [Duration::ZERO]);
}
