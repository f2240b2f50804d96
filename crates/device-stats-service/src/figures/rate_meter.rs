//! The rate of frequent events over the last seconds, counted with one atomic operation for each call.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::limits::FIGURES_RATE_SECONDS;

/// Number of seconds that are counted: those of the rate, the current one, and one that a late caller may
/// still write.
const SECONDS: usize = FIGURES_RATE_SECONDS + 2;

/// Counts events by the second. A slot holds the number of its second, in the upper 32 bits, and the events
/// of this second, in the lower ones.
#[derive(Debug)]
pub(crate) struct RateMeter {
    started: Instant,
    slots: [AtomicU64; SECONDS],
}

impl Default for RateMeter {
    fn default() -> Self {
        Self { started: Instant::now(), slots: Default::default() }
    }
}

impl RateMeter {
    /// Counts events that have just happened.
    pub(crate) fn add(&self, events: u64) {
        if events > 0 {
            self.add_at(self.started.elapsed(), events);
        }
    }

    /// Returns the number of events per second, over the last [`FIGURES_RATE_SECONDS`], or since the start.
    /// The current second does not count, unless it is the first one.
    pub(crate) fn per_second(&self) -> f64 {
        self.per_second_at(self.started.elapsed())
    }

    fn add_at(&self, elapsed: Duration, events: u64) {
        let (second, slot) = self.slot(elapsed.as_secs());
        let Some(slot) = slot else { return };
        let mut found = slot.load(Ordering::Relaxed);
        loop {
            // A call of an earlier second, which was held up, is not counted.
            if second < found >> 32 {
                return;
            }
            let before = if found >> 32 == second { found & LOW } else { 0 };
            let after = second << 32 | before.saturating_add(events).min(LOW);
            match slot.compare_exchange_weak(found, after, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return,
                Err(other) => found = other,
            }
        }
    }

    fn per_second_at(&self, elapsed: Duration) -> f64 {
        let current = elapsed.as_secs();
        if current == 0 {
            return number(self.events_of(0));
        }
        let seconds = (FIGURES_RATE_SECONDS as u64).min(current);
        let events: u64 = (current - seconds..current).map(|second| self.events_of(second)).sum();
        number(events) / number(seconds)
    }

    fn events_of(&self, second: u64) -> u64 {
        let (second, slot) = self.slot(second);
        let found = slot.map_or(0, |slot| slot.load(Ordering::Relaxed));
        if found >> 32 == second { found & LOW } else { 0 }
    }

    /// Returns the number of a second, from 1 and in 32 bits, and its slot.
    fn slot(&self, second: u64) -> (u64, Option<&AtomicU64>) {
        let number = (second + 1) & LOW;
        let index = usize::try_from(number % SECONDS as u64).unwrap_or_default();
        (number, self.slots.get(index))
    }
}

/// The lower 32 bits.
const LOW: u64 = 0xFFFF_FFFF;

#[expect(clippy::cast_precision_loss, reason = "the last digits of a rate do not matter")]
fn number(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// The rate equals a plain count of the events of the last full seconds.
        #[test]
        fn the_rate_is_that_of_the_last_seconds(
            steps in prop::collection::vec((0..40_000_u64, 1..1_000_u64), 1..60),
            rest in 0..15_000_u64,
        ) {
            let meter = RateMeter::default();
            let (mut time_ms, mut events) = (0, Vec::new());
            for (pause_ms, count) in steps {
                time_ms += pause_ms;
                meter.add_at(Duration::from_millis(time_ms), count);
                events.push((time_ms / 1_000, count));
            }
            time_ms += rest;
            let current = time_ms / 1_000;
            let seconds = (FIGURES_RATE_SECONDS as u64).min(current);
            let counted = match current {
                0 => 0..1,
                _ => current - seconds..current,
            };
            let sum: u64 = events.iter().filter(|(second, _)| counted.contains(second)).map(|(_, n)| n).sum();
            let expected = number(sum) / number(seconds.max(1));
            let found = meter.per_second_at(Duration::from_millis(time_ms));
            prop_assert!((found - expected).abs() < 1e-9, "{found} {expected}");
        }
    }

    #[test]
    fn events_of_many_threads_are_all_counted() {
        let meter = RateMeter::default();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..10_000).for_each(|_| meter.add_at(Duration::from_millis(2_500), 1)));
            }
        });
        let expected = 40_000.0 / 3.0;
        assert!((meter.per_second_at(Duration::from_secs(3)) - expected).abs() < 1e-9);
    }

    #[test]
    fn a_call_of_an_earlier_second_is_not_added_to_a_later_one() {
        let meter = RateMeter::default();
        let reused = SECONDS as u64;
        meter.add_at(Duration::from_secs(reused), 5);
        meter.add_at(Duration::ZERO, 7);
        assert!((meter.per_second_at(Duration::from_secs(reused + 1)) * 10.0 - 5.0).abs() < 1e-9);
    }
}
