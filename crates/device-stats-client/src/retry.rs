//! When a request is made again: what is worth it, how long to wait, and when to give up. What is asked again has to be
//! safe to repeat: readings bring their times or go under a key, and what is registered is looked for where it is refused.

use std::time::{Duration, Instant};

use reqwest::StatusCode;
use tracing::warn;

use crate::error::ClientError;
use device_stats_domain::error_chain;

/// The first wait; each is twice as long as the one before.
const WAIT_FIRST: Duration = Duration::from_millis(250);
/// The longest wait, where the server does not ask for a longer one.
const WAIT_MAX: Duration = Duration::from_secs(10);
/// What a 503 says where nothing of the request has been stored.
const NOT_STORED: [&str; 2] = ["queue_full", "unavailable"];

/// How long a client goes on trying.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// While the server answers that it is busy; somebody waits for the answer.
    Short,
    /// Also while the server cannot be reached, for that long from the first failure of a request.
    Long(Duration),
}

impl Patience {
    /// How long to wait out a server that says it is busy, where somebody waits for the answer.
    const SHORT: Duration = Duration::from_secs(30);

    fn limit(self) -> Duration {
        match self {
            Self::Short => Self::SHORT,
            Self::Long(limit) => limit,
        }
    }

    /// Whether it is worth it to make a request again that failed so.
    fn allows(self, error: &ClientError) -> bool {
        let is_long = matches!(self, Self::Long(_));
        match error {
            ClientError::Refused { status, .. } => match *status {
                StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => true,
                // The last three: the request is under way, or what stands in front of the server does not reach it.
                StatusCode::INSUFFICIENT_STORAGE
                | StatusCode::CONFLICT
                | StatusCode::BAD_GATEWAY
                | StatusCode::GATEWAY_TIMEOUT => is_long,
                _ => false,
            },
            ClientError::Unreachable { .. } | ClientError::BrokenOff { .. } => is_long,
            ClientError::Setup(_)
            | ClientError::Faulty(_)
            | ClientError::NotUnderstood(_)
            | ClientError::NotAddressable(_) => false,
        }
    }
}

/// Whether what was asked may have been done, although there was no success.
pub(super) fn may_be_done(error: &ClientError) -> bool {
    match error {
        ClientError::Unreachable { source, .. } => !source.is_connect(),
        ClientError::Refused { status, code, .. } => {
            let is_told = code.as_deref().is_some_and(|code| NOT_STORED.contains(&code));
            let is_under_way = *status == StatusCode::CONFLICT;
            let may_be = status.is_server_error() && *status != StatusCode::INSUFFICIENT_STORAGE && !is_told;
            is_under_way || may_be
        }
        ClientError::BrokenOff { .. } | ClientError::NotUnderstood(_) => true,
        ClientError::Setup(_) | ClientError::Faulty(_) | ClientError::NotAddressable(_) => false,
    }
}

/// Why a request was given up, after all its attempts.
#[derive(Debug)]
pub struct GivenUp {
    /// How the last attempt ended.
    pub error: ClientError,
    /// Whether any of the attempts may have done what was asked: a later one that was refused takes nothing back.
    pub may_be_done: bool,
}

/// The waits of one request.
#[derive(Debug)]
pub struct Waits {
    patience: Patience,
    /// When it failed first.
    since: Option<Instant>,
    next: Duration,
}

impl Waits {
    /// None yet.
    pub fn new(patience: Patience) -> Self {
        Self { patience, since: None, next: WAIT_FIRST }
    }

    /// Counts from anew, since something has been achieved.
    pub fn forget(&mut self) {
        *self = Self::new(self.patience);
    }

    /// Waits before the request is made again. `false` at once where that is of no use, or there is no time left.
    pub async fn wait(&mut self, error: &ClientError) -> bool {
        let Some(wait) = self.next_wait(error, Instant::now()) else { return false };
        warn!(reason = error_chain(error), seconds = wait.as_secs_f64(), "trying again");
        tokio::time::sleep(wait).await;
        true
    }

    fn next_wait(&mut self, error: &ClientError, now: Instant) -> Option<Duration> {
        if !self.patience.allows(error) {
            return None;
        }
        let since = *self.since.get_or_insert(now);
        let left = self.patience.limit().checked_sub(now.duration_since(since))?;
        let asked = match error {
            ClientError::Refused { retry_after, .. } => retry_after.unwrap_or_default(),
            _ => Duration::ZERO,
        };
        let wait = self.next.max(asked);
        self.next = (self.next * 2).min(WAIT_MAX);
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

    const LONG: Patience = Patience::Long(Duration::from_mins(5));

    #[test]
    fn what_may_pass_is_asked_again_and_what_is_in_doubt_is_known() {
        let unavailable = StatusCode::SERVICE_UNAVAILABLE;
        for (error, long, short, in_doubt) in [
            (refused(unavailable, Some("queue_full"), None), true, true, false),
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
            assert_eq!(LONG.allows(&error), long, "{error:?}");
            assert_eq!(Patience::Short.allows(&error), short, "{error:?}");
            assert_eq!(may_be_done(&error), in_doubt, "{error:?}");
        }
    }

    #[test]
    fn waits_grow_respect_the_server_and_end() {
        let begin = Instant::now();
        let at = |seconds| begin + Duration::from_secs(seconds);
        let busy = |retry_after| refused(StatusCode::SERVICE_UNAVAILABLE, None, retry_after);
        let mut waits = Waits::new(LONG);
        let mut next = |seconds, retry_after: Option<u64>| {
            waits.next_wait(&busy(retry_after), at(seconds)).map(|wait| wait.as_secs_f64())
        };
        assert_eq!(next(0, None), Some(0.25));
        assert_eq!(next(1, Some(30)), Some(30.0));
        assert_eq!(next(2, Some(0)), Some(1.0));
        for expected in [2.0, 4.0, 8.0, 10.0, 10.0] {
            assert_eq!(next(3, None), Some(expected));
        }
        assert_eq!(next(290, None), Some(10.0));
        assert_eq!(next(291, None), None);
        assert_eq!(next(301, None), None);
        let mut none = Waits::new(Patience::Long(Duration::ZERO));
        assert_eq!(none.next_wait(&busy(None), begin), None);
    }
}
