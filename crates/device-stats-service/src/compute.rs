//! Where computations run: on threads of their own, as many as there are cores, so that they neither hold up the threads
//! that serve connections nor each other.
//!
//! A light computation runs on one thread. A heavy one is cut into pieces that share a second set of threads; however many
//! of them wait, a light one does not wait behind them, but shares the cores with them. Where nothing else is computed, one
//! that is not tiny counts as heavy too, as the other cores are idle.
//!
//! Only a few heavy ones run at once, first come, first served. Were it left to the threads, one that waits for the pieces
//! of its computation would begin the next one meanwhile, and come back to its own late: all would be slow, and what all of
//! them look at would lie in memory at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::available_parallelism;

use device_stats_domain::{Axes, Axis};
use device_stats_store::Cause;
use rayon::iter::{IntoParallelIterator, ParallelIterator};
use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};
use tokio::sync::{Semaphore, oneshot};

/// Readings to look at from which on a computation is heavy: those of the cut segments of four or more devices.
const HEAVY_READINGS: u64 = 8 * 1024 * 1024;
/// Readings to look at from which on it is worth waking other cores.
const SPLIT_READINGS: u64 = 1024 * 1024;

/// Threads for computations. Cheap to clone; clones share the threads.
#[derive(Clone)]
pub(crate) struct Compute {
    light: Arc<ThreadPool>,
    heavy: Arc<ThreadPool>,
    /// One for each heavy computation that may run.
    turns: Arc<Semaphore>,
    /// Computations that run or wait.
    running: Arc<AtomicUsize>,
}

/// Counts one computation as long as it lives.
struct Running(Arc<AtomicUsize>);

impl Running {
    fn start(running: &Arc<AtomicUsize>) -> Self {
        running.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(running))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How much work a computation is expected to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weight {
    /// So little that cutting it up would only cost the others their share.
    Light,
    /// So much that it is cut up.
    Heavy,
}

impl Weight {
    /// Makes something of each axis; of a heavy computation at the same time.
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

    /// Makes something of each item, in order; of a heavy computation several at the same time.
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
    /// Starts the threads, of each kind as many as there are cores.
    pub(crate) fn start() -> Result<Self, ThreadPoolBuildError> {
        let threads = available_parallelism().map_or(1, usize::from);
        let pool = |name: &'static str| {
            let pool = ThreadPoolBuilder::new().num_threads(threads);
            pool.thread_name(move |n| format!("{name}-{n}")).build().map(Arc::new)
        };
        // Each has three axes at least; two of them keep four cores busy.
        let turns = Arc::new(Semaphore::new(threads.div_ceil(2)));
        Ok(Self { light: pool("analysis")?, heavy: pool("heavy")?, turns, running: Arc::default() })
    }

    /// How much work a computation is that looks at so many readings, as things are now.
    pub(crate) fn weigh(&self, readings: u64) -> Weight {
        let is_alone = self.running.load(Ordering::Relaxed) == 0;
        let least = if is_alone { SPLIT_READINGS } else { HEAVY_READINGS };
        if readings < least { Weight::Light } else { Weight::Heavy }
    }

    /// Runs a computation and waits for it. What it cuts into pieces with `rayon` stays on the threads it runs on.
    ///
    /// # Errors
    /// Where it panicked.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        weight: Weight,
        computation: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Cause> {
        let running = Running::start(&self.running);
        match weight {
            Weight::Light => spawn(&self.light, running, computation).await,
            Weight::Heavy => {
                let turn = Arc::clone(&self.turns).acquire_owned().await?;
                spawn(&self.heavy, (running, turn), computation).await
            }
        }
    }

    /// As [`Self::run`], for what is long, runs on one thread and waits for no turn, only for a thread: readings on their way
    /// in.
    pub(crate) async fn run_long<T: Send + 'static>(
        &self,
        computation: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Cause> {
        spawn(&self.heavy, Running::start(&self.running), computation).await
    }
}

/// Lets go of `held` as soon as the computation has ended, even if nobody waits for it any more.
async fn spawn<T: Send + 'static>(
    pool: &ThreadPool,
    held: impl Send + 'static,
    computation: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Cause> {
    let (done, computed) = oneshot::channel();
    pool.spawn(move || {
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(computation));
        drop(held);
        // Nobody may be waiting any more.
        let _ = done.send(caught);
    });
    match computed.await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(_)) | Err(_) => Err("a computation panicked".into()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Barrier, mpsc};

    use super::*;

    #[tokio::test]
    async fn a_large_computation_takes_other_cores_only_while_they_are_idle() {
        let compute = Compute::start().unwrap();
        assert_eq!(compute.weigh(SPLIT_READINGS - 1), Weight::Light);
        assert_eq!(compute.weigh(SPLIT_READINGS), Weight::Heavy);
        let (end, ended) = mpsc::channel::<()>();
        let other = tokio::spawn({
            let compute = compute.clone();
            async move { compute.run(Weight::Light, move || ended.recv()).await }
        });
        while compute.weigh(SPLIT_READINGS) == Weight::Heavy {
            tokio::task::yield_now().await;
        }
        assert_eq!(compute.weigh(HEAVY_READINGS), Weight::Heavy);
        end.send(()).unwrap();
        other.await.unwrap().unwrap().unwrap();
        assert_eq!(compute.weigh(SPLIT_READINGS), Weight::Heavy);
    }

    #[tokio::test]
    async fn only_a_few_heavy_computations_run_at_once_and_others_pass_them() {
        let compute = Compute::start().unwrap();
        let turns = compute.turns.available_permits();
        let end = Arc::new(Barrier::new(turns + 1));
        let run = |weight, end: Option<&Arc<Barrier>>| {
            let (compute, end) = (compute.clone(), end.cloned());
            tokio::spawn(async move { compute.run(weight, move || end.map(|end| end.wait())).await })
        };
        let heavy: Vec<_> = (0..turns).map(|_| run(Weight::Heavy, Some(&end))).collect();
        while compute.turns.available_permits() > 0 {
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
        // One that panics gives its turn back.
        assert!(compute.run(Weight::Heavy, || panic!("as it should")).await.is_err());
        assert_eq!(compute.turns.available_permits(), turns);
    }
}
