//! Retries: which errors are temporary, how long to wait, and when to give up. Every retried request is
//! idempotent: readings have times or an idempotency key, and a refused registration is looked up.

use std::time::{Duration, Instant};

use device_stats_domain::error_chain;
use fastrand::Rng;
use reqwest::StatusCode;
use tracing::warn;

use crate::error::ClientError;

/// Backoff before the first retry. Each further backoff is twice as long.
const BACKOFF_FIRST: Duration = Duration::from_millis(250);
/// Maximum backoff. A longer `Retry-After` takes precedence.
const BACKOFF_MAX: Duration = Duration::from_secs(10);
/// Time limit of [`RetryPolicy::Overload`].
const OVERLOAD_TIMEOUT: Duration = Duration::from_secs(30);
/// Codes of a 503 whose request was not executed.
const NOT_EXECUTED: [&str; 4] = ["overloaded", "queue_full", "too_many_open_requests", "unavailable"];

/// The errors that a client retries, and the time limit of the retries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryPolicy {
    /// Retries for up to 30 s while the server is overloaded. For commands whose answer a person waits for.
    Overload,
    /// Also retries while the server is unreachable, for up to this time after the first failure of a
    /// request.
    Outage(Duration),
}

impl RetryPolicy {
    fn timeout(self) -> Duration {
        match self {
            Self::Overload => OVERLOAD_TIMEOUT,
            Self::Outage(timeout) => timeout,
        }
    }

    fn allows(self, error: &ClientError) -> bool {
        let retries_outages = matches!(self, Self::Outage(_));
        match error {
            ClientError::Refused { status, .. } => match *status {
                StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => true,
                // 409: an earlier attempt is still being executed. 502, 504: a gateway cannot reach the
                // server.
                StatusCode::INSUFFICIENT_STORAGE
                | StatusCode::CONFLICT
                | StatusCode::BAD_GATEWAY
                | StatusCode::GATEWAY_TIMEOUT => retries_outages,
                _ => false,
            },
            ClientError::Unreachable { .. } | ClientError::Interrupted { .. } => retries_outages,
            ClientError::Setup
            | ClientError::Faulty(_)
            | ClientError::UnexpectedResponse
            | ClientError::NotAddressable(_) => false,
        }
    }
}

/// Whether the server may have executed a request that failed with this error.
pub(crate) fn is_outcome_unknown(error: &ClientError) -> bool {
    match error {
        ClientError::Unreachable { source, .. } => source.may_follow_request(),
        ClientError::Refused { status, code, .. } => match *status {
            StatusCode::CONFLICT => true,
            StatusCode::INSUFFICIENT_STORAGE => false,
            status => {
                let is_executed = code.as_deref().is_none_or(|code| !NOT_EXECUTED.contains(&code));
                status.is_server_error() && is_executed
            }
        },
        ClientError::Interrupted { .. } | ClientError::UnexpectedResponse => true,
        ClientError::Setup | ClientError::Faulty(_) | ClientError::NotAddressable(_) => false,
    }
}

/// The failure of a request after all its attempts.
#[derive(Debug)]
pub struct RequestFailure {
    /// Error of the last attempt.
    pub error: ClientError,
    /// Whether the server may have executed any of the attempts. A later refusal does not undo an earlier
    /// attempt.
    pub is_outcome_unknown: bool,
}

/// Exponential backoff with jitter, for the retries of one request.
#[derive(Debug)]
pub struct Backoff {
    policy: RetryPolicy,
    first_failure: Option<Instant>,
    next: Duration,
    random: Rng,
}

impl Backoff {
    /// Returns a backoff whose time limit starts with the first failure.
    pub fn new(policy: RetryPolicy) -> Self {
        Self { policy, first_failure: None, next: BACKOFF_FIRST, random: Rng::new() }
    }

    /// Resets the backoff and its time limit after progress: the next failure counts as the first one.
    pub fn reset(&mut self) {
        *self = Self::new(self.policy);
    }

    /// Waits before a retry. Returns `false` at once if the error is permanent or the time limit would be
    /// exceeded.
    pub async fn wait(&mut self, error: &ClientError) -> bool {
        let Some(wait) = self.next_wait(error, Instant::now()) else { return false };
        warn!(reason = error_chain(error), seconds = wait.as_secs_f64(), "request failed, trying again");
        tokio::time::sleep(wait).await;
        true
    }

