//! Admitted queries: the limits on all queries of a service together, and the share, the deadline and the
//! cancellation of each query.
//!
//! A query is admitted before it takes its snapshot. Its memory is known only after the snapshot, so it
//! reserves the rest then, before it opens segments. A store reads a few snapshots at once, so little memory
//! is not counted yet.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::error::ServiceError;
use crate::figures::counters::Total;
use crate::limits::{QUERIES_BYTES_DEFAULT, QUERIES_DEFAULT, QUERY_TIMEOUT_DEFAULT};

/// Unit in which the memory of queries is counted, in bytes.
const UNIT_BYTES: u64 = 1024;
/// Memory that each query reserves before it takes its snapshot, in units of [`UNIT_BYTES`].
const UNITS_FIRST: u32 = 16;

/// Limits on the queries of a service: analyses, series, histograms, latest readings, statuses and lists of
/// readings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueryLimits {
    /// Maximum number of queries that run or wait for a thread.
    pub queries_max: usize,
    /// Maximum memory of the snapshots of these queries together, in bytes: hot readings, catalogue entries
    /// and heads of segments. A single query that needs more is admitted while no other query runs.
    pub bytes_max: u64,
    /// Maximum time of a query, from its admission to its result.
    pub time_max: Duration,
}

impl Default for QueryLimits {
    fn default() -> Self {
        Self {
            queries_max: QUERIES_DEFAULT,
            bytes_max: QUERIES_BYTES_DEFAULT,
            time_max: QUERY_TIMEOUT_DEFAULT,
        }
    }
}

/// The admission of queries.
pub(super) struct QueryAdmission {
    limits: QueryLimits,
    slots: Arc<Semaphore>,
    slots_max: usize,
    memory: Arc<QueryMemory>,
}

/// The memory of all queries together.
struct QueryMemory {
    units: Arc<Semaphore>,
    units_max: u32,
    /// Maximum of one query. The rest is enough for the first units of all others, so that a large query and
    /// small ones do not exclude each other.
    one_max: u32,
    /// Number of refused queries.
    refused: Total,
}

/// An admitted query. Dropping it cancels its computation.
pub(crate) struct Query {
    handle: QueryHandle,
    deadline: Instant,
    time_max: Duration,
    _cancel_on_drop: DropGuard,
}

/// The part of a query that its computation holds. The share of the query is returned when the query and its
/// computation have ended, so the memory of a cancelled computation is counted until it stops.
#[derive(Clone)]
pub(crate) struct QueryHandle {
    share: Arc<QueryShare>,
    cancelled: CancellationToken,
}

/// The share of the limits that a query holds.
struct QueryShare {
    memory: Arc<QueryMemory>,
    reserved: Mutex<OwnedSemaphorePermit>,
    _slot: OwnedSemaphorePermit,
}

impl QueryAdmission {
    pub(super) fn new(limits: QueryLimits) -> Self {
        let units_max = u32::try_from(limits.bytes_max / UNIT_BYTES).unwrap_or(u32::MAX);
        let units_max = units_max.min(u32::try_from(Semaphore::MAX_PERMITS).unwrap_or(u32::MAX));
        let queries = u32::try_from(limits.queries_max).unwrap_or(u32::MAX);
        let one_max = units_max - queries.saturating_mul(UNITS_FIRST).min(units_max / 2);
        let units = Arc::new(Semaphore::new(units_max as usize));
        let slots_max = limits.queries_max.min(Semaphore::MAX_PERMITS);
        let memory = Arc::new(QueryMemory { units, units_max, one_max, refused: Total::default() });
        Self { limits, slots: Arc::new(Semaphore::new(slots_max)), slots_max, memory }
    }

    /// Admits a query.
    ///
    /// # Errors
    /// [`ServiceError::TooManyAnalyses`], at once.
    pub(super) fn admit(&self) -> Result<Query, ServiceError> {
        let slot = Arc::clone(&self.slots).try_acquire_owned();
        let slot = slot.map_err(|_| self.memory.refuse())?;
        let reserved = Mutex::new(self.memory.reserve(UNITS_FIRST.min(self.memory.units_max))?);
        let share = Arc::new(QueryShare { memory: Arc::clone(&self.memory), reserved, _slot: slot });
        let cancelled = CancellationToken::new();
        let cancel_on_drop = cancelled.clone().drop_guard();
        let time_max = self.limits.time_max;
        let deadline = Instant::now() + time_max;
        let handle = QueryHandle { share, cancelled };
        Ok(Query { handle, deadline, time_max, _cancel_on_drop: cancel_on_drop })
    }

    /// Returns the number of queries that run or wait for a thread.
    pub(super) fn running(&self) -> usize {
        self.slots_max.saturating_sub(self.slots.available_permits())
    }

    /// Returns the number of refused queries.
    pub(super) fn refused(&self) -> u64 {
        self.memory.refused.get()
    }

