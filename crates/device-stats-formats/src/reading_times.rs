//! The times of the readings of one body. A number stands for a time only if its unit is certain: either the
//! request states it, or the result is a plausible time of a reading and all numbers have the same unit.

use std::borrow::Cow;

use device_stats_domain::{EpochNumber, TimeUnit, Timestamp};
use serde_json::json;

use crate::faults::Problem;
use crate::json::Json;
use crate::values;

/// Earliest time of a reading that is given as a number without a unit: 1990-01-01T00:00:00Z, in microseconds
/// since 1970 UTC.
const NUMBER_TIME_MIN: i64 = 631_152_000_000_000;
/// Latest time of such a reading: 2100-12-31T23:59:59.999999Z.
const NUMBER_TIME_MAX: i64 = 4_133_980_799_999_999;
/// Maximum number of characters of a number in a message.
const MESSAGE_DIGITS_MAX: usize = 40;
/// A way to correct a number whose unit is not certain.
const OR_AS_TEXT: &str = ", or write the time as 2026-11-23T10:00:00Z";

/// Reads the times of the readings of one body.
#[derive(Clone, Copy, Debug)]
pub struct ReadingTimes(Unit);

/// The unit of numbers.
#[derive(Clone, Copy, Debug)]
enum Unit {
    /// The request states it.
    Stated(TimeUnit),
    /// Default unit of the format. Clients often send another unit without stating it, so implausible times
    /// are refused.
    Assumed(TimeUnit),
    /// The magnitude of the first number decides.
    Inferred(Option<TimeUnit>),
}

impl ReadingTimes {
    /// Creates a reader. Without a stated unit, the unit is inferred from the numbers.
    pub fn new(stated: Option<TimeUnit>) -> Self {
        Self(stated.map_or(Unit::Inferred(None), Unit::Stated))
    }

    /// Creates a reader. Without a stated unit, numbers have the default unit of the format.
    pub fn with_default(stated: Option<TimeUnit>, default: TimeUnit) -> Self {
        Self(stated.map_or(Unit::Assumed(default), Unit::Stated))
    }

    /// Reads a time.
    ///
    /// # Errors
    /// `datetime_type`, `datetime_parsing`, `datetime_from_date_parsing`, `time_unit_unknown` or
    /// `time_units_mixed`.
    pub fn read(&mut self, json: &Json) -> Result<Timestamp, Problem> {
        match json {
            Json::String(text) => self.read_text(text),
            Json::Number(text) => self.read_number(text),
            Json::Null | Json::Bool(_) | Json::Array(_) | Json::Object(_) => Err(values::not_a_moment()),
        }
    }

    /// Reads a text: RFC 3339, a date, or a number.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub(crate) fn read_text(&mut self, text: &str) -> Result<Timestamp, Problem> {
        match EpochNumber::parse(text) {
            Some(number) => self.convert(number, text),
            None => values::moment_text(text).and_then(values::to_timestamp),
        }
    }

    /// Reads the text of a JSON number.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub(crate) fn read_number(&mut self, text: &str) -> Result<Timestamp, Problem> {
        match EpochNumber::parse(text) {
            Some(number) => self.convert(number, text),
            // NaN or an infinity.
            None => values::moment(&Json::Number(text.to_owned())).and_then(values::to_timestamp),
        }
    }

    /// Converts a count of units.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub(crate) fn read_count(&mut self, count: i64) -> Result<Timestamp, Problem> {
        match self.0 {
            Unit::Stated(unit) => values::timestamp_micros(unit.to_micros(count)),
            Unit::Assumed(unit) => check_plausible(
                values::timestamp_micros(unit.to_micros(count)).ok(),
                unit,
                &count.to_string(),
                "",
            ),
            Unit::Inferred(_) => self.read_number(&count.to_string()),
        }
    }

    fn convert(&mut self, number: EpochNumber<'_>, text: &str) -> Result<Timestamp, Problem> {
        let to_time =
            |unit| number.to_time(unit).map_err(values::time_problem).and_then(values::to_timestamp);
        match self.0 {
            Unit::Stated(unit) => to_time(unit),
            Unit::Assumed(unit) => check_plausible(to_time(unit).ok(), unit, text, ""),
            Unit::Inferred(first) => {
                let unit = number.inferred_unit();
                let time = check_plausible(to_time(unit).ok(), unit, text, OR_AS_TEXT)?;
                if let Some(first) = first.filter(|first| *first != unit) {
                    return Err(mixed(first, unit, text));
                }
                self.0 = Unit::Inferred(Some(unit));
                Ok(time)
            }
        }
    }
}

/// Refuses a time outside 1990 to 2100, because its unit is probably wrong; `None` is a time
/// outside the years 1 to 9999. `or` is appended to the message.
fn check_plausible(
    time: Option<Timestamp>,
    unit: TimeUnit,
    text: &str,
    or: &str,
) -> Result<Timestamp, Problem> {
    let is_plausible = |time: &Timestamp| (NUMBER_TIME_MIN..=NUMBER_TIME_MAX).contains(&time.micros());
    let read_as = match time {
        Some(time) if is_plausible(&time) => return Ok(time),
        Some(time) => format!("is {time}, outside the years 1990 to 2100"),
        None => "is outside the years 1 to 9999".to_owned(),
    };
    let (text, unit) = (shorten(text), unit.name());
    let msg = format!("{text} in {unit} since 1970 {read_as}; set precision to s, ms, us or ns{or}");
    Err(Problem::new("time_unit_unknown", msg).with(json!({ "unit": unit })))
}

