//! Integers, bounds, and ids of users.

use device_stats_domain::UserId;
use serde_json::json;

use super::number::not_finite;
use crate::faults::Problem;
use crate::json::Json;

/// Reads an integer of any size. An integer beyond `i64` becomes `i64::MIN` or `i64::MAX`.
///
/// # Errors
/// `int_type`, `int_parsing`, `int_from_float`, `int_parsing_size` or `finite_number`.
pub fn integer(json: &Json) -> Result<i64, Problem> {
    match json {
        Json::Number(text) => integer_text(text).or_else(|_| whole_float(text)),
        Json::String(text) => integer_text(text.trim()),
        Json::Null | Json::Bool(_) | Json::Array(_) | Json::Object(_) => {
            Err(Problem::new("int_type", "Input should be a valid integer"))
        }
    }
}

/// Parses digits, with an optional sign and an optional fraction of zeros.
fn integer_text(text: &str) -> Result<i64, Problem> {
    let problem = || {
        Problem::new(
            "int_parsing",
            match text {
                "" => "Input should be a valid integer, the string is empty",
                _ => "Input should be a valid integer, unable to parse string as an integer",
            },
        )
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
    let magnitude = whole.parse().unwrap_or(u64::MAX);
    Ok(if negative {
        0_i64.saturating_sub_unsigned(magnitude)
    } else {
        0_i64.saturating_add_unsigned(magnitude)
    })
}

/// Parses an integer with a point or an exponent.
pub(super) fn whole_float(text: &str) -> Result<i64, Problem> {
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

/// Checks that an integer is at least `minimum`.
///
/// # Errors
/// `greater_than_equal`.
pub fn at_least(minimum: i64, number: i64) -> Result<i64, Problem> {
    if number >= minimum {
        return Ok(number);
    }
    let msg = format!("Input should be greater than or equal to {minimum}");
    Err(Problem::new("greater_than_equal", msg).with(json!({"ge": minimum})))
}

/// Checks that an integer is at most `maximum`.
///
/// # Errors
/// `less_than_equal`.
pub fn at_most(maximum: i64, number: i64) -> Result<i64, Problem> {
    if number <= maximum {
        return Ok(number);
    }
    let msg = format!("Input should be less than or equal to {maximum}");
    Err(Problem::new("less_than_equal", msg).with(json!({"le": maximum})))
}

/// Reads the id of a user. An id beyond 64 bits becomes the largest id, which no user has.
///
/// # Errors
/// As [`integer`].
pub fn user_id(json: &Json) -> Result<UserId, Problem> {
    integer(json).map(UserId)
}
