//! Booleans.

use super::integer::whole_float;
use crate::faults::Problem;
use crate::json::Json;

/// Reads a boolean: itself, 1 or 0, or a word such as `yes` or `off`.
///
/// # Errors
/// `bool_type` or `bool_parsing`.
pub fn boolean(json: &Json) -> Result<bool, Problem> {
    let unknown =
        || Problem::new("bool_parsing", "Input should be a valid boolean, unable to interpret input");
    match json {
        Json::Bool(value) => Ok(*value),
        Json::Number(text) => match whole_float(text) {
            Ok(0) => Ok(false),
            Ok(1) => Ok(true),
            Ok(_) => Err(unknown()),
            Err(_) => Err(not_a_boolean()),
        },
        Json::String(text) => match text.to_ascii_lowercase().as_str() {
            "0" | "off" | "f" | "false" | "n" | "no" => Ok(false),
            "1" | "on" | "t" | "true" | "y" | "yes" => Ok(true),
            _ => Err(unknown()),
        },
        Json::Null | Json::Array(_) | Json::Object(_) => Err(not_a_boolean()),
    }
}

fn not_a_boolean() -> Problem {
    Problem::new("bool_type", "Input should be a valid boolean")
}
