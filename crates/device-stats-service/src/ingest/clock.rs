//! The clock that gives a time to readings that bring none: that of the machine, but it never runs backwards.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use device_stats_domain::Timestamp;

/// A clock. Where that of the machine is set back, this one goes on from where it was, until it is caught up with.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    last: Mutex<Option<Said>>,
}

/// What the clock said at a moment.
#[derive(Clone, Copy, Debug)]
struct Said {
    moment: Instant,
    since_1970: Duration,
}

impl Clock {
    /// The time now. A machine whose clock stands before 1970 counts as in 1970, one beyond the year 9999 as at its end.
    pub(crate) fn now(&self) -> Timestamp {
        self.ask(|| {
            // In this order: the other way round, a pause in between would put this clock ahead for good.
            let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            Said { moment: Instant::now(), since_1970 }
        })
    }

    fn ask(&self, machine: impl FnOnce() -> Said) -> Timestamp {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let Said { moment, since_1970 } = machine();
        let at_least = last
            .map_or(Duration::ZERO, |last| last.since_1970 + moment.saturating_duration_since(last.moment));
        let since_1970 = since_1970.max(at_least);
        *last = Some(Said { moment, since_1970 });
        i64::try_from(since_1970.as_micros())
            .ok()
            .and_then(|micros| Timestamp::from_micros(micros).ok())
            .unwrap_or(Timestamp::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_never_runs_backwards() {
        let (clock, start) = (Clock::default(), Instant::now());
        let ask = |elapsed: u64, machine: u64| {
            let said = Said {
                moment: start + Duration::from_secs(elapsed),
                since_1970: Duration::from_secs(machine),
            };
            clock.ask(|| said).micros() / 1_000_000
        };
        assert_eq!([ask(0, 1_000), ask(5, 1_005)], [1_000, 1_005]);
        // Set back by a minute, then forward by two, then back to what is right.
        assert_eq!([ask(6, 946), ask(16, 956)], [1_006, 1_016]);
        assert_eq!([ask(17, 1_077), ask(18, 1_018), ask(78, 1_138)], [1_077, 1_078, 1_138]);
        // Asked by two threads, whose moments arrive the other way round.
        assert_eq!([ask(80, 1_140), ask(79, 1_139)], [1_140, 1_140]);
    }
}