    /// Returns the time to wait, or `None` if the error is permanent or the time limit would be exceeded. The
    /// time is random, between half of the backoff and the whole, so that clients do not all retry at once.
    fn next_wait(&mut self, error: &ClientError, now: Instant) -> Option<Duration> {
        if !self.policy.allows(error) {
            return None;
        }
        let first_failure = *self.first_failure.get_or_insert(now);
        let left = self.policy.timeout().checked_sub(now.duration_since(first_failure))?;
        let retry_after = match error {
            ClientError::Refused { retry_after, .. } => retry_after.unwrap_or_default(),
            _ => Duration::ZERO,
        };
        let half = self.next / 2;
        let wait = (half + half.mul_f64(self.random.f64())).max(retry_after);
        self.next = (self.next * 2).min(BACKOFF_MAX);
        (wait <= left).then_some(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: StatusCode, code: Option<&str>, retry_after: Option<u64>) -> ClientError {
        ClientError::Refused {
            status,
            code: code.map(str::to_owned),
            detail: String::new(),
            retry_after: retry_after.map(Duration::from_secs),
        }
    }

    fn overloaded(retry_after: Option<u64>) -> ClientError {
        refused(StatusCode::SERVICE_UNAVAILABLE, None, retry_after)
    }

    const FIVE_MINUTES: RetryPolicy = RetryPolicy::Outage(Duration::from_mins(5));

    #[test]
    fn temporary_errors_are_retried_and_unknown_outcomes_are_recognized() {
        let unavailable = StatusCode::SERVICE_UNAVAILABLE;
        for (error, in_outage, in_overload, is_unknown) in [
            (refused(unavailable, Some("overloaded"), None), true, true, false),
            (refused(unavailable, Some("queue_full"), None), true, true, false),
            (refused(unavailable, Some("too_many_open_requests"), None), true, true, false),
            (refused(unavailable, Some("unavailable"), None), true, true, false),
            (refused(unavailable, Some("outcome_unknown"), None), true, true, true),
            (refused(unavailable, None, None), true, true, true),
            (refused(StatusCode::TOO_MANY_REQUESTS, None, None), true, true, false),
            (refused(StatusCode::INSUFFICIENT_STORAGE, Some("out_of_space"), None), true, false, false),
            (refused(StatusCode::CONFLICT, Some("request_under_way"), None), true, false, true),
            (refused(StatusCode::BAD_GATEWAY, None, None), true, false, true),
            (refused(StatusCode::PAYLOAD_TOO_LARGE, None, None), false, false, false),
            (refused(StatusCode::INTERNAL_SERVER_ERROR, None, None), false, false, true),
            (ClientError::Faulty(Vec::new()), false, false, false),
        ] {
            assert_eq!(FIVE_MINUTES.allows(&error), in_outage, "{error:?}");
            assert_eq!(RetryPolicy::Overload.allows(&error), in_overload, "{error:?}");
            assert_eq!(is_outcome_unknown(&error), is_unknown, "{error:?}");
        }
    }

    #[test]
    fn each_wait_lies_between_half_of_the_backoff_and_the_whole() {
        let begin = Instant::now();
        for seed in 0..1_000 {
            let mut backoff = Backoff { random: Rng::with_seed(seed), ..Backoff::new(FIVE_MINUTES) };
            for full in [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0] {
                let wait = backoff.next_wait(&overloaded(None), begin).unwrap().as_secs_f64();
                assert!((full / 2.0..=full).contains(&wait), "seed {seed}: {wait} of {full}");
            }
            backoff.reset();
            assert!(backoff.next_wait(&overloaded(None), begin).unwrap() <= BACKOFF_FIRST);
        }
    }

    #[test]
    fn waits_differ_between_clients() {
        let begin = Instant::now();
        let wait = |seed| {
            let mut backoff = Backoff { random: Rng::with_seed(seed), ..Backoff::new(FIVE_MINUTES) };
            backoff.next_wait(&overloaded(None), begin)
        };
        let mut waits: Vec<_> = (0..100).map(wait).collect();
        waits.sort_unstable();
        waits.dedup();
        assert!(waits.len() > 90, "{} different waits of 100", waits.len());
    }

    #[test]
    fn a_longer_retry_after_takes_precedence() {
        let begin = Instant::now();
        let mut backoff = Backoff::new(FIVE_MINUTES);
        assert_eq!(backoff.next_wait(&overloaded(Some(30)), begin), Some(Duration::from_secs(30)));
        let wait = backoff.next_wait(&overloaded(Some(0)), begin).unwrap();
        assert!((Duration::from_millis(250)..=Duration::from_millis(500)).contains(&wait), "{wait:?}");
    }

    /// A server that limits the readings of an import says when the same batch would pass.
    #[test]
    fn a_rate_of_the_server_is_obeyed() {
        let begin = Instant::now();
        let refused =
            |seconds| refused(StatusCode::TOO_MANY_REQUESTS, Some("too_many_readings"), Some(seconds));
        for policy in [FIVE_MINUTES, RetryPolicy::Overload] {
            let mut backoff = Backoff::new(policy);
            for seconds in [20, 11, 20] {
                assert_eq!(backoff.next_wait(&refused(seconds), begin), Some(Duration::from_secs(seconds)));
            }
            assert!(!is_outcome_unknown(&refused(1)), "nothing was stored");
        }
    }

    #[test]
    fn no_wait_exceeds_the_time_limit() {
        let begin = Instant::now();
        for seed in 0..1_000 {
            let mut backoff = Backoff { random: Rng::with_seed(seed), ..Backoff::new(FIVE_MINUTES) };
            let mut next =
                |seconds| backoff.next_wait(&overloaded(None), begin + Duration::from_secs(seconds));
            for _ in 0..10 {
                assert!(next(0).is_some());
            }
            // The backoff is ten seconds, so the wait is between five and ten. After 290 s, any wait fits
            // into the rest of the time limit. After 291 to 295 s, only a short wait fits, and later none.
            assert!(next(290).is_some());
            for elapsed in 291..=295 {
                assert!(next(elapsed).is_none_or(|wait| wait <= Duration::from_secs(300 - elapsed)));
            }
            assert_eq!(next(296), None);
            assert_eq!(next(301), None);
        }
        let mut none = Backoff::new(RetryPolicy::Outage(Duration::ZERO));
        assert_eq!(none.next_wait(&overloaded(None), begin), None);
    }
}
