//! The span of time of the readings of a snapshot, and the span of most of them.

use device_stats_domain::{Timestamp, Window};
use device_stats_segment::analysis::{Part, cut};

use super::snapshot::OpenSnapshot;
use crate::segments::reader::{OpenSegments, ReadError};

/// Distance of Tukey's outer fences from the quartiles, in interquartile ranges.
const FENCE_DISTANCE: i128 = 3;

/// Maximum number of parts of segments that are searched for outliers.
const SEARCHED_PARTS_MAX: usize = 256;

/// The times of the first and the last reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadingSpan {
    /// Time of the first reading.
    pub first: Timestamp,
    /// Time of the last reading.
    pub last: Timestamp,
    /// Times of the first and the last reading that are not outliers. An outlier is more than three
    /// interquartile ranges before the first quartile or after the third one. Fewer than four readings have
    /// no outliers.
    pub most: (Timestamp, Timestamp),
}

/// The times of all readings of a snapshot inside its window, in ascending order.
pub(super) struct RankedTimes<'s> {
    parts: Vec<Part>,
    segments: &'s OpenSegments,
    /// Times of the hot readings, ascending.
    hot: Vec<i64>,
}

impl<'s> RankedTimes<'s> {
    pub(super) fn new(snapshot: &'s OpenSnapshot) -> Result<Self, ReadError> {
        let mut hot: Vec<i64> = snapshot.hot().iter().map(|row| row.time_us).collect();
        hot.sort_unstable();
        Ok(Self { parts: snapshot.segments.cut_window(snapshot.window)?, segments: &snapshot.segments, hot })
    }

    /// Returns the span of the readings; `None` if there is none.
    pub(super) fn span(&self) -> Result<Option<ReadingSpan>, ReadError> {
        let count = self.count();
        let Some(last_rank) = count.checked_sub(1) else { return Ok(None) };
        let timestamp = |time_us| {
            Timestamp::from_micros(time_us)
                .map_err(|_| ReadError::broken("the time of a stored reading is out of range"))
        };
        if self.parts.len() > SEARCHED_PARTS_MAX {
            // The search would read too many pages for an error message.
            let (first, last) = (timestamp(self.time(0)?)?, timestamp(self.time(last_rank)?)?);
            return Ok(Some(ReadingSpan { first, last, most: (first, last) }));
        }
        let quartiles = if count < 4 { (0, last_rank) } else { (count / 4, 3 * last_rank / 4) };
        let (lower, upper) = (self.time(quartiles.0)?, self.time(quartiles.1)?);
        let reach = FENCE_DISTANCE * i128::from(upper.abs_diff(lower));
        let fence = |at: i128| i64::try_from(at.clamp(i64::MIN.into(), i64::MAX.into())).unwrap_or(i64::MAX);
        let below = self.count_before(fence(i128::from(lower) - reach))?;
        let until = self.count_before(fence(i128::from(upper) + reach + 1))?;
        Ok(Some(ReadingSpan {
            first: timestamp(self.time(0)?)?,
            last: timestamp(self.time(last_rank)?)?,
            most: (timestamp(self.time(below)?)?, timestamp(self.time(until.saturating_sub(1))?)?),
        }))
    }

    /// Returns the number of readings.
    fn count(&self) -> u64 {
        count_rows(&self.parts) + self.hot.len() as u64
    }

    /// Returns the number of readings before a time.
    fn count_before(&self, time_us: i64) -> Result<u64, ReadError> {
        let sealed = cut(&self.parts, &[i64::MIN, time_us], self.segments)?.into_parts();
        Ok(count_rows(&sealed) + self.hot.partition_point(|hot_us| *hot_us < time_us) as u64)
    }

    /// Returns the time of the reading with a rank, from 0; the rank is less than the number of readings.
    fn time(&self, rank: u64) -> Result<i64, ReadError> {
        let Window { mut from_us, mut until_us } =
            Window { from_us: Timestamp::MIN.micros(), until_us: Timestamp::MAX.micros() };
        while from_us < until_us {
            // Rounded down. `i64::midpoint` rounds towards zero, so before 1970 it can return `until_us`.
            let middle_us = from_us + (until_us - from_us) / 2;
            if self.count_before(middle_us + 1)? > rank {
                until_us = middle_us;
            } else {
                from_us = middle_us + 1;
            }
        }
        Ok(from_us)
    }
}

fn count_rows(parts: &[Part]) -> u64 {
    parts.iter().map(|part| part.rows.len() as u64).sum()
}
