//! The clock for server-timed readings. It follows the system clock, but not at once if that is set.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use device_stats_domain::Timestamp;

use crate::limits::{CLOCK_STEP_HELD, CLOCK_STEP_MAX};

/// A wall clock that compares the system clock with the monotonic clock.
///
/// - If the system clock steps by more than [`CLOCK_STEP_MAX`], forward or back, this clock first continues
///   without the step. If the step is corrected within [`CLOCK_STEP_HELD`], no reading gets the wrong time.
///   After [`CLOCK_STEP_HELD`], this clock steps, too.
/// - If the system clock is behind by less, this clock runs at half speed until the system clock has caught
///   up. So it runs backwards only in a large step.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    state: Mutex<Option<ClockState>>,
}

/// The times of the monotonic clock and the system clock at one moment.
#[derive(Clone, Copy, Debug)]
struct ClockReading {
    moment: Instant,
    /// Microseconds since 1970 UTC.
    system_us: i64,
}

#[derive(Debug)]
struct ClockState {
    /// The moment of the last call.
    moment: Instant,
    /// The time at that moment, in microseconds since 1970 UTC.
    time_us: i64,
    /// The step of the system clock that this clock does not follow yet.
    step: Option<Step>,
    /// Number of steps of the system clock.
    steps: u64,
}

/// A step of the system clock.
#[derive(Clone, Copy, Debug)]
struct Step {
    seen_at: Instant,
    /// Difference between the system clock and this clock, in microseconds.
    ahead_us: i64,
}

impl Clock {
    /// Returns the current time. A system time before 1970 counts as the start of 1970, and a system time
    /// after the year 9999 as the end of 9999.
    pub(crate) fn now(&self) -> Timestamp {
        self.advance(|| {
            // The system clock is read first. In the other order, a pause between the two calls would look
            // like a step forward.
            let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let system_us = Timestamp::from_duration(since_1970).micros();
            ClockReading { moment: Instant::now(), system_us }
        })
    }

    /// Returns the current time. Calls `read_clocks` under the lock.
    fn advance(&self, read_clocks: impl FnOnce() -> ClockReading) -> Timestamp {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let ClockReading { moment, system_us } = read_clocks();
        let state = state.get_or_insert(ClockState { moment, time_us: system_us, step: None, steps: 0 });
        state.advance(moment, system_us);
        Timestamp::from_duration(Duration::from_micros(state.time_us.unsigned_abs()))
    }
}

impl ClockState {
    fn advance(&mut self, moment: Instant, system_us: i64) {
        let elapsed_us = micros(moment.saturating_duration_since(self.moment));
        let expected_us = self.time_us + elapsed_us;
        let ahead_us = system_us - expected_us;
        self.moment = self.moment.max(moment);
        self.time_us = if ahead_us.abs() <= micros(CLOCK_STEP_MAX) {
            self.step = None;
            system_us.max(self.time_us + elapsed_us / 2)
        } else if self.has_lasted(moment, ahead_us) {
            tracing::warn!(step_s = ahead_us / 1_000_000, "following the step of the system clock");
            self.step = None;
            system_us
        } else {
            expected_us
        };
    }

