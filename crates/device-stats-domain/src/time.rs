//! Times in microseconds since 1970 UTC, and their text form.
//!
//! The accepted forms and the units of numbers are pydantic's for a `datetime`, parsed by pydantic's own
//! parser (`speedate`), except for numbers:
//!
//! - RFC 3339 with `T`, `t`, `_` or a space, and with `Z`, an offset, or neither (UTC). Digits after the
//!   microsecond are cut off.
//! - A date.
//! - Seconds since 1970, or milliseconds if the absolute number is above 2e10; rounded down to the
//!   microsecond.
//!
//! Surrounding white space is refused.

mod epoch_number;
#[cfg(test)]
mod tests;

pub use epoch_number::{EpochNumber, TimeUnit};

use std::fmt;
use std::time::Duration;

use speedate::{
    Date, DateConfig, DateTime, DateTimeConfig, MicrosecondsPrecisionOverflowBehavior, ParseError,
    TimeConfig, TimestampUnit,
};
use strum::EnumMessage;

const MICROS_PER_SECOND: i64 = 1_000_000;
/// Error for a number before the year 0.
const BEFORE: InvalidTime = InvalidTime::Number("dates before 0000 are not supported as unix timestamps");
/// Error for a number after the year 9999.
const AFTER: InvalidTime = InvalidTime::Number("dates after 9999 are not supported as unix timestamps");

/// A time in a request, in microseconds since 1970 UTC. Its local date is in the years 1 to 9999, so in UTC
/// it may be up to a day outside them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestTime(i64);

/// A time as a text states it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextTime {
    /// A moment: a time with an offset, or a number.
    Instant(RequestTime),
    /// A time or date without an offset, as a clock shows it: microseconds since 1970 on that clock.
    Clock(i64),
}

/// A time of a reading or in a response, in microseconds since 1970 UTC; in the years 1 to 9999 in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// The reason for refusing a time. `Display` gives the last words of pydantic's message. The variant
/// determines the error type and the beginning of the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTime {
    /// A text that is not a time, a date or a number in range. As in pydantic, the words are about the date
    /// even if the time of day is at fault.
    ///
    /// `datetime_from_date_parsing`, "Input should be a valid datetime or date, {words}".
    #[error("{0}")]
    Text(&'static str),
    /// A number before the year 0 or after the year 9999, or an infinite one.
    ///
    /// `datetime_parsing`, "Input should be a valid datetime, {words}".
    #[error("{0}")]
    Number(&'static str),
    /// The year is 0, in text or as a number.
    ///
    /// `datetime_parsing`, "Input should be a valid datetime, {words}".
    #[error("year 0 is out of range")]
    YearZero,
    /// The number is NaN.
    ///
    /// `datetime_parsing`, "Input should be a valid datetime, {words}".
    #[error("NaN values not permitted")]
    NotANumber,
    /// The year in UTC is outside 1 to 9999. Only a [`Timestamp`] has this rule.
    ///
    /// pydantic has no such error; the nearest is `datetime_parsing`, "Input should be a valid datetime,
    /// {words}".
    #[error("year is outside expected range of 1-9999 in UTC")]
    YearInUtc,
}

impl RequestTime {
    /// Makes a time from microseconds since 1970 UTC.
    pub fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Returns the microseconds since 1970 UTC.
    pub fn micros(self) -> i64 {
        self.0
    }

    /// Parses a time. A number has the rules of [`EpochNumber`]. A text without an offset is in UTC.
    ///
    /// # Errors
    /// [`InvalidTime::Text`] or [`InvalidTime::YearZero`].
    pub fn parse(text: &str) -> Result<Self, InvalidTime> {
        TextTime::parse(text).map(|time| match time {
            TextTime::Instant(time) => time,
            TextTime::Clock(clock_us) => Self(clock_us),
        })
    }

    /// Reads the text of a number: seconds since 1970, or milliseconds if the absolute number is above 2e10.
    ///
    /// # Errors
    /// [`InvalidTime::Number`], [`InvalidTime::YearZero`] or [`InvalidTime::NotANumber`].
    pub fn from_number_text(text: &str) -> Result<Self, InvalidTime> {
        if let Some(number) = EpochNumber::parse(text) {
            return number.to_time(number.inferred_unit());
        }
        // JSON readers allow no other numbers than these: NaN and the infinities.
        let number = text.parse().unwrap_or(f64::NAN);
        let beyond = if number < 0.0 { BEFORE } else { AFTER };
        Err(if number.is_nan() { InvalidTime::NotANumber } else { beyond })
    }

    fn from_parts(time: &DateTime) -> Result<Self, InvalidTime> {
        if time.date.year == 0 {
            return Err(InvalidTime::YearZero);
        }
        Ok(Self(time.timestamp_tz() * MICROS_PER_SECOND + i64::from(time.time.microsecond)))
    }

    /// Returns the nearest time that a response can contain. No reading lies between this time and the
    /// nearest one. So windows that end at one or the other contain the same readings.
    pub fn nearest_timestamp(self) -> Timestamp {
        Timestamp(self.0.clamp(Timestamp::MIN.0, Timestamp::MAX.0))
    }
}

impl TextTime {
    /// Parses a time by the rules of [`RequestTime::parse`]. A number is an instant.
    ///
    /// # Errors
    /// As [`RequestTime::parse`].
    pub fn parse(text: &str) -> Result<Self, InvalidTime> {
        // `speedate` would read a number as a double.
        if let Some(number) = EpochNumber::parse(text) {
            return number.to_time(number.inferred_unit()).map(Self::Instant).map_err(|error| match error {
                InvalidTime::Number(words) => InvalidTime::Text(words),
                other => other,
            });
        }
        if let Ok(time) = DateTime::parse_bytes_with_config(text.as_bytes(), &config()) {
            let instant = RequestTime::from_parts(&time)?;
            return Ok(match time.time.tz_offset {
                Some(_) => Self::Instant(instant),
                None => Self::Clock(instant.0),
            });
        }
        match Date::parse_bytes(text.as_bytes()) {
            Ok(date) if date.year == 0 => Err(InvalidTime::YearZero),
            Ok(date) => Ok(Self::Clock(date.timestamp() * MICROS_PER_SECOND)),
            Err(error) => Err(InvalidTime::Text(words(&error))),
        }
    }
}

/// Cuts off digits after the microsecond, and takes a time without an offset as UTC.
fn config() -> DateTimeConfig {
    DateTimeConfig {
        timestamp_unit: TimestampUnit::Infer,
        time_config: TimeConfig {
            microseconds_precision_overflow_behavior: MicrosecondsPrecisionOverflowBehavior::Truncate,
            unix_timestamp_offset: Some(0),
        },
    }
}

/// Returns the parser's description of its error.
fn words(error: &ParseError) -> &'static str {
    error.get_documentation().unwrap_or("input is not a time")
}