    /// Returns the number of further queries, and of further KiB of their memory, that can be admitted.
    #[cfg(test)]
    pub(super) fn free(&self) -> (usize, usize) {
        (self.slots.available_permits(), self.memory.units.available_permits())
    }
}

impl QueryMemory {
    fn reserve(&self, units: u32) -> Result<OwnedSemaphorePermit, ServiceError> {
        let reserved = Arc::clone(&self.units).try_acquire_many_owned(units);
        reserved.map_err(|_| self.refuse())
    }

    /// Counts a refused query, and returns its error.
    fn refuse(&self) -> ServiceError {
        self.refused.add(1);
        ServiceError::TooManyAnalyses
    }
}

impl Query {
    /// Completes the work of the query, unless its time ends before.
    ///
    /// # Errors
    /// [`ServiceError::QueryTimedOut`]; the errors of the work.
    pub(crate) async fn run<T>(
        &self,
        work: impl Future<Output = Result<T, ServiceError>>,
    ) -> Result<T, ServiceError> {
        let timed_out = || ServiceError::QueryTimedOut(self.time_max);
        // A timer may be late by a millisecond.
        if Instant::now() >= self.deadline {
            return Err(timed_out());
        }
        timeout_at(self.deadline, work).await.map_err(|_| timed_out())?
    }

    /// Reserves memory until at least `bytes` bytes are reserved, or the maximum of one query.
    ///
    /// # Errors
    /// [`ServiceError::TooManyAnalyses`], at once.
    pub(crate) fn grow_to(&self, bytes: u64) -> Result<(), ServiceError> {
        let QueryShare { memory, reserved, .. } = &*self.handle.share;
        let units = u32::try_from(bytes.div_ceil(UNIT_BYTES)).unwrap_or(u32::MAX).min(memory.one_max);
        let mut reserved = reserved.lock().unwrap_or_else(PoisonError::into_inner);
        let missing = units.saturating_sub(u32::try_from(reserved.num_permits()).unwrap_or(u32::MAX));
        reserved.merge(memory.reserve(missing)?);
        Ok(())
    }

    /// Returns the part of the query that its computation holds.
    pub(crate) fn handle(&self) -> QueryHandle {
        self.handle.clone()
    }
}

impl QueryHandle {
    /// Returns whether nobody waits for the result: the client has disconnected, or the time has ended.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.cancelled.is_cancelled()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(queries_max: usize, bytes_max: u64) -> QueryLimits {
        QueryLimits { queries_max, bytes_max, time_max: Duration::from_mins(1) }
    }

    #[tokio::test]
    async fn queries_are_bounded_and_their_shares_return() {
        let admission = QueryAdmission::new(limits(2, 1024 * 1024));
        let free = admission.free();
        let (first, second) = (admission.admit().unwrap(), admission.admit().unwrap());
        assert!(matches!(admission.admit(), Err(ServiceError::TooManyAnalyses)));
        first.grow_to(600 * 1024).unwrap();
        // Memory never shrinks, and a query that is refused keeps its share.
        first.grow_to(1).unwrap();
        assert!(matches!(second.grow_to(600 * 1024), Err(ServiceError::TooManyAnalyses)));
        drop(first);
        second.grow_to(600 * 1024).unwrap();
        drop(second);
        assert_eq!(admission.free(), free);
    }

    #[tokio::test]
    async fn a_query_above_the_budget_runs_beside_small_ones() {
        let admission = QueryAdmission::new(limits(9, 1024 * 1024));
        let (large, other) = (admission.admit().unwrap(), admission.admit().unwrap());
        other.grow_to(200 * 1024).unwrap();
        assert!(large.grow_to(u64::MAX).is_err());
        drop(other);
        let small: Vec<Query> = (0..8).map(|_| admission.admit().unwrap()).collect();
        large.grow_to(u64::MAX).unwrap();
        for query in small {
            query.grow_to(1).unwrap();
            assert!(matches!(query.grow_to(200 * 1024), Err(ServiceError::TooManyAnalyses)));
        }
    }

    /// The memory of a cancelled query was free although its computation still ran.
    #[tokio::test]
    async fn the_share_of_a_cancelled_query_returns_when_its_computation_ends() {
        let admission = QueryAdmission::new(limits(1, 1024 * 1024));
        let query = admission.admit().unwrap();
        let computation = query.handle();
        assert!(!computation.is_abandoned());
        drop(query);
        assert!(computation.is_abandoned());
        assert!(admission.admit().is_err());
        drop(computation);
        admission.admit().unwrap();
    }

    #[tokio::test]
    async fn a_query_ends_at_its_deadline() {
        let time_max = Duration::from_millis(1);
        let admission = QueryAdmission::new(QueryLimits { time_max, ..limits(1, 1024 * 1024) });
        let query = admission.admit().unwrap();
        let endless = std::future::pending::<Result<(), ServiceError>>();
        assert!(matches!(query.run(endless).await, Err(ServiceError::QueryTimedOut(max)) if max == time_max));
        // Nothing begins after the deadline.
        assert!(query.run(std::future::ready(Ok(()))).await.is_err());
    }
}
