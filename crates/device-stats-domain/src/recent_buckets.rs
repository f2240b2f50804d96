//! Buckets of equal length up to the present, for the activity of a device.

use std::time::Duration;

use crate::interval::{Interval, Step};
use crate::limits::{ACTIVITY_POINTS_MAX, ACTIVITY_SPAN_MAX};
use crate::time::Timestamp;

const DAY_US: i64 = 86_400_000_000;

/// Buckets of equal length, of which the last one contains the present. Their bounds are multiples of the
/// length since 1970 UTC, so a bucket stays the same while time passes, until it is too old.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecentBuckets {
    length_us: i64,
    count: u32,
}

/// The rule that a span breaks as a span of recent buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSpan {
    /// It consists of months or years, which have no fixed length.
    #[error("has months or years, which have no fixed length")]
    Months,
    /// It is longer than [`ACTIVITY_SPAN_MAX`].
    #[error("is longer than P31D")]
    TooLong,
}

/// A span of time of a fixed length, up to [`ACTIVITY_SPAN_MAX`]. A day has 24 hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecentSpan {
    micros: i64,
}

impl RecentSpan {
    /// An hour.
    pub const HOUR: Self = Self { micros: DAY_US / 24 };

    /// Makes a span from an interval.
    ///
    /// # Errors
    /// [`InvalidSpan`] names the broken rule.
    pub fn new(interval: Interval) -> Result<Self, InvalidSpan> {
        let micros = match interval.0 {
            Step::Months(_) => return Err(InvalidSpan::Months),
            Step::Days(days) => days.saturating_mul(DAY_US),
            Step::Micros(micros) => micros,
        };
        if Duration::from_micros(micros.unsigned_abs()) > ACTIVITY_SPAN_MAX {
            return Err(InvalidSpan::TooLong);
        }
        Ok(Self { micros })
    }
}

impl RecentBuckets {
    /// Divides a span into a number of buckets, from 1 to [`ACTIVITY_POINTS_MAX`]. Their length is rounded up
    /// to the microsecond.
    pub fn new(span: RecentSpan, count: u32) -> Self {
        let count = count.clamp(1, ACTIVITY_POINTS_MAX);
        // A span is positive.
        let length = span.micros.unsigned_abs().div_ceil(count.into()).max(1);
        Self { length_us: length.cast_signed(), count }
    }

    /// Returns the length of a bucket, in microseconds; 1 and up.
    pub fn length_us(self) -> i64 {
        self.length_us
    }

    /// Returns the start of each bucket and the end of the last one, in microseconds since 1970 UTC. The last
    /// bucket contains `now`.
    pub fn bounds(self, now: Timestamp) -> Vec<i64> {
        let last = now.micros().div_euclid(self.length_us);
        let first = last - i64::from(self.count) + 1;
        (first..=last + 1).map(|index| index.saturating_mul(self.length_us)).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn span(text: &str) -> Result<RecentSpan, InvalidSpan> {
        RecentSpan::new(Interval::parse(text).unwrap())
    }

    #[test]
    fn a_span_has_a_fixed_length_of_at_most_31_days() {
        assert_eq!(span("PT1H"), Ok(RecentSpan::HOUR));
        assert_eq!(span("P1D"), span("PT24H"));
        assert_eq!(span("P31D"), span("PT744H"));
        for text in ["P1M", "P1Y", "P12M"] {
            assert_eq!(span(text), Err(InvalidSpan::Months), "{text}");
        }
        for text in ["P32D", "P5W", "PT744.000001H", "P9000Y5M"] {
            let refused = span(text);
            assert!(refused.is_err(), "{text} {refused:?}");
        }
    }

    proptest! {
        #[test]
        fn buckets_cover_the_span_and_stay_the_same(
            micros in 1..=31 * DAY_US,
            count in 1..=ACTIVITY_POINTS_MAX,
            now in 0..4_000_000_000_000_000_i64,
            later in 0..1_000_000_000_i64,
        ) {
            let buckets = RecentBuckets::new(RecentSpan { micros }, count);
            let bounds = buckets.bounds(Timestamp::from_micros(now).unwrap());
            prop_assert_eq!(bounds.len(), count as usize + 1);
            let (first, last) = (bounds[0], bounds[count as usize]);
            prop_assert!(bounds[count as usize - 1] <= now && now < last);
            prop_assert!(bounds.windows(2).all(|pair| pair[1] - pair[0] == buckets.length_us()));
            // All buckets together are as long as the span, so they cover all of it except a bucket.
            prop_assert!(last - first >= micros && last - first < micros + i64::from(count));
            let again = buckets.bounds(Timestamp::from_micros(now + later).unwrap());
            let shared = again.iter().filter(|bound| **bound <= last);
            prop_assert!(shared.clone().all(|bound| bounds.contains(bound)), "{:?} {:?}", bounds, again);
        }
    }
}
