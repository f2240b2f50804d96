//! Moments, and the times of readings.

use device_stats_domain::{EpochNumber, InvalidTime, RequestTime, TimeUnit, Timestamp};
use serde_json::json;

use crate::faults::Problem;
use crate::json::Json;

/// Reads a moment: text, or a number of seconds or milliseconds since 1970 UTC.
///
/// # Errors
/// `datetime_type`, `datetime_parsing` or `datetime_from_date_parsing`.
pub fn moment(json: &Json) -> Result<RequestTime, Problem> {
    match json {
        Json::String(text) => moment_text(text),
        Json::Number(text) => moment_number(text),
        Json::Null | Json::Bool(_) | Json::Array(_) | Json::Object(_) => Err(not_a_moment()),
    }
}

/// Reads a moment in the range of readings; a time without a zone is in UTC.
///
/// # Errors
/// As [`moment`].
pub fn timestamp(json: &Json) -> Result<Timestamp, Problem> {
    to_timestamp(moment(json)?)
}

/// Returns the problem of a value that is neither text nor a number.
pub(crate) fn not_a_moment() -> Problem {
    Problem::new("datetime_type", "Input should be a valid datetime")
}

/// Parses a moment.
///
/// # Errors
/// `datetime_parsing` or `datetime_from_date_parsing`.
pub fn moment_text(text: &str) -> Result<RequestTime, Problem> {
    check_calendar(EpochNumber::parse(text))?;
    RequestTime::parse(text).map_err(time_problem)
}

/// Parses a number of seconds or milliseconds since 1970 UTC.
fn moment_number(text: &str) -> Result<RequestTime, Problem> {
    check_calendar(EpochNumber::parse(text))?;
    RequestTime::from_number_text(text).map_err(time_problem)
}

/// Reads the unit of numeric times, in the spelling of InfluxDB 1 or 2.
///
/// # Errors
/// `literal_error` for any other value.
pub fn time_unit(json: &Json) -> Result<TimeUnit, Problem> {
    let text = if let Json::String(text) = json { text.as_str() } else { "" };
    match text {
        "ns" | "n" => Ok(TimeUnit::Nanoseconds),
        "us" | "u" => Ok(TimeUnit::Microseconds),
        "ms" => Ok(TimeUnit::Milliseconds),
        "s" => Ok(TimeUnit::Seconds),
        _ => {
            let expected = "'ns', 'us', 'ms' or 's'";
            let problem = Problem::new("literal_error", format!("Input should be {expected}"));
            Err(problem.with(json!({ "expected": expected })))
        }
    }
}

/// Checks the time of a reading, in microseconds since 1970 UTC.
pub(crate) fn timestamp_micros(micros: i64) -> Result<Timestamp, Problem> {
    Timestamp::from_micros(micros).map_err(time_problem)
}

/// Refuses an integer that looks like a year or a compact date. As seconds or milliseconds, it would be a
/// different time, in 1970 or 2612.
fn check_calendar(number: Option<EpochNumber<'_>>) -> Result<(), Problem> {
    let Some(meant) = number.and_then(EpochNumber::as_integer).and_then(calendar_text) else { return Ok(()) };
    let msg = format!("Input looks like a date, not like a Unix time; write it as {meant}");
    Err(Problem::new("datetime_parsing", msg).with(json!({ "error": format!("write it as {meant}") })))
}

/// Returns the date, in RFC 3339, that an integer shows: a year from 1900 to 2100, `YYYYMM`, `YYYYMMDD`,
/// `YYYYMMDDhhmm` or `YYYYMMDDhhmmss`.
fn calendar_text(number: i64) -> Option<String> {
    let digits = number.to_string();
    let part = |range: std::ops::Range<usize>| digits.get(range).unwrap_or("00");
    let text = match digits.len() {
        4 => format!("{digits}-01-01"),
        6 => format!("{}-{}-01", part(0..4), part(4..6)),
        8 => format!("{}-{}-{}", part(0..4), part(4..6), part(6..8)),
        12 | 14 => {
            let date = format!("{}-{}-{}", part(0..4), part(4..6), part(6..8));
            format!("{date}T{}:{}:{}Z", part(8..10), part(10..12), part(12..14))
        }
        _ => return None,
    };
    let is_near = (1900..=2100).contains(&part(0..4).parse::<u32>().ok()?);
    (is_near && RequestTime::parse(&text).is_ok()).then_some(text)
}

/// Converts a moment to the time of a reading, and checks its range.
pub(crate) fn to_timestamp(moment: RequestTime) -> Result<Timestamp, Problem> {
    Timestamp::try_from(moment).map_err(time_problem)
}

pub(crate) fn time_problem(error: InvalidTime) -> Problem {
    let words = error.to_string();
    let (kind, expected) = match error {
        InvalidTime::Text(_) => ("datetime_from_date_parsing", "datetime or date"),
        InvalidTime::Number(_) | InvalidTime::YearZero | InvalidTime::NotANumber | InvalidTime::YearInUtc => {
            ("datetime_parsing", "datetime")
        }
    };
    Problem::new(kind, format!("Input should be a valid {expected}, {words}")).with(json!({"error": words}))
}
