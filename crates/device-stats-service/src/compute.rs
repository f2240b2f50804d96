//! Thread pools for computations, separate from the threads that serve connections. `bodies` reads large
//! request bodies and `encoding` encodes new readings; `light` and `heavy` are for everything else. Each pool
//! has one thread per core, except that `heavy` has two: while one of them waits for the pages of its task,
//! the other one computes.
//!
//! A light computation runs on one thread of the `light` pool. A heavy computation is split into tasks for
//! the `heavy` pool. Light computations therefore never wait for heavy ones. The operating system divides the
//! cores between the pools. On an idle node, a computation of moderate size is heavy too.
//!
//! Only a few heavy computations run at once, in order of arrival. Otherwise a thread that waits for the
//! tasks of its computation could start another computation (rayon steals work). All computations would then
//! end late, and all their pages would be in memory at once. The number of light computations is limited in
//! the same way, to twice the number of threads.
//!
//! A computation that waits for its permit does not exist yet. If its caller is cancelled, for example
//! because the client has disconnected, nothing of it remains. A computation that has its permit is not
//! started after its caller was cancelled. A running one stops when it next reads pages (`segments/reader`).

use std::sync::Arc;
use std::thread::available_parallelism;

use device_stats_domain::{Axes, Axis};
use device_stats_store::Cause;
use rayon::iter::{IntoParallelIterator, ParallelIterator};
use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};
use tokio::sync::{Semaphore, oneshot};
use tokio::time::Instant;

use crate::admission::QueueWait;

/// Minimum number of visited readings of a heavy computation. The cut segments of four devices can reach it.
const HEAVY_READINGS: u64 = 8 * 1024 * 1024;
/// Minimum number of visited readings of a heavy computation on an idle node.
const HEAVY_READINGS_IDLE: u64 = 1024 * 1024;

/// The threads for computations.
pub(crate) struct Compute {
    light: ThreadPool,
    heavy: ThreadPool,
    bodies: ThreadPool,
    encoding: ThreadPool,
    /// One permit for each light computation that may run or be next.
    light_permits: Arc<Semaphore>,
    /// One permit for each heavy computation that may run.
    heavy_permits: Arc<Semaphore>,
    /// One permit for each export that may compute. Exports use up to half of the cores, so the other half is
    /// free for queries.
    export_permits: Arc<Semaphore>,
    /// Counts the computations that run or wait: each has a clone.
    running: Arc<()>,
    /// The wait of bodies for a thread.
    body_wait: Arc<QueueWait>,
    /// The wait of new readings for a thread that encodes them.
    ingest_wait: Arc<QueueWait>,
}

/// Expected work of a computation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weight {
    /// The computation runs on one thread.
    Light,
    /// The computation is split into tasks that run in parallel.
    Heavy,
}

impl Weight {
    /// Returns the number of tasks of a computation that may run at the same time. Call it in a computation.
    pub(crate) fn threads(self) -> usize {
        match self {
            Self::Light => 1,
            Self::Heavy => rayon::current_num_threads(),
        }
    }

    /// Computes a value for each axis, in parallel if the computation is heavy.
    pub(crate) fn each_axis<T: Send, E: Send>(
        self,
        make: impl Fn(Axis) -> Result<T, E> + Sync,
    ) -> Result<Axes<T>, E> {
        let (x, (y, z)) = match self {
            Self::Light => (make(Axis::X), (make(Axis::Y), make(Axis::Z))),
            Self::Heavy => rayon::join(|| make(Axis::X), || rayon::join(|| make(Axis::Y), || make(Axis::Z))),
        };
        Ok(Axes { x: x?, y: y?, z: z? })
    }

    /// Computes two values, in parallel if the computation is heavy.
    pub(crate) fn both<A: Send, B: Send>(
        self,
        first: impl FnOnce() -> A + Send,
        second: impl FnOnce() -> B + Send,
    ) -> (A, B) {
        match self {
            Self::Light => (first(), second()),
            Self::Heavy => rayon::join(first, second),
        }
    }

    /// Computes a value for each item, in parallel if the computation is heavy. Returns the values in the
    /// order of the items.
    pub(crate) fn each<I: Send, T: Send, E: Send>(
        self,
        items: Vec<I>,
        make: impl Fn(I) -> Result<T, E> + Send + Sync,
    ) -> Result<Vec<T>, E> {
        match self {
            Self::Light => items.into_iter().map(make).collect(),
            Self::Heavy => items.into_par_iter().map(make).collect(),
        }
    }
}

