//! Usernames, email addresses, and names and ids of devices.

use std::borrow::Cow;

use device_stats_domain::{
    DeviceId, DeviceIdPrefix, DeviceName, Email, InvalidDeviceId, InvalidText, SearchText, Username,
};
use serde_json::json;

use crate::faults::Problem;
use crate::json::Json;

pub(super) fn text(json: &Json) -> Result<&str, Problem> {
    match json {
        Json::String(text) => Ok(text),
        _ => Err(not_a_text()),
    }
}

/// Returns the problem of a value that is not a string.
pub(crate) fn not_a_text() -> Problem {
    Problem::new("string_type", "Input should be a valid string")
}

/// Reads a username.
///
/// # Errors
/// `string_type`, `string_too_short`, `string_too_long` or `value_error`.
pub fn username(json: &Json) -> Result<Username, Problem> {
    Username::new(text(json)?).map_err(text_problem)
}

/// Reads the name of a device.
///
/// # Errors
/// As [`username`].
pub fn device_name(json: &Json) -> Result<DeviceName, Problem> {
    DeviceName::new(text(json)?).map_err(text_problem)
}

/// Reads the id of a device.
///
/// # Errors
/// As [`username`].
pub fn device_id(json: &Json) -> Result<DeviceId, Problem> {
    device_id_text(text(json)?)
}

/// Reads the start of the ids of devices.
///
/// # Errors
/// As [`username`].
pub fn device_id_prefix(json: &Json) -> Result<DeviceIdPrefix, Problem> {
    DeviceIdPrefix::new(text(json)?).map_err(text_problem)
}

/// Reads a text to search for.
///
/// # Errors
/// As [`username`].
pub fn search_text(json: &Json) -> Result<SearchText, Problem> {
    SearchText::new(text(json)?).map_err(text_problem)
}

/// Parses the id of a device.
pub(crate) fn device_id_text(text: &str) -> Result<DeviceId, Problem> {
    DeviceId::new(text).map_err(|error| match error {
        InvalidDeviceId::Text(error) => text_problem(error),
        InvalidDeviceId::Control | InvalidDeviceId::OuterSpace | InvalidDeviceId::Dots => value_error(error),
    })
}

/// Reads an email address.
///
/// # Errors
/// `string_type` or `value_error`.
pub fn email(json: &Json) -> Result<Email, Problem> {
    Email::parse(text(json)?).map_err(|error| {
        let reason = error.to_string();
        let msg = format!("value is not a valid email address: {reason}");
        Problem::new("value_error", msg).with(json!({"reason": reason}))
    })
}

pub(super) fn text_problem(error: InvalidText) -> Problem {
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

pub(super) fn value_error(error: impl std::error::Error) -> Problem {
    Problem::new("value_error", Cow::Owned(format!("Value error, the text {error}")))
}
