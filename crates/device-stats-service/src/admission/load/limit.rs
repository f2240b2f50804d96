//! The limit on the requests in progress. It shrinks while requests wait too long, and grows otherwise, so it
//! finds the number of requests with which a service works without long waits.

use tokio::time::Instant;

use super::RequestClass;
use crate::limits::{
    REQUESTS_CUT_INTERVAL, REQUESTS_GROW_INTERVAL, REQUESTS_GROW_USED_INTERVAL, REQUESTS_IN_PROGRESS_MAX,
    REQUESTS_IN_PROGRESS_MIN,
};

/// Divisor of the limit, or of the requests in progress if these are fewer: the quotient is the decrease of
/// one cut.
const CUT_DIVISOR: usize = 8;
/// Divisor of the limit: the quotient is the increase of one step.
const GROW_DIVISOR: usize = 16;
/// Number of consecutive calls with waiting requests before a cut. After a pause of the machine, the first
/// call finds that everything has waited.
const WAITS_BEFORE_CUT: u32 = 3;
/// Maximum number of steps at once. As many lead from the minimum to the maximum.
const GROW_STEPS_MAX: u128 = 128;

/// The limit on the requests in progress.
#[derive(Debug)]
pub(super) struct InProgressLimit {
    limit: usize,
    /// Number of consecutive calls with waiting requests.
    waits: u32,
    /// Whether a request was refused since the limit has grown.
    is_used: bool,
    /// Time of the latest cut.
    cut_at: Option<Instant>,
    /// Time from which the next growth is counted.
    grown_at: Instant,
}

impl InProgressLimit {
    pub(super) fn new(now: Instant) -> Self {
        Self { limit: REQUESTS_IN_PROGRESS_MAX, waits: 0, is_used: false, cut_at: None, grown_at: now }
    }

    /// Changes the limit: down if requests wait too long, otherwise up. A cut does not shorten the wait of
    /// requests that wait already, so there is a pause between two cuts.
    pub(super) fn follow(&mut self, now: Instant, is_waiting: bool, in_progress: usize) {
        if is_waiting {
            self.grown_at = now;
            self.waits += 1;
            if self.waits < WAITS_BEFORE_CUT {
                return;
            }
            if self.cut_at.is_none_or(|cut_at| now.duration_since(cut_at) >= REQUESTS_CUT_INTERVAL) {
                // A limit far above the number of requests would need many cuts.
                let used = self.limit.min(in_progress);
                self.limit = (used - used / CUT_DIVISOR).max(REQUESTS_IN_PROGRESS_MIN);
                self.cut_at = Some(now);
            }
            return;
        }
        self.waits = 0;
        let interval = if self.is_used { REQUESTS_GROW_USED_INTERVAL } else { REQUESTS_GROW_INTERVAL };
        let steps = now.duration_since(self.grown_at).as_nanos() / interval.as_nanos();
        if steps == 0 {
            return;
        }
        self.grown_at = now;
        self.is_used = false;
        for _ in 0..steps.min(GROW_STEPS_MAX) {
            self.limit = (self.limit + self.limit / GROW_DIVISOR).min(REQUESTS_IN_PROGRESS_MAX);
        }
    }

    /// Returns whether a request of a class is refused beside this number of others, and notes that.
    pub(super) fn refuses(&mut self, class: RequestClass, others: usize) -> bool {
        let is_refused = others >= self.of(class);
        self.is_used |= is_refused;
        is_refused
    }

    /// Returns the limit for a class: the number of requests of this class and later ones in progress from
    /// which it is refused. It ascends in the order of the classes.
    fn of(&self, class: RequestClass) -> usize {
        let eighths = match class {
            RequestClass::Query => 4,
            RequestClass::Unauthenticated => 5,
            RequestClass::Batch => 6,
            RequestClass::Other => 8,
        };
        self.limit * eighths / 8
    }
}