impl Compute {
    /// Starts the threads.
    ///
    /// # Errors
    /// A thread cannot be started.
    pub(crate) fn new() -> Result<Self, ThreadPoolBuildError> {
        let cores = available_parallelism().map_or(1, usize::from);
        let pool = |name: &'static str, threads: usize| {
            let pool = ThreadPoolBuilder::new().num_threads(threads);
            pool.thread_name(move |n| format!("{name}-{n}")).build()
        };
        // A heavy computation has at least three tasks, one per axis. Two heavy computations keep four cores
        // busy.
        let half = || Arc::new(Semaphore::new(cores.div_ceil(2)));
        Ok(Self {
            light: pool("analysis", cores)?,
            heavy: pool("heavy", 2 * cores)?,
            bodies: pool("body", cores)?,
            encoding: pool("encoding", cores)?,
            // With a second computation for each thread, no thread waits for the next one to be queued.
            light_permits: Arc::new(Semaphore::new(2 * cores)),
            heavy_permits: half(),
            export_permits: half(),
            running: Arc::default(),
            body_wait: Arc::default(),
            ingest_wait: Arc::default(),
        })
    }

    /// Returns the waits for threads that readings of requests need.
    pub(crate) fn waits(&self) -> [&Arc<QueueWait>; 2] {
        [&self.body_wait, &self.ingest_wait]
    }

    /// Returns the weight of a computation that visits `readings` readings, given the present load.
    pub(crate) fn weigh(&self, readings: u64) -> Weight {
        let is_idle = Arc::strong_count(&self.running) == 1;
        let heavy_from = if is_idle { HEAVY_READINGS_IDLE } else { HEAVY_READINGS };
        if readings < heavy_from { Weight::Light } else { Weight::Heavy }
    }

    /// Runs a computation. Its rayon tasks stay on the threads of its weight.
    ///
    /// # Errors
    /// The computation panicked.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        weight: Weight,
        computation: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Cause> {
        let running = Arc::clone(&self.running);
        let (pool, permits) = match weight {
            Weight::Light => (&self.light, &self.light_permits),
            Weight::Heavy => (&self.heavy, &self.heavy_permits),
        };
        let permit = Arc::clone(permits).acquire_owned().await?;
        spawn(pool, (running, permit), computation).await
    }

    /// Returns the number of computations that run or wait.
    #[cfg(test)]
    pub(crate) fn in_progress(&self) -> usize {
        Arc::strong_count(&self.running) - 1
    }

    /// Takes all permits for light computations.
    #[cfg(test)]
    pub(crate) async fn occupy_light_threads(&self) -> tokio::sync::OwnedSemaphorePermit {
        let all = self.light_permits.available_permits();
        let all = Arc::clone(&self.light_permits).acquire_many_owned(u32::try_from(all).unwrap());
        all.await.unwrap()
    }

    /// Runs a light computation of an export. Waits while other exports use half of the cores.
    ///
    /// # Errors
    /// The computation panicked.
    pub(crate) async fn run_for_export<T: Send + 'static>(
        &self,
        computation: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Cause> {
        let permit = Arc::clone(&self.export_permits).acquire_owned().await?;
        spawn(&self.light, (Arc::clone(&self.running), permit), computation).await
    }

    /// Runs a computation on a part of a large request body, in order of arrival. Analyses do not delay it.
    ///
    /// # Errors
    /// The computation panicked.
    pub(crate) async fn run_for_body<T: Send + 'static>(
        &self,
        computation: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Cause> {
        spawn(&self.bodies, (), observed(Arc::clone(&self.body_wait), computation)).await
    }

    /// Runs a computation that encodes new readings, in order of arrival. It needs no permit.
    ///
    /// # Errors
    /// The computation panicked.
    pub(crate) async fn run_for_ingest<T: Send + 'static>(
        &self,
        computation: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Cause> {
        let running = Arc::clone(&self.running);
        spawn(&self.encoding, running, observed(Arc::clone(&self.ingest_wait), computation)).await
    }
}

/// Returns a computation that notes its wait for a thread when it starts.
fn observed<T>(wait: Arc<QueueWait>, computation: impl FnOnce() -> T) -> impl FnOnce() -> T {
    let queued = Instant::now();
    move || {
        let now = Instant::now();
        wait.observe(now, now.duration_since(queued));
        computation()
    }
}

