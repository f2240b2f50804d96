//! The load of a service: it decides which requests are refused when requests wait too long.
//!
//! Requests are refused in the order of [`RequestClass`]. The service counts the requests in progress, and
//! limits their number (`limit`). A request is refused if the requests of its class and of the later classes
//! reach the share of its class in a limit. The shares ascend in the order of the classes. So while a class
//! is refused, the classes before it are refused too, and requests take no place of a later class.
//!
//! There are two limits. The first follows the lateness of the runtime, which delays every request, and the
//! waits for commits. It holds for all classes. The second follows the waits of large bodies and of many
//! readings for a thread. Single readings do not need these threads. So the second limit neither holds for
//! the last class nor counts it.
//!
//! The number of requests is limited, not their wait, because a wait is known too late. Example: requests
//! arrive at five times the possible rate. After 0.1 s, there is work for 0.5 s, but no request has waited
//! for longer than 0.1 s. All times come from the monotonic clock.

mod limit;
mod queue_wait;
mod refusals;

use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use self::limit::InProgressLimit;
pub(crate) use self::queue_wait::QueueWait;
use self::refusals::Refusals;
use crate::error::ServiceError;
use crate::limits::LOAD_INTERVAL;

/// Class of a request. An overloaded service refuses the first class first, and the last class last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RequestClass {
    /// A request that reads readings, such as an analysis, or the audit log.
    Query,
    /// A request whose token was not valid on this node before, or that needs no token.
    Unauthenticated,
    /// A batch of readings.
    Batch,
    /// Any other request, above all a single reading.
    Other,
}

impl RequestClass {
    /// All classes, in the order in which they are refused.
    pub(crate) const ALL: [Self; 4] = [Self::Query, Self::Unauthenticated, Self::Batch, Self::Other];

    /// Returns the name of the class in log lines.
    fn name(self) -> &'static str {
        match self {
            Self::Query => "queries",
            Self::Unauthenticated => "requests without a known token",
            Self::Batch => "batches",
            Self::Other => "single readings and all other requests",
        }
    }
}

/// Number by which the lateness of the runtime is multiplied. The runtime is late if it runs a task after the
/// time at which the timer of the task was due. A request waits for the runtime about five times from its
/// head to its response.
const RUNTIME_WAITS: u32 = 5;

/// The load of one service.
pub(crate) struct Load {
    /// Wait from which requests are refused; `None` if none is refused.
    wait_max: Option<Duration>,
    /// The lateness of a task of the runtime. All requests use the runtime.
    runtime: QueueWait,
    /// Starts the measurement of the lateness.
    has_begun: Notify,
    state: Mutex<State>,
}

struct State {
    in_progress: InProgress,
    all: Followed,
    batches: Followed,
    /// Time of the latest update of the limits.
    followed_at: Instant,
    /// Whether the lateness of the runtime is measured, which happens while requests are in progress.
    is_measuring: bool,
    /// Time at which the runtime should next run the task that measures its lateness.
    runtime_due: Option<Instant>,
    refusals: Refusals,
}

/// The number of requests in progress of each class, in the order of the classes.
#[derive(Debug, Default)]
struct InProgress([usize; RequestClass::ALL.len()]);

/// The requests that use a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum QueueUsers {
    /// Every request that stores readings. The wait counts for all classes.
    All,
    /// Requests with many readings. The wait counts for all classes except the last.
    Batches,
}

/// A limit, and the queues whose waits it follows.
struct Followed {
    queues: Vec<Arc<QueueWait>>,
    limit: InProgressLimit,
}

/// The permit of a request in progress. Dropping it ends the request.
#[derive(Debug)]
pub struct RequestPermit {
    /// `None` if the service refuses no requests: they are not counted then.
    load: Option<Arc<Load>>,
    class: RequestClass,
    /// Whether the request counts now. Changed together with the count.
    is_counted: AtomicBool,
}

impl Load {
    /// Creates the load of a service that refuses requests while others wait for `wait_max` or longer.
    pub(super) fn new(wait_max: Option<Duration>) -> Arc<Self> {
        let now = Instant::now();
        let followed = || Followed { queues: Vec::new(), limit: InProgressLimit::new(now) };
        let state = State {
            in_progress: InProgress::default(),
            all: followed(),
            batches: followed(),
            followed_at: now,
            is_measuring: false,
            runtime_due: None,
            refusals: Refusals::default(),
        };
        let (runtime, has_begun) = (QueueWait::default(), Notify::new());
        Arc::new(Self { wait_max, runtime, has_begun, state: Mutex::new(state) })
    }

    /// Lets the wait in a queue count.
    pub(crate) fn watch(&self, queue: &Arc<QueueWait>, users: QueueUsers) {
        let mut state = lock(&self.state);
        let followed = match users {
            QueueUsers::All => &mut state.all,
            QueueUsers::Batches => &mut state.batches,
        };
        followed.queues.push(Arc::clone(queue));
    }

    /// Admits a request.
    ///
    /// # Errors
    /// [`ServiceError::Overloaded`].
    pub(crate) fn admit(self: &Arc<Self>, class: RequestClass) -> Result<RequestPermit, ServiceError> {
        let Some(wait_max) = self.wait_max else { return Ok(RequestPermit::new(None, class)) };
        let mut state = self.check_beside(class, wait_max, 0)?;
        state.in_progress.add(class);
        if !state.is_measuring {
            state.is_measuring = true;
            self.has_begun.notify_one();
        }
        Ok(RequestPermit::new(Some(Arc::clone(self)), class))
    }

