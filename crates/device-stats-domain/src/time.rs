//! Moments of time, in microseconds since 1970 UTC, and how they are read and written.
//!
//! What is accepted as a time, and which unit a number has, is pydantic's rule for a `datetime`, read by pydantic's own
//! reader (`speedate`): RFC 3339 with `T`, `t`, `_` or a space, with `Z`, an offset or none (then UTC), digits of a
//! second beyond the sixth cut off; a date; seconds since 1970, or milliseconds where the number is beyond 2e10 either
//! way. White space around it is not accepted.

#[cfg(test)]
mod tests;

use std::fmt;

use speedate::{
    Date, DateConfig, DateTime, DateTimeConfig, MicrosecondsPrecisionOverflowBehavior, ParseError,
    TimeConfig, TimestampUnit,
};
use strum::EnumMessage;

const MICROS_PER_SECOND: i64 = 1_000_000;

/// A moment a request may name. Its date is one of the years 1 to 9999 where it was written, so in UTC it may lie up
/// to a day outside of them. Microseconds since 1970 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(i64);

/// A moment a reading may have, and an answer can write: years 1 to 9999 in UTC. Microseconds since 1970 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// Why something is no time. `Display` gives the words with which pydantic ends its message; the type of its error and
/// the beginning of the message follow from the variant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTime {
    /// A text that is neither a time nor a date, nor a number in range. The words are those about the date, as
    /// pydantic's are, even where the time after it is at fault.
    ///
    /// `datetime_from_date_parsing`, "Input should be a valid datetime or date, {words}".
    #[error("{0}")]
    Text(&'static str),
    /// A number before the year 0 or after the year 9999; an infinite one is, too.
    ///
    /// `datetime_parsing`, "Input should be a valid datetime, {words}".
    #[error("{0}")]
    Number(&'static str),
    /// The year is 0, in text or as a number.
    ///
    /// `datetime_parsing`, "Input should be a valid datetime, {words}".
    #[error("year 0 is out of range")]
    YearZero,
    /// A number that is not a number.
    ///
    /// `datetime_parsing`, "Input should be a valid datetime, {words}".
    #[error("NaN values not permitted")]
    NotANumber,
    /// In UTC the year is not one of 1 to 9999. Only a [`Timestamp`] is refused for it.
    ///
    /// pydantic knows no such error; the nearest is `datetime_parsing`, "Input should be a valid datetime, {words}".
    #[error("year is outside expected range of 1-9999 in UTC")]
    YearInUtc,
}

impl Moment {
    /// The moment that many microseconds after 1970 UTC.
    pub fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since 1970 UTC.
    pub fn micros(self) -> i64 {
        self.0
    }

    /// Reads a time from text; digits in text are read as [`Moment::from_number`] reads a number.
    ///
    /// # Errors
    /// [`InvalidTime::Text`] or [`InvalidTime::YearZero`].
    pub fn parse(text: &str) -> Result<Self, InvalidTime> {
        if let Ok(time) = DateTime::parse_bytes_with_config(text.as_bytes(), &config()) {
            return Self::from_parts(&time);
        }
        match Date::parse_bytes(text.as_bytes()) {
            Ok(date) if date.year == 0 => Err(InvalidTime::YearZero),
            Ok(date) => Ok(Self(date.timestamp() * MICROS_PER_SECOND)),
            Err(error) => Err(InvalidTime::Text(words(&error))),
        }
    }

    /// Reads seconds since 1970, or milliseconds where the number is beyond 2e10 either way; rounded to the
    /// microsecond. Every integer that is in range is a double without loss, so integers need no way of their own.
    ///
    /// # Errors
    /// [`InvalidTime::Number`], [`InvalidTime::YearZero`] or [`InvalidTime::NotANumber`].
    pub fn from_number(number: f64) -> Result<Self, InvalidTime> {
        if number.is_nan() {
            return Err(InvalidTime::NotANumber);
        }
        let time = DateTime::from_float_with_config(number, &config());
        Self::from_parts(&time.map_err(|error| InvalidTime::Number(words(&error)))?)
    }

    fn from_parts(time: &DateTime) -> Result<Self, InvalidTime> {
        if time.date.year == 0 {
            return Err(InvalidTime::YearZero);
        }
        Ok(Self(time.timestamp_tz() * MICROS_PER_SECOND + i64::from(time.time.microsecond)))
    }

    /// The nearest moment an answer can write. No reading lies between the two, so a window that ends at one holds the
    /// same readings as a window that ends at the other.
    pub fn nearest_timestamp(self) -> Timestamp {
        Timestamp(self.0.clamp(Timestamp::MIN.0, Timestamp::MAX.0))
    }
}

/// Digits beyond the microsecond are cut off; what has no offset is UTC.
fn config() -> DateTimeConfig {
    DateTimeConfig {
        timestamp_unit: TimestampUnit::Infer,
        time_config: TimeConfig {
            microseconds_precision_overflow_behavior: MicrosecondsPrecisionOverflowBehavior::Truncate,
            unix_timestamp_offset: Some(0),
        },
    }
}

/// The reader's description of its error.
fn words(error: &ParseError) -> &'static str {
    error.get_documentation().unwrap_or("input is no time")
}

impl Timestamp {
    /// 0001-01-01T00:00:00Z.
    pub const MIN: Self = Self(-62_135_596_800 * MICROS_PER_SECOND);
    /// 9999-12-31T23:59:59.999999Z.
    pub const MAX: Self = Self(253_402_300_800 * MICROS_PER_SECOND - 1);

    /// The moment that many microseconds after 1970 UTC.
    ///
    /// # Errors
    /// [`InvalidTime::YearInUtc`] outside of [`Timestamp::MIN`] and [`Timestamp::MAX`].
    pub fn from_micros(micros: i64) -> Result<Self, InvalidTime> {
        if (Self::MIN.0..=Self::MAX.0).contains(&micros) {
            Ok(Self(micros))
        } else {
            Err(InvalidTime::YearInUtc)
        }
    }

    /// Microseconds since 1970 UTC.
    pub fn micros(self) -> i64 {
        self.0
    }

    /// The microsecond after this one; [`Timestamp::MAX`] is its own.
    #[must_use]
    pub fn next(self) -> Self {
        Self((self.0 + 1).min(Self::MAX.0))
    }
}

impl TryFrom<Moment> for Timestamp {
    type Error = InvalidTime;

    fn try_from(moment: Moment) -> Result<Self, InvalidTime> {
        Self::from_micros(moment.0)
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC with microseconds: `2026-11-23T10:00:00.000000Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, micros) = (self.0.div_euclid(MICROS_PER_SECOND), self.0.rem_euclid(MICROS_PER_SECOND));
        let unit = DateConfig { timestamp_unit: TimestampUnit::Second };
        let date = Date::from_timestamp(seconds, false, &unit).map_err(|_| fmt::Error)?;
        let second = seconds.rem_euclid(86_400);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(f, "{date}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z")
    }
}