    /// Returns whether the system clock has been ahead by this time for long enough.
    fn has_lasted(&mut self, moment: Instant, ahead_us: i64) -> bool {
        let is_known =
            |step: &Step| ahead_us.abs_diff(step.ahead_us) <= micros(CLOCK_STEP_MAX).unsigned_abs();
        if let Some(step) = self.step.filter(is_known) {
            return moment.saturating_duration_since(step.seen_at) >= CLOCK_STEP_HELD;
        }
        self.step = Some(Step { seen_at: moment, ahead_us });
        self.steps += 1;
        tracing::warn!(
            step_s = ahead_us / 1_000_000,
            steps = self.steps,
            held_s = CLOCK_STEP_HELD.as_secs(),
            "the system clock was set, not following it for now"
        );
        false
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    /// A system clock and a monotonic clock, in seconds.
    struct Clocks {
        clock: Clock,
        start: Instant,
        elapsed: i64,
        system: i64,
    }

    impl Clocks {
        fn new() -> Self {
            let clocks =
                Self { clock: Clock::default(), start: Instant::now(), elapsed: 0, system: 1_000_000 };
            assert_eq!(clocks.now(), 1_000_000);
            clocks
        }

        fn now(&self) -> i64 {
            let moment = self.start + Duration::from_secs(self.elapsed.unsigned_abs());
            let read = ClockReading { moment, system_us: self.system * 1_000_000 };
            self.clock.advance(|| read).micros() / 1_000_000
        }

        /// Lets both clocks run for a number of seconds.
        fn after(&mut self, seconds: i64) -> i64 {
            self.elapsed += seconds;
            self.system += seconds;
            self.now()
        }

        fn steps(&self) -> u64 {
            self.clock.state.lock().unwrap().as_ref().unwrap().steps
        }
    }

    #[test]
    fn the_clock_never_runs_backwards_in_small_steps() {
        let mut clocks = Clocks::new();
        assert_eq!(clocks.after(5), 1_000_005);
        clocks.system -= 30;
        assert_eq!([clocks.now(), clocks.after(10)], [1_000_005, 1_000_010]);
        assert_eq!([clocks.after(40), clocks.after(10), clocks.after(5)], [1_000_030, 1_000_035, 1_000_040]);
        clocks.system += 60;
        assert_eq!([clocks.now(), clocks.after(1)], [1_000_100, 1_000_101]);
        // The times of two threads arrive in reverse order.
        assert_eq!(clocks.after(-1), 1_000_101);
        assert_eq!(clocks.steps(), 0);
    }

    /// Readings got the times of a clock that was set ahead by mistake. When the clock was corrected, the
    /// service still gave times in the future until it was restarted.
    #[test]
    fn a_wrong_time_that_is_corrected_soon_is_never_used() {
        for step in [3_600, 61, -61, -3_600, -999_999] {
            let mut clocks = Clocks::new();
            clocks.system += step;
            assert_eq!([clocks.now(), clocks.after(1), clocks.after(250)], [1_000_000, 1_000_001, 1_000_251]);
            assert_eq!(clocks.steps(), 1);
            clocks.system -= step;
            assert_eq!([clocks.now(), clocks.after(1_000)], [1_000_251, 1_001_251]);
            // The next step is a new one.
            clocks.system += step;
            assert_eq!([clocks.now(), clocks.after(299)], [1_001_251, 1_001_550]);
            assert_eq!(clocks.steps(), 2);
        }
    }

    #[test]
    fn a_step_that_lasts_is_followed() {
        for step in [86_400_i64, -86_400] {
            let mut clocks = Clocks::new();
            clocks.system += step;
            assert_eq!(clocks.after(1), 1_000_001);
            assert_eq!(clocks.after(299), 1_000_300);
            // Another step begins the wait again.
            clocks.system += step;
            assert_eq!(clocks.after(10), 1_000_310);
            assert_eq!(clocks.after(299), 1_000_609);
            let expected = 1_000_610 + 2 * step;
            assert_eq!(clocks.after(1), expected);
            assert_eq!((clocks.after(1), clocks.steps()), (expected + 1, 2));
        }
    }

    proptest! {
        #[test]
        fn large_errors_that_do_not_last_change_nothing(
            errors in vec((1..1_000_i64, prop_oneof![-900_000..-60_i64, 61..900_000_i64], 0..300_i64), 0..20),
        ) {
            let mut clocks = Clocks::new();
            for (right, error, wrong) in errors {
                for (error, seconds) in [(0, right), (error, wrong)] {
                    clocks.system = 1_000_000 + clocks.elapsed + error;
                    clocks.now();
                    let truth = 1_000_000 + clocks.elapsed + seconds;
                    prop_assert_eq!(clocks.after(seconds), truth);
                }
            }
        }
    }
}
