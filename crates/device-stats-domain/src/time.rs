//! Moments of time, in microseconds since 1970 UTC, and how they are read and written.
//!
//! What is accepted as a time, and which unit a number has, is pydantic's rule, read by pydantic's own reader
//! (`speedate`): RFC 3339 with `T`, `t`, `_` or a space, with `Z`, an offset or none (then UTC), digits of a second
//! beyond the sixth cut off; a date; seconds since 1970, or milliseconds where the number is beyond 2e10 either way.

use std::fmt;

use speedate::{
    Date, DateConfig, DateTime, DateTimeConfig, MicrosecondsPrecisionOverflowBehavior, ParseError,
    TimeConfig, TimestampUnit,
};

const MICROS_PER_SECOND: i64 = 1_000_000;

/// A moment a request may name. Its date is one of the years 1 to 9999 where it was written, so in UTC it may lie up
/// to a day outside of them. Microseconds since 1970 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(i64);

/// A moment a reading may have, and an answer can write: years 1 to 9999 in UTC. Microseconds since 1970 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// Why something is no time; `Display` uses pydantic's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTime {
    /// The text does not have the form of a time, or a part of it is out of range.
    #[error("{0}")]
    Form(&'static str),
    /// The text has a form that begins like a date and is none.
    #[error("{0}")]
    FormOfDate(&'static str),
    /// The year is 0 or, in UTC, not one of 1 to 9999.
    #[error("year is outside expected range of 1-9999")]
    Year,
    /// A number that is infinite or not a number.
    #[error("NaN and infinite values not permitted")]
    NotFinite,
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

    /// Reads a time from text; a number in text is read as [`Moment::from_number`] does.
    ///
    /// # Errors
    /// The rule of [`InvalidTime`] that is broken.
    pub fn parse(text: &str) -> Result<Self, InvalidTime> {
        let text = text.trim();
        if text.parse::<f64>().is_ok_and(|number| !number.is_finite()) {
            return Err(InvalidTime::NotFinite);
        }
        match DateTime::parse_bytes_with_config(text.as_bytes(), &config()) {
            Ok(time) => Self::from_parts(&time),
            Err(error) => Self::parse_date(text, &error),
        }
    }

    /// Reads a date as its first moment in UTC; where it is none either, the error tells of the time.
    fn parse_date(text: &str, error: &ParseError) -> Result<Self, InvalidTime> {
        match Date::parse_bytes_rfc3339(text.as_bytes()) {
            Ok(date) if date.year == 0 => Err(InvalidTime::Year),
            Ok(date) => Ok(Self(date.timestamp() * MICROS_PER_SECOND)),
            Err(no_date) => Err(InvalidTime::FormOfDate(words(match error {
                ParseError::TooShort => &no_date,
                other => other,
            }))),
        }
    }

    /// Reads seconds since 1970, or milliseconds where the number is beyond 2e10 either way.
    ///
    /// # Errors
    /// The rule of [`InvalidTime`] that is broken.
    pub fn from_number(number: f64) -> Result<Self, InvalidTime> {
        if !number.is_finite() {
            return Err(InvalidTime::NotFinite);
        }
        let time = DateTime::from_float_with_config(number, &config());
        Self::from_parts(&time.map_err(|error| InvalidTime::Form(words(&error)))?)
    }

    fn from_parts(time: &DateTime) -> Result<Self, InvalidTime> {
        if time.date.year == 0 {
            return Err(InvalidTime::Year);
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
    use strum::EnumMessage;
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
    /// [`InvalidTime::Year`] outside of [`Timestamp::MIN`] and [`Timestamp::MAX`].
    pub fn from_micros(micros: i64) -> Result<Self, InvalidTime> {
        if (Self::MIN.0..=Self::MAX.0).contains(&micros) { Ok(Self(micros)) } else { Err(InvalidTime::Year) }
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> String {
        Moment::parse(text)
            .map_or_else(|error| error.to_string(), |moment| moment.nearest_timestamp().to_string())
    }

    #[test]
    fn every_way_to_write_one_moment() {
        for text in [
            "2026-11-23T00:00:00Z",
            "2026-11-23T00:00:00",
            "2026-11-23t00:00:00z",
            "2026-11-23 00:00:00",
            "2026-11-23",
            "2026-11-23T00:00",
            "2026-11-23T14:00:00+14:00",
            "2026-11-22T00:01:00-23:59",
            "2026-11-23T02:00:00+0200",
            "2026-11-23T00:00:00.000000999",
            "1795392000",
            "1795392000000",
            "1795392000.0",
            " 2026-11-23 ",
        ] {
            assert_eq!(read(text), "2026-11-23T00:00:00.000000Z", "{text}");
        }
    }

    #[test]
    fn what_is_no_time() {
        for text in [
            "",
            "yesterday",
            "2026-02-30",
            "2026-13-01",
            "2026-11-23T24:00:00",
            "2026-11-23T00:00:60",
            "10000-01-01",
            "0000-01-01",
            "0000-01-01T00:00:00Z",
            "+010000-01-01T00:00:00Z",
            "2026-11-23T00:00:00+24:00",
            "1e30",
            "NaN",
            "Infinity",
            "-inf",
            "2026-11-23T00:00:00 01:00",
            "20260101T000000Z",
            "2026-11-23T00:00:00[Europe/Berlin]",
        ] {
            assert!(Moment::parse(text).is_err(), "{text} became {}", read(text));
        }
        assert_eq!(Moment::from_number(f64::NAN), Err(InvalidTime::NotFinite));
        assert_eq!(Moment::from_number(f64::INFINITY), Err(InvalidTime::NotFinite));
        assert!(Moment::from_number(1e30).is_err());
    }

    /// A moment may leave the years 1 to 9999 in UTC; a window takes it, a reading does not.
    #[test]
    fn moments_at_the_ends_of_time() {
        let early = Moment::parse("0001-01-01T00:00:00+14:00").unwrap();
        let late = Moment::parse("9999-12-31T23:59:59-12:00").unwrap();
        assert_eq!(Timestamp::try_from(early), Err(InvalidTime::Year));
        assert_eq!(Timestamp::try_from(late), Err(InvalidTime::Year));
        assert_eq!(early.nearest_timestamp().to_string(), "0001-01-01T00:00:00.000000Z");
        assert_eq!(late.nearest_timestamp().to_string(), "9999-12-31T23:59:59.999999Z");
        assert_eq!(Timestamp::MAX.next(), Timestamp::MAX);
    }

    #[test]
    fn the_unit_of_a_number_depends_on_its_size() {
        assert_eq!(read("20000000000"), "2603-10-11T11:33:20.000000Z");
        assert_eq!(read("20000000001"), "1970-08-20T11:33:20.001000Z");
        assert_eq!(read("-1.5"), "1969-12-31T23:59:58.500000Z");
        assert_eq!(Moment::from_number(1_795_392_000.25).unwrap().micros(), 1_795_392_000_250_000);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(micros in Timestamp::MIN.micros()..=Timestamp::MAX.micros()) {
            let time = Timestamp::from_micros(micros).unwrap();
            prop_assert_eq!(Moment::parse(&time.to_string()).unwrap().micros(), micros);
        }

        #[test]
        fn no_text_breaks_the_reader(text in "[0-9T:+.Zz_ eE-]{0,30}|\\PC{0,30}") {
            let _ = Moment::parse(&text);
        }
    }
}