fn mixed(first: TimeUnit, unit: TimeUnit, text: &str) -> Problem {
    let (text, unit, first) = (shorten(text), unit.name(), first.name());
    let msg = format!(
        "{text} was read as {unit}, but an earlier time of the batch as {first}; set precision to s, ms, us or ns"
    );
    Problem::new("time_units_mixed", msg).with(json!({ "unit": unit, "earlier_unit": first }))
}

/// Cuts a number for a message. A number in a body may have millions of digits.
fn shorten(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(MESSAGE_DIGITS_MAX) {
        Some((end, _)) => format!("{}…", text.split_at(end).0).into(),
        None => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(read: Result<Timestamp, Problem>) -> String {
        read.map_or_else(|problem| problem.kind.to_owned(), |time| time.to_string())
    }

    #[test]
    fn a_number_without_a_unit_is_a_plausible_time() {
        for (text, expected) in [
            ("1795428000", "2026-11-23T10:00:00.000000Z"),
            ("1795428000000", "2026-11-23T10:00:00.000000Z"),
            ("631152000", "1990-01-01T00:00:00.000000Z"),
            ("4133980799.9999999", "2100-12-31T23:59:59.999999Z"),
            // A year, a compact date and time, a date of Excel, an uptime, microseconds, and times too far
            // away.
            ("2026", "time_unit_unknown"),
            ("20261123", "time_unit_unknown"),
            ("20261123100000", "time_unit_unknown"),
            ("46349.4167", "time_unit_unknown"),
            ("0", "time_unit_unknown"),
            ("-1", "time_unit_unknown"),
            ("631151999.999999", "time_unit_unknown"),
            ("4133980800", "time_unit_unknown"),
            ("1795428000000000", "time_unit_unknown"),
            ("1795428000000000000", "time_unit_unknown"),
            ("2.026e3", "time_unit_unknown"),
            (".5", "time_unit_unknown"),
            ("1.795428e+09", "2026-11-23T10:00:00.000000Z"),
            ("19999999999", "time_unit_unknown"),
            ("1970-01-01", "1970-01-01T00:00:00.000000Z"),
        ] {
            assert_eq!(kind(ReadingTimes::new(None).read_text(text)), expected, "{text}");
        }
        let long = format!("0.{}", "0".repeat(1_000_000));
        assert!(ReadingTimes::new(None).read_text(&long).unwrap_err().msg.len() < 300);
        let words = ReadingTimes::new(None).read_text("2026").unwrap_err().msg;
        assert_eq!(
            words,
            "2026 in seconds since 1970 is 1970-01-01T00:33:46.000000Z, outside the years 1990 to 2100; set \
             precision to s, ms, us or ns, or write the time as 2026-11-23T10:00:00Z"
        );
    }

    #[test]
    fn a_stated_unit_allows_any_time() {
        for (unit, text, expected) in [
            (TimeUnit::Seconds, "2026", "1970-01-01T00:33:46.000000Z"),
            (TimeUnit::Seconds, "19999999999", "2603-10-11T11:33:19.000000Z"),
            (TimeUnit::Milliseconds, "1795428000", "1970-01-21T18:43:48.000000Z"),
            (TimeUnit::Microseconds, "1795428000123456", "2026-11-23T10:00:00.123456Z"),
            (TimeUnit::Nanoseconds, "1795428000123456789", "2026-11-23T10:00:00.123456Z"),
            (TimeUnit::Nanoseconds, "2026-11-23", "2026-11-23T00:00:00.000000Z"),
        ] {
            assert_eq!(kind(ReadingTimes::new(Some(unit)).read_text(text)), expected, "{text}");
            if let Ok(count) = text.parse() {
                assert_eq!(kind(ReadingTimes::new(Some(unit)).read_count(count)), expected, "{text}");
            }
        }
    }

    #[test]
    fn the_numbers_of_a_batch_have_one_unit() {
        let mut times = ReadingTimes::new(None);
        assert_eq!(kind(times.read_number("1795428000")), "2026-11-23T10:00:00.000000Z");
        assert_eq!(kind(times.read_text("1795428000000")), "time_units_mixed");
        assert_eq!(kind(times.read_text("2026-11-23T10:00:00Z")), "2026-11-23T10:00:00.000000Z");
        assert_eq!(kind(times.read_number("1.795428001e9")), "2026-11-23T10:00:01.000000Z");
        let mut times = ReadingTimes::with_default(None, TimeUnit::Nanoseconds);
        assert_eq!(kind(times.read_count(1_795_428_000_000_000_000)), "2026-11-23T10:00:00.000000Z");
        assert_eq!(kind(times.read_count(1_795_428_000)), "time_unit_unknown");
    }
}
