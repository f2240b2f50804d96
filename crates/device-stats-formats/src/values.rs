//! From what a client wrote to values of the domain, by pydantic's rules and with pydantic's words. What a JSON string,
//! a query parameter, a part of a path and a cell of a table may hold is one rule.
//!
//! Where this is stricter than pydantic (`docs/api-differences.md`): numbers must be finite, `_` between digits is
//! refused, and `true` is no id.

use std::borrow::Cow;

use device_stats_domain::{
    DeviceId, DeviceName, Email, Finite, InvalidDeviceId, InvalidText, InvalidTime, Moment, Timestamp,
    UserId, Username,
};
use serde_json::json;

use crate::faults::Problem;
use crate::json::Json;

/// Takes `null` for nothing, and anything else as `read` does.
pub fn nullable<T>(
    read: impl Fn(&Json) -> Result<T, Problem>,
) -> impl Fn(&Json) -> Result<Option<T>, Problem> {
    move |json| match json {
        Json::Null => Ok(None),
        other => read(other).map(Some),
    }
}

/// A finite double: a number, a number in text, or a truth value as 1 or 0.
pub fn finite(json: &Json) -> Result<Finite, Problem> {
    match json {
        Json::Number(text) => finite_text(text),
        Json::String(text) => finite_text(text.trim()),
        Json::Bool(value) => Ok(Finite::from(*value)),
        Json::Null | Json::Array(_) | Json::Object(_) => Err(no_number()),
    }
}

/// A finite double in text, correctly rounded however many digits it has.
pub fn finite_text(text: &str) -> Result<Finite, Problem> {
    let number = text.parse().map_err(|_| {
        Problem::new("float_parsing", "Input should be a valid number, unable to parse string as a number")
    })?;
    finite_number(number)
}

/// A finite double.
pub fn finite_number(number: f64) -> Result<Finite, Problem> {
    Finite::new(number).map_err(|_| not_finite())
}

/// Something that is not even nearly a number.
pub fn no_number() -> Problem {
    Problem::new("float_type", "Input should be a valid number")
}

fn not_finite() -> Problem {
    Problem::new("finite_number", "Input should be a finite number")
}

/// A truth value: itself, 1 or 0, or a word for it.
pub fn boolean(json: &Json) -> Result<bool, Problem> {
    let unknown =
        || Problem::new("bool_parsing", "Input should be a valid boolean, unable to interpret input");
    match json {
        Json::Bool(value) => Ok(*value),
        Json::Number(text) => match whole_float(text) {
            Ok(0) => Ok(false),
            Ok(1) => Ok(true),
            Ok(_) => Err(unknown()),
            Err(_) => Err(no_boolean()),
        },
        Json::String(text) => match text.to_ascii_lowercase().as_str() {
            "0" | "off" | "f" | "false" | "n" | "no" => Ok(false),
            "1" | "on" | "t" | "true" | "y" | "yes" => Ok(true),
            _ => Err(unknown()),
        },
        Json::Null | Json::Array(_) | Json::Object(_) => Err(no_boolean()),
    }
}

fn no_boolean() -> Problem {
    Problem::new("bool_type", "Input should be a valid boolean")
}

/// An integer of any size; what does not fit is as far out as an `i64` goes.
pub fn integer(json: &Json) -> Result<i64, Problem> {
    match json {
        Json::Number(text) => integer_text(text).or_else(|_| whole_float(text)),
        Json::String(text) => integer_text(text.trim()),
        Json::Null | Json::Bool(_) | Json::Array(_) | Json::Object(_) => {
            Err(Problem::new("int_type", "Input should be a valid integer"))
        }
    }
}

/// An integer in text: digits with a sign or none, and perhaps a fraction of zeros.
pub fn integer_text(text: &str) -> Result<i64, Problem> {
    let problem = || {
        Problem::new("int_parsing", "Input should be a valid integer, unable to parse string as an integer")
    };
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let whole = match digits.split_once('.') {
        Some((whole, zeros)) if !zeros.is_empty() && zeros.bytes().all(|digit| digit == b'0') => whole,
        Some(_) => return Err(problem()),
        None => digits,
    };
    if whole.is_empty() || !whole.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(problem());
    }
    let magnitude = whole.parse().unwrap_or(i64::MAX);
    Ok(if negative { -magnitude } else { magnitude })
}

