//! Sealing while the service runs: a few tasks that take the devices that are due, one after the other, and one that looks
//! around for devices whose readings have grown old, also those that other nodes have left behind.

use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use device_stats_domain::limits::{SEAL_DEVICES_MAX, SEAL_RETRY_PAUSE, SHUTDOWN_TIMEOUT};
use device_stats_store::Store;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::backlog::{Backlog, Job};
use super::plan::Goal;
use super::sealer::{Done, SealError, Sealer};
use device_stats_domain::error_chain;

/// How often is looked for readings that have grown old, or too many: ten times while they do, within these bounds.
const LOOK_PAUSES: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(1)];
/// How often the store is asked for hot readings this node does not know of: twice while they grow old, within these
/// bounds.
const ASK_PAUSES: [Duration; 2] = [Duration::from_millis(500), Duration::from_mins(5)];

/// Sealing at work; it goes on until it is stopped.
pub struct Background {
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Background {
    /// Starts to seal what `backlog` tells of, and whatever has been hot for `seal_after`. Half of the cores may be busy
    /// with it, [`SEAL_DEVICES_MAX`] at most. To be called inside of a runtime.
    pub fn start(store: &Arc<dyn Store>, backlog: &Arc<Backlog>, seal_after: Duration) -> Self {
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let half = available_parallelism().map_or(1, usize::from).div_ceil(2);
        let sealer = Arc::new(Sealer::new(Arc::clone(store), half.min(SEAL_DEVICES_MAX)));
        for _ in 0..store.seal_concurrency() {
            tasks.spawn(work(Arc::clone(&sealer), Arc::clone(backlog), stop.clone()));
        }
        tasks.spawn(look_around(Arc::clone(store), Arc::clone(backlog), seal_after, stop.clone()));
        Self { stop, tasks }
    }

    /// Begins nothing new from now on.
    pub fn begin_stop(&self) {
        self.stop.cancel();
    }

    /// Stops after what is being done, for [`SHUTDOWN_TIMEOUT`] at most. What was not finished is done by whoever comes
    /// next.
    pub async fn stop(self) {
        self.begin_stop();
        self.tasks.close();
        if tokio::time::timeout(SHUTDOWN_TIMEOUT, self.tasks.wait()).await.is_err() {
            tracing::warn!("sealing was still at work after {} s", SHUTDOWN_TIMEOUT.as_secs());
        }
    }
}

/// Takes one device after the other.
async fn work(sealer: Arc<Sealer>, backlog: Arc<Backlog>, stop: CancellationToken) {
    loop {
        let job = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            job = backlog.next() => job,
        };
        if let Err(error) = seal(&sealer, &backlog, &job).await {
            let causes = error_chain(&error);
            tracing::warn!(device = job.device.0, causes, "sealing failed, trying again later");
            tokio::select! {
                () = stop.cancelled() => return,
                () = sleep(SEAL_RETRY_PAUSE) => {}
            }
        }
    }
}

async fn seal(sealer: &Sealer, backlog: &Backlog, job: &Job) -> Result<(), SealError> {
    let mut done = Done::default();
    let worked = sealer.work(job.device, job.which, Goal::Steady, &mut done).await;
    match &worked {
        Ok(()) => backlog.finish(job, done.left_readings, Instant::now()),
        Err(_) => backlog.put_back(job, SEAL_RETRY_PAUSE, Instant::now()),
    }
    worked
}

/// Looks again and again for readings that have grown old, and now and then for those this node does not know of.
async fn look_around(
    store: Arc<dyn Store>,
    backlog: Arc<Backlog>,
    seal_after: Duration,
    stop: CancellationToken,
) {
    let pause = |parts: u32, [least, most]: [Duration; 2]| (seal_after / parts).clamp(least, most);
    let mut looks = interval(pause(10, LOOK_PAUSES));
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut asks_next = Instant::now();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = looks.tick() => {}
        }
        let now = Instant::now();
        if asks_next <= now {
            asks_next = now + pause(2, ASK_PAUSES);
            match store.list_hot_devices().await {
                Ok(hot) => backlog.note_all(&hot, now),
                Err(error) => {
                    let causes = error_chain(&error);
                    tracing::warn!(causes, "hot readings cannot be looked for, trying again later");
                }
            }
        }
        backlog.grow_old(seal_after, now);
    }
}
