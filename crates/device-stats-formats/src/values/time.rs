//! Moments, and the times of readings.

use device_stats_domain::{InvalidTime, RequestTime, Timestamp};
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
        Json::Null | Json::Bool(_) | Json::Array(_) | Json::Object(_) => {
            Err(Problem::new("datetime_type", "Input should be a valid datetime"))
        }
    }
}

/// Parses a moment.
///
/// # Errors
/// `datetime_parsing` or `datetime_from_date_parsing`.
pub fn moment_text(text: &str) -> Result<RequestTime, Problem> {
    RequestTime::parse(text).map_err(time_problem)
}

/// Parses a number of seconds or milliseconds since 1970 UTC.
fn moment_number(text: &str) -> Result<RequestTime, Problem> {
    let number: f64 = text.parse().unwrap_or(f64::NAN);
    RequestTime::from_number(number).map_err(time_problem)
}

/// Reads the time of a reading.
///
/// # Errors
/// As [`moment`].
pub(crate) fn timestamp(json: &Json) -> Result<Timestamp, Problem> {
    moment(json).and_then(to_timestamp)
}

/// Parses the time of a reading.
pub(crate) fn timestamp_text(text: &str) -> Result<Timestamp, Problem> {
    moment_text(text).and_then(to_timestamp)
}

/// Parses the time of a reading from the text of a number.
pub(crate) fn timestamp_number(text: &str) -> Result<Timestamp, Problem> {
    moment_number(text).and_then(to_timestamp)
}

/// Checks the time of a reading, in microseconds since 1970 UTC.
pub(crate) fn timestamp_micros(micros: i64) -> Result<Timestamp, Problem> {
    Timestamp::from_micros(micros).map_err(time_problem)
}

fn to_timestamp(moment: RequestTime) -> Result<Timestamp, Problem> {
    Timestamp::try_from(moment).map_err(time_problem)
}

fn time_problem(error: InvalidTime) -> Problem {
    let words = error.to_string();
    let (kind, expected) = match error {
        InvalidTime::Text(_) => ("datetime_from_date_parsing", "datetime or date"),
        InvalidTime::Number(_) | InvalidTime::YearZero | InvalidTime::NotANumber | InvalidTime::YearInUtc => {
            ("datetime_parsing", "datetime")
        }
    };
    Problem::new(kind, format!("Input should be a valid {expected}, {words}")).with(json!({"error": words}))
}
