//! The wait in a queue.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::limits::WAIT_EXPIRY;

/// The standing wait in a queue: the wait without the effect of short pauses of the machine or the disk, as
/// in `CoDel` (RFC 8289).
///
/// An observation is the wait of the newest request that leaves the queue. If a group empties the queue, its
/// newest request has hardly waited, even if the previous group took long. Of the two latest observations,
/// the smaller counts.
#[derive(Debug, Default)]
pub(crate) struct QueueWait(Mutex<Observations>);

#[derive(Clone, Copy, Debug, Default)]
struct Observations {
    latest: Option<(Instant, Duration)>,
    previous: Duration,
}

impl QueueWait {
    /// Notes that a request leaves the queue after a wait.
    pub(crate) fn observe(&self, now: Instant, wait: Duration) {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        noted.previous = noted.latest.map_or(Duration::ZERO, |(_, wait)| wait);
        noted.latest = Some((now, wait));
    }

    /// Returns the standing wait; zero after a while without requests.
    pub(crate) fn standing(&self, now: Instant) -> Duration {
        let Observations { latest, previous } = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match latest {
            Some((at, wait)) if now.duration_since(at) < WAIT_EXPIRY => wait.min(previous),
            _ => Duration::ZERO,
        }
    }
}
