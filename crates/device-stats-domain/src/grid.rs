//! How time is cut into buckets: a length and a time zone fix every boundary, whatever window is looked at, so the same
//! moment lies in the same bucket in every answer.
//!
//! - Months and years begin at the first moment of the first day of a month in the zone, counted from January 2000.
//! - Days and weeks begin at the first moment of a day in the zone, counted from Monday, 3 January 2000. Such a day may
//!   have 23 or 25 hours; one that the zone skipped has no bucket.
//! - Hours, minutes and seconds are exact spans, counted from the first moment of that Monday in the zone.
//!
//! (The origins are those of `TimescaleDB`.)

#[cfg(test)]
mod tests;

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
/// A moment that a request may name lies up to a day outside of those that a reading may have.
const MARGIN_US: i64 = 2 * SECONDS_PER_DAY * 1_000_000;

/// All boundaries of buckets.
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
    interval: Interval,
    zone: Zone,
}

/// A window has more than [`SERIES_BUCKETS_MAX`] buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{asked} buckets of {interval} are more than {SERIES_BUCKETS_MAX}")]
pub struct TooManyBuckets {
    /// Their length.
    pub interval: Interval,
    /// How many the window has.
    pub asked: u64,
}

impl Grid {
    /// Buckets of that length in that zone.
    pub fn new(interval: Interval, zone: Zone) -> Self {
        Self { interval, zone }
    }

    /// The length of a bucket.
    pub fn interval(&self) -> Interval {
        self.interval
    }

    /// Whose calendar it is.
    pub fn zone(&self) -> &Zone {
        &self.zone
    }

    /// The buckets of a window, in order of time, the first and the last one cut where the window ends. Together they
    /// are the window; none is empty. What lies outside of the years that a request may name is left out.
    ///
    /// # Errors
    /// [`TooManyBuckets`].
    pub fn buckets(&self, window: Window) -> Result<Vec<Window>, TooManyBuckets> {
        let from = window.from_us.max(Timestamp::MIN.micros() - MARGIN_US);
        let until = window.until_us.min(Timestamp::MAX.micros() + MARGIN_US);
        if from >= until {
            return Ok(Vec::new());
        }
        let (first, last) = (self.index(from), self.index(until - 1));
        let asked = u64::try_from(last - first).unwrap_or(0) + 1;
        if asked > SERIES_BUCKETS_MAX {
            return Err(TooManyBuckets { interval: self.interval, asked });
        }
        let cut = |boundary: i64| boundary.clamp(from, until);
        let buckets = (first..=last).map(|index| Window {
            from_us: cut(self.boundary(index)),
            until_us: cut(self.boundary(index + 1)),
        });
        // A day that the zone skipped ends where it begins.
        Ok(buckets.filter(|bucket| bucket.from_us < bucket.until_us).collect())
    }

    /// The first moment of a bucket, in microseconds since 1970 UTC.
    fn boundary(&self, index: i64) -> i64 {
        match self.interval.0 {
            Step::Months(months) => match first_day_of_month(ORIGIN_MONTH + index.saturating_mul(months)) {
                Some(day) => self.zone.first_moment(day),
                // The library's calendar ends with the year 9999.
                None if index < 0 => i64::MIN,
                None => i64::MAX,
            },
            Step::Days(days) => self.zone.first_moment(ORIGIN_DAY.saturating_add(index.saturating_mul(days))),
            Step::Micros(micros) => {
                self.zone.first_moment(ORIGIN_DAY).saturating_add(index.saturating_mul(micros))
            }
        }
    }

    /// The bucket that holds a moment.
    fn index(&self, at_us: i64) -> i64 {
        let mut index = match self.interval.0 {
            Step::Months(months) => (month_of_day(self.zone.day(at_us)) - ORIGIN_MONTH).div_euclid(months),
            Step::Days(days) => (self.zone.day(at_us) - ORIGIN_DAY).div_euclid(days),
            Step::Micros(micros) => (at_us - self.zone.first_moment(ORIGIN_DAY)).div_euclid(micros),
        };
        // Where clocks go back over midnight, the date goes back, too, but the bucket does not.
        while self.boundary(index + 1) <= at_us {
            index += 1;
        }
        while self.boundary(index) > at_us {
            index -= 1;
        }
        index
    }
}

/// The first day of a month, counted from the year 0, in days since 1970; `None` beyond the library's calendar.
fn first_day_of_month(month: i64) -> Option<i64> {
    let year = i16::try_from(month.div_euclid(12)).ok()?;
    let month = i8::try_from(month.rem_euclid(12) + 1).ok()?;
    let midnight = Date::new(year, month, 1).ok()?.to_datetime(Time::midnight());
    Some(Offset::UTC.to_timestamp(midnight).ok()?.as_second().div_euclid(SECONDS_PER_DAY))
}

/// The month in which a day lies, counted from the year 0; at most December 9999.
fn month_of_day(day: i64) -> i64 {
    let (first, last) = (Instant::MIN.as_second(), Instant::MAX.as_second());
    let midnight = day.saturating_mul(SECONDS_PER_DAY).clamp(first, last);
    let date = Offset::UTC.to_datetime(Instant::from_second(midnight).unwrap_or(Instant::MAX));
    12 * i64::from(date.year()) + i64::from(date.month()) - 1
}
