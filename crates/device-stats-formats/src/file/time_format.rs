//! Forms of times: patterns of `strptime`, and day numbers of Excel.

use std::str::FromStr;

use device_stats_domain::{RequestTime, TextTime};
use jiff::Timestamp as Instant;
use jiff::fmt::strtime::{self, BrokenDownTime};
use jiff::tz::Offset;

use crate::faults::Problem;

/// The day number that Excel gives to 1 January 1970.
const EXCEL_DAY_1970: f64 = 25_569.0;
/// First day number that Excel counts correctly. Its day 60 is 29 February 1900, which did not exist.
const EXCEL_DAY_MIN: f64 = 61.0;
/// The day after 31 December 9999, as counted by Excel.
const EXCEL_DAY_END: f64 = 2_958_466.0;
/// The first year that a pattern reads. An earlier one is probably a year of two digits.
const YEAR_MIN: i16 = 1000;
const MILLIS_PER_DAY: f64 = 86_400_000.0;

/// Form of times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TimeFormat {
    /// Days since the beginning of 1900, as Excel counts them, rounded to the millisecond.
    Excel,
    /// A pattern of `strptime`, such as `%d.%m.%Y %H:%M:%S%.f`.
    Pattern(String),
}

impl TimeFormat {
    /// Parses a text of this form.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub(super) fn parse_time(&self, text: &str) -> Result<TextTime, Problem> {
        match self {
            Self::Excel => excel_clock(text).map(TextTime::Clock),
            Self::Pattern(pattern) => parse_pattern(pattern, text),
        }
    }
}

impl FromStr for TimeFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "excel" {
            return Ok(Self::Excel);
        }
        // An unknown conversion, or one that cannot be parsed, fails for every time.
        let example = BrokenDownTime::from(Instant::UNIX_EPOCH).to_string(text);
        let is_parsed = example.is_ok_and(|example| strtime::parse(text, example).is_ok());
        if text.contains('%') && is_parsed {
            Ok(Self::Pattern(text.to_owned()))
        } else {
            Err("write excel, or a pattern such as %d.%m.%Y %H:%M:%S (%.f stands for a fraction of a second, %z \
                 for an offset)"
                .to_owned())
        }
    }
}

/// Reads a day number of Excel as a clock time, in microseconds since 1970.
fn excel_clock(text: &str) -> Result<i64, Problem> {
    let day: Option<f64> = text.replace(',', ".").parse().ok();
    let Some(day) = day.filter(|day| (EXCEL_DAY_MIN..EXCEL_DAY_END).contains(day)) else {
        return Err(invalid(
            "it is no day number of Excel from 61 (1 March 1900) to 2958465 (the year 9999)",
        ));
    };
    // Excel shows milliseconds. A double with more digits has an error of about a microsecond.
    let millis = ((day - EXCEL_DAY_1970) * MILLIS_PER_DAY).round();
    #[expect(clippy::cast_possible_truncation, reason = "the range has been checked")]
    Ok(millis as i64 * 1_000)
}

/// Reads a text in the form of a pattern. Omits the library's description of the error.
fn parse_pattern(pattern: &str, text: &str) -> Result<TextTime, Problem> {
    let wrong = || invalid(format!("it does not have the form {pattern}"));
    let parts = strtime::parse(pattern, text)
        .or_else(|error| {
            let text = with_point(pattern, text).ok_or(error)?;
            strtime::parse(pattern, text)
        })
        .map_err(|_| wrong())?;
    // The library also reads fewer digits than four for %Y.
    if parts.year().is_some_and(|year| (0..YEAR_MIN).contains(&year)) {
        return Err(invalid("its year has fewer than four digits; use %y for years of two digits"));
    }
    if parts.timestamp().is_some() || parts.offset().is_some() {
        let instant = parts.to_timestamp().map_err(|_| wrong())?;
        return Ok(TextTime::Instant(RequestTime::from_micros(floor_micros(instant))));
    }
    let clock = parts.to_datetime().map_err(|_| wrong())?;
    let instant = Offset::UTC.to_timestamp(clock).map_err(|_| wrong())?;
    Ok(TextTime::Clock(floor_micros(instant)))
}

/// Writes the last comma of a time as a point, for a pattern with a fraction of a second. ISO 8601 permits
/// both.
fn with_point(pattern: &str, text: &str) -> Option<String> {
    let (clock, fraction) = text.rsplit_once(',')?;
    pattern.contains("%.").then(|| format!("{clock}.{fraction}"))
}

/// Returns the microsecond that contains a moment.
fn floor_micros(instant: Instant) -> i64 {
    let micros = instant.as_nanosecond().div_euclid(1_000);
    i64::try_from(micros).unwrap_or(i64::MAX)
}

/// Returns the problem of a text that is not a time.
pub(super) fn invalid(words: impl std::fmt::Display) -> Problem {
    Problem::new("datetime_parsing", format!("Input should be a valid datetime, {words}"))
}