/// An integer written with a point or an exponent.
fn whole_float(text: &str) -> Result<i64, Problem> {
    let number: f64 = text.parse().unwrap_or(f64::NAN);
    if !number.is_finite() {
        Err(not_finite())
    } else if number.fract() != 0.0 {
        let msg = "Input should be a valid integer, got a number with a fractional part";
        Err(Problem::new("int_from_float", msg))
    } else if number.abs() < 2_f64.powi(63) {
        #[expect(clippy::cast_possible_truncation, reason = "whole, and smaller than 2^63")]
        Ok(number as i64)
    } else {
        let msg = "Unable to parse input string as an integer, exceeded maximum size";
        Err(Problem::new("int_parsing_size", msg))
    }
}

/// An integer of at least `least`.
pub fn at_least(least: i64, number: i64) -> Result<i64, Problem> {
    if number >= least {
        return Ok(number);
    }
    let msg = format!("Input should be greater than or equal to {least}");
    Err(Problem::new("greater_than_equal", msg).with(json!({"ge": least})))
}

/// An integer of at most `most`.
pub fn at_most(most: i64, number: i64) -> Result<i64, Problem> {
    if number <= most {
        return Ok(number);
    }
    let msg = format!("Input should be less than or equal to {most}");
    Err(Problem::new("less_than_equal", msg).with(json!({"le": most})))
}

/// The id of a user. Ids beyond 64 bits name nobody, like the last one, which is never given.
pub fn user_id(json: &Json) -> Result<UserId, Problem> {
    integer(json).map(UserId)
}

/// A moment: a time in text or a number of seconds or milliseconds.
pub fn moment(json: &Json) -> Result<Moment, Problem> {
    match json {
        Json::String(text) => moment_text(text),
        Json::Number(text) => moment_number(text),
        Json::Null | Json::Bool(_) | Json::Array(_) | Json::Object(_) => {
            Err(Problem::new("datetime_type", "Input should be a valid datetime"))
        }
    }
}

/// A moment in text.
pub fn moment_text(text: &str) -> Result<Moment, Problem> {
    Moment::parse(text).map_err(time_problem)
}

/// A moment as a number of seconds or milliseconds.
fn moment_number(text: &str) -> Result<Moment, Problem> {
    let number: f64 = text.parse().unwrap_or(f64::NAN);
    Moment::from_number(number).map_err(time_problem)
}

/// The time of a reading.
pub fn timestamp(json: &Json) -> Result<Timestamp, Problem> {
    moment(json).and_then(writable)
}

/// The time of a reading, in text.
pub fn timestamp_text(text: &str) -> Result<Timestamp, Problem> {
    moment_text(text).and_then(writable)
}

/// The time of a reading, as the text of a number.
pub fn timestamp_number(text: &str) -> Result<Timestamp, Problem> {
    moment_number(text).and_then(writable)
}

/// The time of a reading, as microseconds since 1970.
pub fn timestamp_micros(micros: i64) -> Result<Timestamp, Problem> {
    Timestamp::from_micros(micros).map_err(time_problem)
}

fn writable(moment: Moment) -> Result<Timestamp, Problem> {
    Timestamp::try_from(moment).map_err(time_problem)
}

fn time_problem(error: InvalidTime) -> Problem {
    let words = error.to_string();
    let (kind, what) = match error {
        InvalidTime::Text(_) => ("datetime_from_date_parsing", "datetime or date"),
        InvalidTime::Number(_) | InvalidTime::YearZero | InvalidTime::NotANumber | InvalidTime::YearInUtc => {
            ("datetime_parsing", "datetime")
        }
    };
    Problem::new(kind, format!("Input should be a valid {what}, {words}")).with(json!({"error": words}))
}

fn text(json: &Json) -> Result<&str, Problem> {
    match json {
        Json::String(text) => Ok(text),
        _ => Err(no_text()),
    }
}

/// Something that is no text.
pub fn no_text() -> Problem {
    Problem::new("string_type", "Input should be a valid string")
}

/// A username.
pub fn username(json: &Json) -> Result<Username, Problem> {
    Username::new(text(json)?).map_err(text_problem)
}

/// What people call a device.
pub fn device_name(json: &Json) -> Result<DeviceName, Problem> {
    DeviceName::new(text(json)?).map_err(text_problem)
}

/// The id of a device to be.
pub fn device_id(json: &Json) -> Result<DeviceId, Problem> {
    device_id_text(text(json)?)
}

/// The id of a device, in text.
pub fn device_id_text(text: &str) -> Result<DeviceId, Problem> {
    DeviceId::new(text).map_err(|error| match error {
        InvalidDeviceId::Text(error) => text_problem(error),
        InvalidDeviceId::Control | InvalidDeviceId::OuterSpace | InvalidDeviceId::Dots => value_error(error),
    })
}

