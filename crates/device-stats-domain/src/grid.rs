//! Division of time into buckets. An interval and a time zone alone determine every boundary; the window has
//! no influence. Therefore a time is in the same bucket in every response.
//!
//! - Buckets of months and years begin at the start of the first day of a month in the zone, counted from
//!   January 2000.
//! - Buckets of days and weeks begin at the start of a day in the zone, counted from Monday, 3 January 2000.
//!   A day may have 23 or 25 hours. A day that the zone skipped has no bucket.
//! - Buckets of hours, minutes and seconds are exact spans, counted from the start of that Monday in the
//!   zone.
//!
//! `TimescaleDB` has the same origins.

#[cfg(test)]
mod tests;

use std::ops::RangeInclusive;

use jiff::Timestamp as Instant;
use jiff::civil::{Date, Time};
use jiff::tz::Offset;

use crate::interval::{Interval, Step};
use crate::limits::SERIES_BUCKETS_MAX;
use crate::time::Timestamp;
use crate::window::Window;
use crate::zone::Zone;

const SECONDS_PER_DAY: i64 = 86_400;
/// 3 January 2000, a Monday, in days since 1970.
const ORIGIN_DAY: i64 = 10_959;
/// January 2000, in months since the year 0.
const ORIGIN_MONTH: i64 = 24_000;
/// Margin around the times of readings, in microseconds. The time of a request may be up to a day before the
/// first or after the last possible reading.
const MARGIN_US: i64 = 2 * SECONDS_PER_DAY * 1_000_000;

/// The boundaries of all buckets of an interval in a time zone.
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
    interval: Interval,
    zone: Zone,
}

/// Error for a window with more than [`SERIES_BUCKETS_MAX`] buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{asked} buckets of {interval} are more than {SERIES_BUCKETS_MAX}")]
pub struct TooManyBuckets {
    /// The length of a bucket.
    pub interval: Interval,
    /// The number of buckets of the window.
    pub asked: u64,
}

impl Grid {
    /// Makes the buckets of an interval in a zone.
    pub fn new(interval: Interval, zone: Zone) -> Self {
        Self { interval, zone }
    }

    /// Returns the length of a bucket.
    pub fn interval(&self) -> Interval {
        self.interval
    }

    /// Returns the zone whose calendar the buckets follow.
    pub fn zone(&self) -> &Zone {
        &self.zone
    }

    /// Returns the buckets of a window in order of time. The first and the last one are cut at the ends of
    /// the window. Together the buckets cover the window, and none is empty. Times that no request can name
    /// are left out.
    ///
    /// # Errors
    /// [`TooManyBuckets`] above [`SERIES_BUCKETS_MAX`].
    pub fn buckets(&self, window: Window) -> Result<Vec<Window>, TooManyBuckets> {
        let from = window.from_us.max(Timestamp::MIN.micros() - MARGIN_US);
        let until = window.until_us.min(Timestamp::MAX.micros() + MARGIN_US);
        if from >= until {
            return Ok(Vec::new());
        }
        let indices = self.indices(from, until);
        let asked = indices.end().abs_diff(*indices.start()) + 1;
        if asked > SERIES_BUCKETS_MAX {
            return Err(TooManyBuckets { interval: self.interval, asked });
        }
        let cut = |boundary: i64| boundary.clamp(from, until);
        let buckets = indices.map(|index| Window {
            from_us: cut(self.boundary(index)),
            until_us: cut(self.boundary(index + 1)),
        });
        // A day that the zone skipped is empty.
        Ok(buckets.filter(|bucket| bucket.from_us < bucket.until_us).collect())
    }

    /// Returns the indices of the buckets of a window that is not empty.
    fn indices(&self, from_us: i64, until_us: i64) -> RangeInclusive<i64> {
        let (first, last) = (self.index(from_us), self.index(until_us - 1));
        assert!(first <= last, "the index of a bucket ascends with time");
        first..=last
    }

    /// Returns the start of a bucket, in microseconds since 1970 UTC.
    fn boundary(&self, index: i64) -> i64 {
        match self.interval.0 {
            Step::Months(months) => match first_day_of_month(ORIGIN_MONTH + index.saturating_mul(months)) {
                Some(day) => self.zone.start_of_day(day),
                // The calendar of `jiff` ends with the year 9999.
                None if index < 0 => i64::MIN,
                None => i64::MAX,
            },
            Step::Days(days) => self.zone.start_of_day(ORIGIN_DAY.saturating_add(index.saturating_mul(days))),
            Step::Micros(micros) => {
                self.zone.start_of_day(ORIGIN_DAY).saturating_add(index.saturating_mul(micros))
            }
        }
    }

    /// Returns the index of the bucket that contains a time.
    fn index(&self, at_us: i64) -> i64 {
        let mut index = match self.interval.0 {
            Step::Months(months) => (month_of_day(self.zone.day(at_us)) - ORIGIN_MONTH).div_euclid(months),
            Step::Days(days) => (self.zone.day(at_us) - ORIGIN_DAY).div_euclid(days),
            Step::Micros(micros) => (at_us - self.zone.start_of_day(ORIGIN_DAY)).div_euclid(micros),
        };
        // If clocks go back over midnight, the date goes back, too, but the index of the bucket must not go
        // back.
        while self.boundary(index + 1) <= at_us {
            index += 1;
        }
        while self.boundary(index) > at_us {
            index -= 1;
        }
        index
    }
}

/// Returns the first day of a month, in days since 1970; `None` outside the calendar of `jiff`. Months are
/// counted from the year 0.
fn first_day_of_month(month: i64) -> Option<i64> {
    let year = i16::try_from(month.div_euclid(12)).ok()?;
    let month = i8::try_from(month.rem_euclid(12) + 1).ok()?;
    let midnight = Date::new(year, month, 1).ok()?.to_datetime(Time::midnight());
    Some(Offset::UTC.to_timestamp(midnight).ok()?.as_second().div_euclid(SECONDS_PER_DAY))
}

/// Returns the month of a day, counted from the year 0; at most December 9999.
fn month_of_day(day: i64) -> i64 {
    let nearest_end = if day < 0 { Instant::MIN } else { Instant::MAX };
    let midnight = Instant::from_second(day.saturating_mul(SECONDS_PER_DAY)).unwrap_or(nearest_end);
    let date = Offset::UTC.to_datetime(midnight);
    12 * i64::from(date.year()) + i64::from(date.month()) - 1
}
