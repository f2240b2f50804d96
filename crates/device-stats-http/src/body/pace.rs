//! The pace of a body: the time that it takes to arrive, and the minimum rate of a body that holds much
//! memory. Otherwise, a few slow clients could hold the memory that is meant for all. Only the time for which
//! the service waits for bytes counts.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout};

use crate::errors::ApiError;
use crate::limits::{BODY_RATE_BYTES_MIN, BODY_RATE_FREE_BYTES, BODY_RATE_INTERVAL, BODY_TIMEOUT};

/// The time for which the service has waited for the bytes of a body.
#[derive(Debug, Default)]
pub(super) struct Pace {
    waited: Duration,
    /// Waiting time of the current interval.
    waited_in_interval: Duration,
    /// Number of bytes that have arrived in the current interval.
    bytes_in_interval: usize,
}

impl Pace {
    /// Returns the next bytes; `None` after the last ones. `reserved_bytes` is the memory that the body
    /// holds.
    ///
    /// # Errors
    /// [`ApiError::IncompleteBody`], [`ApiError::SlowBody`], [`ApiError::SlowLargeBody`].
    pub(super) async fn next(
        &mut self,
        body: &mut Body,
        reserved_bytes: usize,
    ) -> Result<Option<Bytes>, ApiError> {
        loop {
            let started = Instant::now();
            let arrived = timeout(self.patience(reserved_bytes), body.frame()).await;
            self.add_wait(started.elapsed());
            match arrived {
                Ok(None) => return Ok(None),
                Ok(Some(frame)) => {
                    // Trailers are ignored.
                    let Ok(data) = frame.map_err(|_| ApiError::IncompleteBody)?.into_data() else { continue };
                    self.bytes_in_interval += data.len();
                    return Ok(Some(data));
                }
                Err(_) => self.end_interval()?,
            }
        }
    }

    /// Returns the time to wait for the next bytes of a body that holds this memory, in bytes.
    fn patience(&self, reserved_bytes: usize) -> Duration {
        let left = BODY_TIMEOUT.saturating_sub(self.waited);
        if reserved_bytes <= BODY_RATE_FREE_BYTES {
            return left;
        }
        left.min(BODY_RATE_INTERVAL.saturating_sub(self.waited_in_interval))
    }

    fn add_wait(&mut self, waited: Duration) {
        self.waited += waited;
        self.waited_in_interval += waited;
    }

    /// Checks the time and the rate after the patience has ended, and starts the next interval.
    fn end_interval(&mut self) -> Result<(), ApiError> {
        if self.waited >= BODY_TIMEOUT {
            return Err(ApiError::SlowBody(BODY_TIMEOUT));
        }
        let seconds = usize::try_from(BODY_RATE_INTERVAL.as_secs()).unwrap_or(usize::MAX);
        if self.bytes_in_interval < BODY_RATE_BYTES_MIN * seconds {
            return Err(ApiError::SlowLargeBody { bytes_per_second_min: BODY_RATE_BYTES_MIN });
        }
        (self.waited_in_interval, self.bytes_in_interval) = (Duration::ZERO, 0);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Waits until the patience ends, while this number of bytes arrives. Returns the waiting time.
    fn wait(pace: &mut Pace, reserved_bytes: usize, bytes: usize) -> Result<Duration, ApiError> {
        let patience = pace.patience(reserved_bytes);
        pace.add_wait(patience);
        pace.bytes_in_interval += bytes;
        pace.end_interval().map(|()| patience)
    }

    /// 26 clients that stopped shortly before the end of a large body held the memory of all bodies for half
    /// a minute, again and again.
    #[test]
    fn a_body_that_holds_much_memory_must_not_stall() {
        let interval_bytes = BODY_RATE_BYTES_MIN * 5;
        let mut pace = Pace::default();
        assert_eq!(
            wait(&mut pace, BODY_RATE_FREE_BYTES + 1, 10 * interval_bytes).unwrap(),
            BODY_RATE_INTERVAL
        );
        assert_eq!(wait(&mut pace, BODY_RATE_FREE_BYTES + 1, interval_bytes).unwrap(), BODY_RATE_INTERVAL);
        let stalled = wait(&mut pace, BODY_RATE_FREE_BYTES + 1, interval_bytes - 1);
        assert!(matches!(stalled, Err(ApiError::SlowLargeBody { .. })));
        assert_eq!(pace.waited, 3 * BODY_RATE_INTERVAL);
    }

    #[test]
    fn a_body_of_any_rate_has_a_time_limit() {
        let mut pace = Pace::default();
        let slow = wait(&mut pace, BODY_RATE_FREE_BYTES, 0);
        assert!(matches!(slow, Err(ApiError::SlowBody(BODY_TIMEOUT))));
        assert_eq!(pace.waited, BODY_TIMEOUT);
        let mut pace = Pace::default();
        let slow =
            std::iter::repeat_with(|| wait(&mut pace, usize::MAX, usize::MAX / 16)).find_map(Result::err);
        assert!(matches!(slow, Some(ApiError::SlowBody(_))));
        assert_eq!(pace.waited, BODY_TIMEOUT);
    }
}