impl Timestamp {
    /// 0001-01-01T00:00:00Z.
    pub const MIN: Self = Self(-62_135_596_800 * MICROS_PER_SECOND);
    /// 9999-12-31T23:59:59.999999Z.
    pub const MAX: Self = Self(253_402_300_800 * MICROS_PER_SECOND - 1);

    /// Makes a time from the time since 1970 UTC, truncated to microseconds. A later time than
    /// [`Timestamp::MAX`] becomes that time.
    pub fn from_duration(since_1970: Duration) -> Self {
        let micros = i64::try_from(since_1970.as_micros()).unwrap_or(i64::MAX);
        Self(micros.min(Self::MAX.0))
    }

    /// Makes a time from microseconds since 1970 UTC.
    ///
    /// # Errors
    /// [`InvalidTime::YearInUtc`] outside [`Timestamp::MIN`] to [`Timestamp::MAX`].
    pub fn from_micros(micros: i64) -> Result<Self, InvalidTime> {
        if (Self::MIN.0..=Self::MAX.0).contains(&micros) {
            Ok(Self(micros))
        } else {
            Err(InvalidTime::YearInUtc)
        }
    }

    /// Returns the microseconds since 1970 UTC.
    pub fn micros(self) -> i64 {
        self.0
    }

    /// Returns the time after a duration, truncated to microseconds; at most [`Timestamp::MAX`].
    #[must_use]
    pub fn saturating_add(self, duration: Duration) -> Self {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(micros).min(Self::MAX.0))
    }

    /// Returns the time before a duration, truncated to microseconds; at least [`Timestamp::MIN`].
    #[must_use]
    pub fn saturating_sub(self, duration: Duration) -> Self {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Self(self.0.saturating_sub(micros).max(Self::MIN.0))
    }

    /// Returns the next microsecond; for [`Timestamp::MAX`] the same.
    #[must_use]
    pub fn next(self) -> Self {
        Self((self.0 + 1).min(Self::MAX.0))
    }
}

impl TryFrom<RequestTime> for Timestamp {
    type Error = InvalidTime;

    fn try_from(moment: RequestTime) -> Result<Self, InvalidTime> {
        Self::from_micros(moment.0)
    }
}

impl fmt::Display for Timestamp {
    /// Writes RFC 3339 in UTC with microseconds: `2026-11-23T10:00:00.000000Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, micros) = (self.0.div_euclid(MICROS_PER_SECOND), self.0.rem_euclid(MICROS_PER_SECOND));
        let unit = DateConfig { timestamp_unit: TimestampUnit::Second };
        let date = Date::from_timestamp(seconds, false, &unit).map_err(|_| fmt::Error)?;
        let second = seconds.rem_euclid(86_400);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(f, "{date}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z")
    }
}