    /// Checks that a request of a class would be admitted, for a request that has a permit of another class.
    ///
    /// # Errors
    /// [`ServiceError::Overloaded`].
    pub(crate) fn check(&self, class: RequestClass) -> Result<(), ServiceError> {
        let Some(wait_max) = self.wait_max else { return Ok(()) };
        self.check_beside(class, wait_max, 1).map(drop)
    }

    /// Checks that a request is admitted beside the others. `own` is 1 if the request has a permit, and 0
    /// otherwise. One request too many is admitted if that permit is of an earlier class.
    fn check_beside(
        &self,
        class: RequestClass,
        wait_max: Duration,
        own: usize,
    ) -> Result<MutexGuard<'_, State>, ServiceError> {
        let now = Instant::now();
        let mut state = lock(&self.state);
        if now.duration_since(state.followed_at) >= LOAD_INTERVAL {
            // If the runtime is late now, its task has not measured that yet.
            let late = state.runtime_due.map_or(Duration::ZERO, |due| now.saturating_duration_since(due));
            let runtime_wait = RUNTIME_WAITS * late.max(self.runtime.standing(now));
            let State { in_progress, all, batches, .. } = &mut *state;
            let is_waiting = all.longest_wait(now).max(runtime_wait) >= wait_max;
            all.limit.follow(now, is_waiting, in_progress.of(RequestClass::Query..=RequestClass::Other));
            let are_waiting = batches.longest_wait(now) >= wait_max;
            batches.limit.follow(now, are_waiting, in_progress.of(RequestClass::Query..=RequestClass::Batch));
            state.followed_at = now;
        }
        let others = |until| state.in_progress.of(class..=until).saturating_sub(own);
        // The second number is zero for the last class, which is not among the batches.
        let (all, in_batches) = (others(RequestClass::Other), others(RequestClass::Batch));
        let is_refused = state.all.limit.refuses(class, all);
        let is_refused_as_batch = state.batches.limit.refuses(class, in_batches);
        if is_refused || is_refused_as_batch {
            state.refusals.note(class, now);
            return Err(ServiceError::Overloaded);
        }
        Ok(state)
    }

    /// Measures the lateness of the runtime while requests are in progress, and logs the end of refusals. A
    /// timer of an idle service would wake an idle machine. Returns only if the service refuses no requests.
    pub(crate) async fn follow_runtime(&self) {
        if self.wait_max.is_none() {
            return;
        }
        loop {
            self.has_begun.notified().await;
            while self.measure_runtime().await {}
        }
    }

    /// Measures the lateness of the runtime once. Returns whether it should be measured again.
    async fn measure_runtime(&self) -> bool {
        let due = Instant::now() + LOAD_INTERVAL;
        lock(&self.state).runtime_due = Some(due);
        sleep_until(due).await;
        let now = Instant::now();
        self.runtime.observe(now, now.duration_since(due));
        let mut state = lock(&self.state);
        state.refusals.log_ended(now);
        state.runtime_due = None;
        state.is_measuring = !state.in_progress.is_empty() || !state.refusals.is_empty();
        state.is_measuring
    }
}

impl InProgress {
    fn add(&mut self, class: RequestClass) {
        if let Some(count) = self.0.get_mut(class as usize) {
            *count += 1;
        }
    }

    fn remove(&mut self, class: RequestClass) {
        if let Some(count) = self.0.get_mut(class as usize) {
            *count -= 1;
        }
    }

    /// Returns the number of requests of these classes.
    fn of(&self, classes: RangeInclusive<RequestClass>) -> usize {
        RequestClass::ALL
            .iter()
            .zip(self.0)
            .filter(|(class, _)| classes.contains(class))
            .map(|(_, count)| count)
            .sum()
    }

    fn is_empty(&self) -> bool {
        self.0.iter().all(|count| *count == 0)
    }
}

impl Followed {
    fn longest_wait(&self, now: Instant) -> Duration {
        self.queues.iter().map(|queue| queue.standing(now)).max().unwrap_or_default()
    }
}

impl std::fmt::Debug for Load {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state = lock(&self.state);
        f.debug_struct("Load")
            .field("in_progress", &state.in_progress)
            .field("limit", &state.all.limit)
            .field("limit_of_batches", &state.batches.limit)
            .finish_non_exhaustive()
    }
}

impl RequestPermit {
    fn new(load: Option<Arc<Load>>, class: RequestClass) -> Self {
        Self { is_counted: AtomicBool::new(load.is_some()), class, load }
    }

    /// Returns whether the request counts now. It never counts if the service refuses no requests.
    pub fn is_counted(&self) -> bool {
        self.is_counted.load(Ordering::Relaxed)
    }

    /// Stops counting a request that waits for its client. Otherwise, clients with slow bodies could cause
    /// refusals of others.
    pub fn pause(&self) {
        self.count(false);
    }

    /// Counts a paused request again, even if this exceeds the limit: an admitted request is not refused
    /// later.
    pub fn resume(&self) {
        self.count(true);
    }

    fn count(&self, is_counted: bool) {
        let Some(load) = &self.load else { return };
        let mut state = lock(&load.state);
        if self.is_counted.swap(is_counted, Ordering::Relaxed) == is_counted {
            return;
        }
        if is_counted {
            state.in_progress.add(self.class);
        } else {
            state.in_progress.remove(self.class);
        }
    }
}

impl Drop for RequestPermit {
    fn drop(&mut self) {
        self.pause();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
