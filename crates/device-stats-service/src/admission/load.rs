//! The load of a service: it decides which requests are refused when requests wait too long.
//!
//! Requests are refused in the order of [`RequestClass`]. The service counts the requests in progress, and
//! limits their number (`limit`). The limit follows the waits in the queues of the service (`queue_wait`).
//! Each class has a share of the limit, and the shares ascend in the order of the classes. So while a class
//! is refused, the classes before it are refused too.
//!
//! The count is limited, because a wait grows too late: at five times the possible rate, the work of 0.5 s
//! arrives within 0.1 s, and the oldest request has waited for only 0.1 s then. All times come from the
//! monotonic clock.

mod limit;
mod queue_wait;
mod refusals;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

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

/// The load of one service.
pub(crate) struct Load {
    /// Wait from which requests are refused; `None` if none is refused.
    wait_max: Option<Duration>,
    queues: Mutex<Vec<Arc<QueueWait>>>,
    /// The lateness of a task of the runtime.
    runtime: Arc<QueueWait>,
    state: Mutex<State>,
}

struct State {
    in_progress: usize,
    limit: InProgressLimit,
    /// Time of the latest update of the limit.
    followed_at: Instant,
    /// Time at which the runtime should next run the task that measures its lateness.
    runtime_due: Option<Instant>,
    refusals: Refusals,
}

/// The permit of a request in progress. Dropping it ends the request.
#[derive(Debug)]
pub struct RequestPermit {
    /// `None` if the service refuses no requests: they are not counted then.
    load: Option<Arc<Load>>,
}

impl Load {
    /// Creates the load of a service that refuses requests while others wait for `wait_max` or longer.
    pub(super) fn new(wait_max: Option<Duration>) -> Arc<Self> {
        let now = Instant::now();
        let runtime = Arc::<QueueWait>::default();
        let state = State {
            in_progress: 0,
            limit: InProgressLimit::new(now),
            followed_at: now,
            runtime_due: None,
            refusals: Refusals::default(),
        };
        Arc::new(Self {
            wait_max,
            queues: Mutex::new(vec![Arc::clone(&runtime)]),
            runtime,
            state: Mutex::new(state),
        })
    }

    /// Lets the wait in a queue count.
    pub(crate) fn watch(&self, queue: &Arc<QueueWait>) {
        lock(&self.queues).push(Arc::clone(queue));
    }

    /// Admits a request.
    ///
    /// # Errors
    /// [`ServiceError::Overloaded`].
    pub(crate) fn admit(self: &Arc<Self>, class: RequestClass) -> Result<RequestPermit, ServiceError> {
        let Some(wait_max) = self.wait_max else { return Ok(RequestPermit { load: None }) };
        self.check_beside(class, wait_max, 0)?.in_progress += 1;
        Ok(RequestPermit { load: Some(Arc::clone(self)) })
    }

    /// Checks that a request of a class would be admitted, for a request that has a permit of another class.
    ///
    /// # Errors
    /// [`ServiceError::Overloaded`].
    pub(crate) fn check(&self, class: RequestClass) -> Result<(), ServiceError> {
        let Some(wait_max) = self.wait_max else { return Ok(()) };
        self.check_beside(class, wait_max, 1).map(drop)
    }

    /// Checks that a request is admitted beside the others. `own` is the number of its permits.
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
            let (wait, in_progress) = (self.longest_wait(now).max(late), state.in_progress);
            state.limit.follow(now, wait >= wait_max, in_progress);
            state.followed_at = now;
        }
        if state.in_progress < state.limit.of(class) + own {
            return Ok(state);
        }
        state.limit.note_refusal();
        state.refusals.note(class, now);
        Err(ServiceError::Overloaded)
    }

    fn longest_wait(&self, now: Instant) -> Duration {
        lock(&self.queues).iter().map(|queue| queue.standing(now)).max().unwrap_or_default()
    }

    /// Measures the lateness of the runtime and logs the end of refusals. Returns only if the service refuses
    /// no requests, because the timer would wake an idle machine.
    pub(crate) async fn follow_runtime(&self) {
        if self.wait_max.is_none() {
            return;
        }
        let mut due = Instant::now() + LOAD_INTERVAL;
        loop {
            sleep_until(due).await;
            let now = Instant::now();
            self.runtime.observe(now, now.duration_since(due));
            due = now + LOAD_INTERVAL;
            let mut state = lock(&self.state);
            state.runtime_due = Some(due);
            state.refusals.log_ended(now);
        }
    }
}

impl std::fmt::Debug for Load {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state = lock(&self.state);
        f.debug_struct("Load")
            .field("in_progress", &state.in_progress)
            .field("limit", &state.limit)
            .finish_non_exhaustive()
    }
}

impl Drop for RequestPermit {
    fn drop(&mut self) {
        if let Some(load) = &self.load {
            lock(&load.state).in_progress -= 1;
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