/// An email address.
pub fn email(json: &Json) -> Result<Email, Problem> {
    Email::parse(text(json)?).map_err(|error| {
        let reason = error.to_string();
        let msg = format!("value is not a valid email address: {reason}");
        Problem::new("value_error", msg).with(json!({"reason": reason}))
    })
}

fn text_problem(error: InvalidText) -> Problem {
    match error {
        InvalidText::Empty => Problem::new("string_too_short", "String should have at least 1 character")
            .with(json!({"min_length": 1})),
        InvalidText::TooLong { bytes_max } => {
            let msg = format!("String should have at most {bytes_max} bytes");
            Problem::new("string_too_long", msg).with(json!({"max_length": bytes_max}))
        }
        InvalidText::Nul => value_error(error),
    }
}

fn value_error(error: impl std::error::Error) -> Problem {
    Problem::new("value_error", Cow::Owned(format!("Value error, the text {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn string(text: &str) -> Json {
        Json::String(text.to_owned())
    }

    fn number(text: &str) -> Json {
        Json::Number(text.to_owned())
    }

    fn kind<T: std::fmt::Debug>(read: Result<T, Problem>) -> &'static str {
        read.unwrap_err().kind
    }

    #[test]
    fn numbers_as_pydantic_reads_them() {
        for (json, expected) in [
            (number("1"), 1.0),
            (number("-0.0"), 0.0),
            (number("9007199254740993"), 9_007_199_254_740_992.0),
            (number("1e-400"), 0.0),
            (number("179769313486231580793728971405301e276"), f64::MAX),
            (number(&format!("0.{}1", "0".repeat(2000))), 0.0),
            (string(" 7 "), 7.0),
            (string("\u{a0}+.5"), 0.5),
            (string("1."), 1.0),
            (Json::Bool(true), 1.0),
        ] {
            assert_eq!(finite(&json).map(Finite::get), Ok(expected), "{json:?}");
        }
        for text in ["NaN", "Infinity", "-Infinity", "1e999"] {
            assert_eq!(kind(finite(&number(text))), "finite_number");
            assert_eq!(kind(finite(&string(text))), "finite_number");
        }
        assert_eq!(kind(finite(&number(&format!("1{}", "0".repeat(5000))))), "finite_number");
        for text in ["", " ", "1_0", "0x10", "--7", "1,5", "١"] {
            assert_eq!(kind(finite(&string(text))), "float_parsing", "{text}");
        }
        assert_eq!(kind(finite(&Json::Null)), "float_type");
        assert_eq!(kind(finite(&Json::Array(vec![number("1")]))), "float_type");
    }

    #[test]
    fn truth_values_as_pydantic_reads_them() {
        for (json, expected) in [
            (Json::Bool(true), true),
            (number("0"), false),
            (number("1"), true),
            (number("1.0"), true),
            (string("Yes"), true),
            (string("off"), false),
        ] {
            assert_eq!(boolean(&json), Ok(expected), "{json:?}");
        }
        for json in [number("2"), number("-1"), string("maybe"), string(""), string(" true")] {
            assert_eq!(kind(boolean(&json)), "bool_parsing", "{json:?}");
        }
        for json in [Json::Null, number("0.5"), number("NaN"), Json::Array(vec![])] {
            assert_eq!(kind(boolean(&json)), "bool_type", "{json:?}");
        }
    }

    #[test]
    fn integers_as_pydantic_reads_them() {
        for (text, expected) in [
            ("1", 1),
            ("+1", 1),
            (" -1 ", -1),
            ("007", 7),
            ("1.00", 1),
            ("-0.0", 0),
            ("9223372036854775808", i64::MAX),
            ("1000000000000000000000000000000", i64::MAX),
            ("-99999999999999999999", -i64::MAX),
        ] {
            assert_eq!(integer(&string(text)), Ok(expected), "{text}");
        }
        for text in ["", "+", "-", "+-1", "1.", ".0", "1.5", "1e3", "1_0", "0x10", "abc", "١", "1\0", "nan"]
        {
            assert_eq!(kind(integer(&string(text))), "int_parsing", "{text}");
        }
        assert_eq!(integer(&number("1e3")), Ok(1000));
        assert_eq!(integer(&number("1.0")), Ok(1));
        assert_eq!(kind(integer(&number("1.5"))), "int_from_float");
        assert_eq!(kind(integer(&number("1e19"))), "int_parsing_size");
        assert_eq!(kind(integer(&number("1e400"))), "finite_number");
        assert_eq!(kind(integer(&number("NaN"))), "finite_number");
        assert_eq!(kind(integer(&Json::Bool(true))), "int_type");
    }
}
