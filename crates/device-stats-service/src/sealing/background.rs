//! Background sealing: tasks that seal due devices, and a task that searches for old hot readings, including
//! the readings that other nodes stored.

use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use device_stats_domain::{DeviceKey, error_chain};
use device_stats_store::Store;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::backlog::{Backlog, SealJob};
use super::merge_pause::MergePauses;
use super::plan::MergeGoal;
use super::sealer::{SealError, SealReport, Sealer};
use crate::figures::counters::Counters;
use crate::limits::{BACKGROUND_STOP_TIMEOUT, SEAL_DEVICES_MAX, SEAL_RETRY_PAUSE};

/// Minimum and maximum of the interval between searches for old readings in the backlog. The interval is a
/// tenth of the age at which readings are sealed.
const AGE_CHECK_INTERVALS: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(1)];
/// Minimum and maximum of the interval between queries of the store for all hot readings. The interval is
/// half of the age at which readings are sealed.
const STORE_CHECK_INTERVALS: [Duration; 2] = [Duration::from_millis(500), Duration::from_mins(5)];

/// A key before the keys of all devices.
const FIRST: DeviceKey = DeviceKey(0);

/// Running background sealing.
pub struct BackgroundSealing {
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl BackgroundSealing {
    /// Starts to seal the devices of `backlog`, and readings that have been hot for `seal_after`. Sealing
    /// uses up to half of the cores, and at most [`SEAL_DEVICES_MAX`]. Segments are merged later if
    /// `merge_pauses` has a pause. Call it inside a runtime.
    pub(crate) fn start(
        store: &Arc<dyn Store>,
        backlog: &Arc<Backlog>,
        merge_pauses: &MergePauses,
        counters: &Arc<Counters>,
        seal_after: Duration,
    ) -> Self {
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let half = available_parallelism().map_or(1, usize::from).div_ceil(2);
        let sealer = Sealer::new(Arc::clone(store), half.min(SEAL_DEVICES_MAX));
        let sealer = Arc::new(sealer.with_pauses(merge_pauses.clone()));
        for _ in 0..store.seal_concurrency() {
            let counters = Arc::clone(counters);
            tasks.spawn(seal_due(Arc::clone(&sealer), Arc::clone(backlog), counters, stop.clone()));
        }
        tasks.spawn(look_for_old(Arc::clone(store), Arc::clone(backlog), seal_after, stop.clone()));
        Self { stop, tasks }
    }

    /// Prevents the sealing of further devices. Devices in progress are completed.
    pub fn begin_stop(&self) {
        self.stop.cancel();
    }

    /// Stops, and waits up to [`BACKGROUND_STOP_TIMEOUT`] for the devices in progress. Other nodes or the
    /// next start complete the remaining work.
    pub async fn stop(self) {
        self.begin_stop();
        self.tasks.close();
        if tokio::time::timeout(BACKGROUND_STOP_TIMEOUT, self.tasks.wait()).await.is_err() {
            tracing::warn!(
                timeout_s = BACKGROUND_STOP_TIMEOUT.as_secs(),
                "sealing did not end in time, leaving the rest to the next start"
            );
        }
    }
}

/// Seals one due device after the other.
async fn seal_due(
    sealer: Arc<Sealer>,
    backlog: Arc<Backlog>,
    counters: Arc<Counters>,
    stop: CancellationToken,
) {
    loop {
        let job = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            job = backlog.next() => job,
        };
        if let Err(error) = seal(&sealer, &backlog, &counters, &job).await {
            if matches!(error, SealError::MergesPaused) {
                tracing::debug!(device = job.device.0, "merging is paused for a query, trying again later");
                continue;
            }
            counters.sealing.failures.add(1);
            let causes = error_chain(&error);
            tracing::warn!(device = job.device.0, causes, "sealing failed, trying again later");
            // The device is due again after a pause. The other devices need none, unless the store fails them
            // all.
            if !error.concerns_all_devices() {
                continue;
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = sleep(SEAL_RETRY_PAUSE) => {}
            }
        }
    }
}

async fn seal(
    sealer: &Sealer,
    backlog: &Backlog,
    counters: &Counters,
    job: &SealJob,
) -> Result<(), SealError> {
    let mut report = SealReport::default();
    let outcome = sealer.seal_and_merge(job.device, job.readings, MergeGoal::Steady, &mut report).await;
    counters.sealing.add(&report);
    match &outcome {
        Ok(()) => backlog.finish(job, report.left_readings, Instant::now()),
        Err(_) => backlog.retry_later(job, SEAL_RETRY_PAUSE, Instant::now()),
    }
    outcome
}

/// Searches for old hot readings: often in the backlog, less often in the store. A long list of the store is
/// read in parts, one at each search in the backlog.
async fn look_for_old(
    store: Arc<dyn Store>,
    backlog: Arc<Backlog>,
    seal_after: Duration,
    stop: CancellationToken,
) {
    let share = |divisor: u32, [min, max]: [Duration; 2]| (seal_after / divisor).clamp(min, max);
    let mut age_checks = interval(share(10, AGE_CHECK_INTERVALS));
    age_checks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut store_check = Instant::now();
    let mut next_listing = Instant::now();
    // The key after which the list of the store continues; `None` if the list is complete.
    let mut continues_after = None;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = age_checks.tick() => {}
        }
        let now = Instant::now();
        if continues_after.is_none() && store_check <= now {
            store_check = now + share(2, STORE_CHECK_INTERVALS);
            continues_after = Some(FIRST);
        }
        if let Some(after) = continues_after.filter(|_| next_listing <= now) {
            match store.list_hot_devices(after).await {
                Ok(hot) => {
                    backlog.reconcile(after, &hot, now);
                    continues_after = hot.next_after;
                }
                // The same part is tried again. A new list might never reach the devices behind it.
                Err(error) => {
                    next_listing = now + SEAL_RETRY_PAUSE;
                    let causes = error_chain(&error);
                    tracing::warn!(causes, "listing devices with hot readings failed, trying again later");
                }
            }
        }
        backlog.mark_due(seal_after, now);
    }
}
