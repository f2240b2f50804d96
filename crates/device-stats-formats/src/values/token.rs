//! The members of a new access token.

use device_stats_domain::{DeviceId, InvalidToken, InvalidTokenName, Scope, Token, TokenName, UserId};
use serde_json::json;

use super::integer::user_id;
use super::text::{device_id, text, text_problem, value_error};
use crate::faults::Problem;
use crate::json::Json;

/// The party that holds a token, as a client names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HolderName {
    /// An administrator.
    Administrator,
    /// A user.
    User(UserId),
    /// A device.
    Device(DeviceId),
}

/// Reads the holder of a token: `"admin"`, `{"user_id": 1}` or `{"device_id": "pump-7"}`.
///
/// # Errors
/// `literal_error` for another text or object; the errors of [`user_id`] and [`device_id`].
pub fn token_holder(json: &Json) -> Result<HolderName, Problem> {
    match json {
        Json::String(text) if text == "admin" => Ok(HolderName::Administrator),
        Json::Object(members) => match members.as_slice() {
            [(name, value)] if name == "user_id" => user_id(value).map(HolderName::User),
            [(name, value)] if name == "device_id" => device_id(value).map(HolderName::Device),
            _ => Err(unknown_holder()),
        },
        _ => Err(unknown_holder()),
    }
}

fn unknown_holder() -> Problem {
    literal(r#"'admin', {"user_id": 1} or {"device_id": "pump-7"}"#)
}

fn literal(expected: &'static str) -> Problem {
    Problem::new("literal_error", format!("Input should be {expected}")).with(json!({ "expected": expected }))
}

/// Reads the name of a scope.
///
/// # Errors
/// `literal_error`.
pub fn scope(json: &Json) -> Result<Scope, Problem> {
    let name = if let Json::String(name) = json { name.as_str() } else { "" };
    name.parse().map_err(|_| literal("'ingest', 'read', 'manage' or 'admin'"))
}

/// Reads a token. No fault repeats its text, which may be a secret with a typing error: the inner error is
/// not a fault.
///
/// # Errors
/// `string_type`.
pub fn token(json: &Json) -> Result<Result<Token, InvalidToken>, Problem> {
    text(json).map(Token::parse)
}

/// Reads the name of a token.
///
/// # Errors
/// `string_type`, `string_too_short`, `string_too_long` or `value_error`.
pub fn token_name(json: &Json) -> Result<TokenName, Problem> {
    TokenName::new(text(json)?).map_err(|error| match error {
        InvalidTokenName::Text(error) => text_problem(error),
        InvalidTokenName::Control => value_error(error),
    })
}