/// Runs a computation on a pool, unless its caller is cancelled before it starts. Drops `permits` when the
/// computation ends, even if its caller was cancelled.
async fn spawn<T: Send + 'static>(
    pool: &ThreadPool,
    permits: impl Send + 'static,
    computation: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Cause> {
    let (sender, result) = oneshot::channel();
    pool.spawn(move || {
        if sender.is_closed() {
            return;
        }
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(computation));
        drop(permits);
        // Fails if the caller was cancelled.
        let _ = sender.send(caught);
    });
    match result.await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(_)) | Err(_) => Err("a computation panicked".into()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Barrier, mpsc};

    use super::*;

    #[tokio::test]
    async fn a_computation_of_moderate_size_is_heavy_only_on_an_idle_node() {
        let compute = Arc::new(Compute::new().unwrap());
        assert_eq!(compute.weigh(HEAVY_READINGS_IDLE - 1), Weight::Light);
        assert_eq!(compute.weigh(HEAVY_READINGS_IDLE), Weight::Heavy);
        let (end, ended) = mpsc::channel::<()>();
        let other = tokio::spawn({
            let compute = Arc::clone(&compute);
            async move { compute.run(Weight::Light, move || ended.recv()).await }
        });
        while compute.weigh(HEAVY_READINGS_IDLE) == Weight::Heavy {
            tokio::task::yield_now().await;
        }
        assert_eq!(compute.weigh(HEAVY_READINGS), Weight::Heavy);
        end.send(()).unwrap();
        other.await.unwrap().unwrap().unwrap();
        assert_eq!(compute.weigh(HEAVY_READINGS_IDLE), Weight::Heavy);
    }

    #[tokio::test]
    async fn a_light_computation_passes_waiting_heavy_ones() {
        let compute = Arc::new(Compute::new().unwrap());
        let permits = compute.heavy_permits.available_permits();
        let end = Arc::new(Barrier::new(permits + 1));
        let run = |weight, end: Option<&Arc<Barrier>>| {
            let (compute, end) = (Arc::clone(&compute), end.cloned());
            tokio::spawn(async move { compute.run(weight, move || end.map(|end| end.wait())).await })
        };
        let heavy: Vec<_> = (0..permits).map(|_| run(Weight::Heavy, Some(&end))).collect();
        while compute.heavy_permits.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        let late = run(Weight::Heavy, None);
        run(Weight::Light, None).await.unwrap().unwrap();
        assert!(!late.is_finished());
        end.wait();
        late.await.unwrap().unwrap();
        for heavy in heavy {
            heavy.await.unwrap().unwrap();
        }
        assert_eq!(compute.heavy_permits.available_permits(), permits);
    }

    /// The threads computed results that nobody waited for.
    #[tokio::test]
    async fn a_computation_whose_caller_is_cancelled_does_not_start() {
        let compute = Arc::new(Compute::new().unwrap());
        let permits = compute.light_permits.available_permits();
        let end = Arc::new(Barrier::new(permits / 2 + 1));
        let mut busy = Vec::new();
        for _ in 0..permits / 2 {
            let (compute, end) = (Arc::clone(&compute), Arc::clone(&end));
            busy.push(tokio::spawn(async move {
                compute
                    .run(Weight::Light, move || {
                        end.wait();
                    })
                    .await
            }));
        }
        while compute.light_permits.available_permits() > permits / 2 {
            tokio::task::yield_now().await;
        }
        let (started, is_started) = mpsc::channel();
        let late = tokio::spawn({
            let compute = Arc::clone(&compute);
            async move { compute.run(Weight::Light, move || started.send(()).unwrap()).await }
        });
        while compute.light_permits.available_permits() >= permits / 2 {
            tokio::task::yield_now().await;
        }
        late.abort();
        assert!(late.await.unwrap_err().is_cancelled());
        end.wait();
        for busy in busy {
            busy.await.unwrap().unwrap();
        }
        // The channel closes when the computation is dropped.
        assert!(is_started.recv().is_err());
    }

    #[tokio::test]
    async fn a_panic_is_an_error_and_returns_the_permit() {
        let compute = Compute::new().unwrap();
        let permits = compute.heavy_permits.available_permits();
        assert!(compute.run(Weight::Heavy, || panic!("on purpose")).await.is_err());
        assert_eq!(compute.heavy_permits.available_permits(), permits);

        let permits = compute.export_permits.available_permits();
        assert!(compute.run_for_export(|| panic!("on purpose")).await.is_err());
        assert_eq!(compute.run_for_export(|| 7).await.unwrap(), 7);
        assert_eq!(compute.export_permits.available_permits(), permits);
    }
}
