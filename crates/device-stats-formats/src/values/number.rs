//! Finite doubles.

use device_stats_domain::Finite;

use crate::faults::Problem;
use crate::json::Json;

/// Reads a finite double: a number, a string with a number, or a boolean as 1 or 0.
///
/// # Errors
/// `float_type`, `float_parsing` or `finite_number`.
pub fn finite(json: &Json) -> Result<Finite, Problem> {
    match json {
        Json::Number(text) => finite_text(text),
        Json::String(text) => finite_text(text.trim()),
        Json::Bool(value) => Ok(Finite::from(*value)),
        Json::Null | Json::Array(_) | Json::Object(_) => Err(not_a_number()),
    }
}

/// Parses a finite double, correctly rounded whatever its number of digits.
///
/// # Errors
/// `float_parsing` or `finite_number`.
pub(crate) fn finite_text(text: &str) -> Result<Finite, Problem> {
    let number = text.parse().map_err(|_| {
        Problem::new(
            "float_parsing",
            match text {
                "" => "Input should be a valid number, the string is empty",
                _ => "Input should be a valid number, unable to parse string as a number",
            },
        )
    })?;
    finite_number(number)
}

/// Checks that a double is finite.
///
/// # Errors
/// `finite_number`.
pub(crate) fn finite_number(number: f64) -> Result<Finite, Problem> {
    Finite::new(number).map_err(|_| not_finite())
}

/// Returns the problem of a value that is not a number.
pub(crate) fn not_a_number() -> Problem {
    Problem::new("float_type", "Input should be a valid number")
}

pub(super) fn not_finite() -> Problem {
    Problem::new("finite_number", "Input should be a finite number")
}
