//! The clock for server-timed readings. It follows the system clock and never runs backwards.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use device_stats_domain::Timestamp;

/// A wall clock. If the system clock is set back, this clock follows the monotonic clock until the system
/// clock has caught up.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    last: Mutex<Option<ClockReading>>,
}

/// The times of the monotonic clock and the system clock at one moment.
#[derive(Clone, Copy, Debug)]
struct ClockReading {
    moment: Instant,
    since_1970: Duration,
}

impl Clock {
    /// Returns the current time. A system time before 1970 counts as the start of 1970, and a system time
    /// after the year 9999 as the end of 9999.
    pub(crate) fn now(&self) -> Timestamp {
        self.advance(|| {
            // The system clock is read first. In the other order, a pause between the two calls would set
            // this clock ahead for ever.
            let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            ClockReading { moment: Instant::now(), since_1970 }
        })
    }

    /// Returns the current time. Calls `read_clocks` under the lock.
    fn advance(&self, read_clocks: impl FnOnce() -> ClockReading) -> Timestamp {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let ClockReading { moment, since_1970 } = read_clocks();
        let at_least = last
            .map_or(Duration::ZERO, |last| last.since_1970 + moment.saturating_duration_since(last.moment));
        let since_1970 = since_1970.max(at_least);
        *last = Some(ClockReading { moment, since_1970 });
        Timestamp::from_duration(since_1970)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_never_runs_backwards() {
        let (clock, start) = (Clock::default(), Instant::now());
        let advance = |elapsed: u64, system: u64| {
            let read = ClockReading {
                moment: start + Duration::from_secs(elapsed),
                since_1970: Duration::from_secs(system),
            };
            clock.advance(|| read).micros() / 1_000_000
        };
        assert_eq!([advance(0, 1_000), advance(5, 1_005)], [1_000, 1_005]);
        // The system clock is set back by a minute, then forward by two, then to the right time.
        assert_eq!([advance(6, 946), advance(16, 956)], [1_006, 1_016]);
        assert_eq!([advance(17, 1_077), advance(18, 1_018), advance(78, 1_138)], [1_077, 1_078, 1_138]);
        // The times of two threads arrive in reverse order.
        assert_eq!([advance(80, 1_140), advance(79, 1_139)], [1_140, 1_140]);
    }
}
