//! Division of time into buckets. An interval, a time zone and the first day of the week alone determine
//! every boundary; the window has no influence. Therefore a time is in the same bucket in every response, and
//! the buckets of two devices have the same bounds.
//!
//! - Buckets of months and years begin at the start of the first day of a month in the zone, counted from
//!   January 2000.
//! - Buckets of days begin at the start of a day in the zone, counted from Monday, 3 January 2000; buckets of
//!   weeks are counted from the first day of the week on or before that Monday. A day may have 23 or 25
//!   hours. A day that the zone skipped has no bucket.
//! - Buckets of hours, minutes and seconds that divide a day begin whenever the clock of the zone shows
//!   midnight plus a multiple of the interval, so that they begin at the same clock times in every season.
//!   The bucket in which the clocks change may be longer or shorter; see [`clock`].
//! - All other buckets of hours, minutes and seconds are exact spans, counted from the start of that Monday
//!   in the zone.
//!
//! `TimescaleDB` has the same origins.

mod clock;
#[cfg(test)]
mod tests;

use std::iter::successors;

use jiff::Timestamp as Instant;
use jiff::civil::{Date, Time};
use jiff::tz::Offset;

use crate::interval::{Interval, Step};
use crate::limits::SERIES_BUCKETS_MAX;
use crate::time::Timestamp;
use crate::week_start::WeekStart;
use crate::window::Window;
use crate::zone::Zone;

const SECONDS_PER_DAY: i64 = 86_400;
const MICROS_PER_DAY: i64 = SECONDS_PER_DAY * 1_000_000;
/// 3 January 2000, a Monday, in days since 1970.
const ORIGIN_DAY: i64 = 10_959;
/// January 2000, in months since the year 0.
const ORIGIN_MONTH: i64 = 24_000;
/// Margin around the times of readings, in microseconds. The time of a request may be up to a day before the
/// first or after the last possible reading.
const MARGIN_US: i64 = 2 * MICROS_PER_DAY;

/// The boundaries of all buckets of an interval in a time zone.
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
    interval: Interval,
    zone: Zone,
    week_start: WeekStart,
}

/// Error for a window with more than [`SERIES_BUCKETS_MAX`] buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{asked} buckets of {interval} are more than {SERIES_BUCKETS_MAX}")]
pub struct TooManyBuckets {
    /// The length of a bucket.
    pub interval: Interval,
    /// The number of buckets of the window. Above twice [`SERIES_BUCKETS_MAX`], an estimate without clock
    /// changes.
    pub asked: u64,
}

impl Grid {
    /// Makes the buckets of an interval in a zone. Buckets of whole weeks begin on the first day of the week;
    /// it has no influence on other buckets.
    pub fn new(interval: Interval, zone: Zone, week_start: WeekStart) -> Self {
        Self { interval, zone, week_start }
    }

    /// Returns the length of a bucket.
    pub fn interval(&self) -> Interval {
        self.interval
    }

    /// Returns the zone whose calendar the buckets follow.
    pub fn zone(&self) -> &Zone {
        &self.zone
    }

    /// Returns the buckets that contain the times of a window, in order of time and without gaps. The first
    /// one may begin before the window, and the last one may end after it. Times that no request can name are
    /// left out of the window.
    ///
    /// # Errors
    /// [`TooManyBuckets`] above [`SERIES_BUCKETS_MAX`].
    pub fn buckets(&self, window: Window) -> Result<Vec<Window>, TooManyBuckets> {
        let from = window.from_us.max(Timestamp::MIN.micros() - MARGIN_US);
        let until = window.until_us.min(Timestamp::MAX.micros() + MARGIN_US);
        if from >= until {
            return Ok(Vec::new());
        }
        let too_many = |asked| TooManyBuckets { interval: self.interval, asked };
        // Clock changes remove less than half of the buckets, so the window has more than the maximum.
        let estimate = self.estimate(from, until);
        if estimate > 2 * SERIES_BUCKETS_MAX {
            return Err(too_many(estimate));
        }
        let first = self.bucket_of(from);
        let buckets = successors(Some(first), |bucket| {
            (bucket.until_us < until).then(|| self.bucket_from(bucket.until_us))
        });
        let buckets: Vec<Window> = buckets.collect();
        let asked = buckets.len() as u64;
        if asked > SERIES_BUCKETS_MAX { Err(too_many(asked)) } else { Ok(buckets) }
    }

    /// Returns the number of buckets of a window that is not empty, without clock changes.
    fn estimate(&self, from_us: i64, until_us: i64) -> u64 {
        match self.interval.0 {
            Step::Micros(length_us) => {
                let length_us = length_us.unsigned_abs();
                until_us.abs_diff(from_us).div_ceil(length_us)
            }
            Step::Months(_) | Step::Days(_) => self.index(until_us - 1).abs_diff(self.index(from_us)) + 1,
        }
    }

    /// Returns the bucket that contains a time.
    fn bucket_of(&self, at_us: i64) -> Window {
        let from_us = match self.clock_length() {
            Some(length_us) => clock::boundary_at_or_before(&self.zone, length_us, at_us),
            None => self.boundary(self.index(at_us)),
        };
        self.bucket_from(from_us)
    }

    /// Returns the bucket that begins at a boundary.
    fn bucket_from(&self, from_us: i64) -> Window {
        let until_us = match self.clock_length() {
            Some(length_us) => clock::boundary_after(&self.zone, length_us, from_us),
            // If the zone skipped a day, two indices have the same boundary. `index` returns the last one.
            None => self.boundary(self.index(from_us) + 1),
        };
        Window { from_us, until_us }
    }

    /// Returns the length of a bucket in microseconds, if it divides a day.
    fn clock_length(&self) -> Option<i64> {
        match self.interval.0 {
            Step::Micros(micros) if MICROS_PER_DAY % micros == 0 => Some(micros),
            _ => None,
        }
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
            Step::Days(days) => {
                self.zone.start_of_day(self.origin_day(days).saturating_add(index.saturating_mul(days)))
            }
            Step::Micros(micros) => {
                self.zone.start_of_day(ORIGIN_DAY).saturating_add(index.saturating_mul(micros))
            }
        }
    }

    /// Returns the index of the bucket that contains a time.
    fn index(&self, at_us: i64) -> i64 {
        let mut index = match self.interval.0 {
            Step::Months(months) => (month_of_day(self.zone.day(at_us)) - ORIGIN_MONTH).div_euclid(months),
            Step::Days(days) => (self.zone.day(at_us) - self.origin_day(days)).div_euclid(days),
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

    /// Returns the day from which buckets of a number of days are counted, in days since 1970.
    fn origin_day(&self, days: i64) -> i64 {
        match self.week_start.days_after_monday() {
            after_monday if after_monday > 0 && days % 7 == 0 => ORIGIN_DAY + after_monday - 7,
            _ => ORIGIN_DAY,
        }
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
