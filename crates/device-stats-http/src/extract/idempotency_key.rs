//! The header `Idempotency-Key`, by which a client names a request that it may have to send again. After the draft of the
//! IETF (draft-ietf-httpapi-idempotency-key-header), it is a string of RFC 8941, in quotation marks; since many clients
//! leave them out, so may it be.

use axum::http::HeaderValue;
use device_stats_domain::IdempotencyKey;
use utoipa::IntoParams;

use crate::extract::input::{FromInput, Input};
use device_stats_formats::faults::{Faults, Problem, Step};
use device_stats_formats::json::Json;

const NAME: &str = "Idempotency-Key";

/// `Idempotency-Key`.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "describes the header; `KeyHeader` is read from it")]
pub(crate) struct KeyParam {
    /// The client's own name of this request: 1 to 255 printable characters of ASCII, best a UUID. Sent again with the same
    /// key and the same readings within 24 hours (a setting), a request is answered as it was the first time, and nothing is
    /// stored twice; with other readings it is refused (422). Only requests that were successful are remembered.
    #[param(rename = "Idempotency-Key", example = "8e03978e-40d5-43dd-bc93-6894a57f9324")]
    key: Option<String>,
}

/// The key of a request that has one.
pub(crate) struct KeyHeader(pub(crate) Option<IdempotencyKey>);

impl FromInput for KeyHeader {
    fn read(input: &Input, faults: &mut Faults) -> Option<Self> {
        let mut given = input.headers.get_all(NAME).iter();
        let Some(value) = given.next() else { return Some(Self(None)) };
        let read = match given.next() {
            Some(_) => Err(Problem::new("repeated", "Header is repeated")),
            None => read(value),
        };
        let shown = Json::String(String::from_utf8_lossy(value.as_bytes()).into_owned());
        faults.keep(loc(), &shown, read).map(|key| Self(Some(key)))
    }
}

/// Where in a request the key is.
pub(crate) fn loc() -> Vec<Step> {
    vec!["header".into(), NAME.into()]
}

fn read(value: &HeaderValue) -> Result<IdempotencyKey, Problem> {
    let invalid = |why: String| Problem::new("idempotency_key_invalid", format!("The key {why}"));
    let text = value.to_str().map_err(|_| invalid("has a character outside printable ASCII".into()))?;
    let key = match text.strip_prefix('"') {
        Some(quoted) => {
            unquote(quoted).ok_or_else(|| invalid("has no closing quotation mark at its end".into()))?
        }
        None => text.to_owned(),
    };
    IdempotencyKey::new(key).map_err(|error| invalid(error.to_string()))
}

/// The text of a string of RFC 8941, behind its first quotation mark; `None` where it does not end with the second one.
fn unquote(quoted: &str) -> Option<String> {
    let mut text = String::with_capacity(quoted.len());
    let mut characters = quoted.chars();
    loop {
        match characters.next()? {
            '"' => return characters.next().is_none().then_some(text),
            '\\' => text.push(characters.next().filter(|next| matches!(next, '"' | '\\'))?),
            other => text.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_may_be_quoted() {
        let read = |text| read(&HeaderValue::from_bytes(text).unwrap());
        for (text, key) in [
            (&b"k-1"[..], "k-1"),
            (b"\"k-1\"", "k-1"),
            (b"\"a \\\"b\\\" \\\\\"", "a \"b\" \\"),
            (b"k\"1", "k\"1"),
        ] {
            assert_eq!(read(text).unwrap().as_str(), key);
        }
        for bad in [&b""[..], b"\"\"", b"\"k", b"\"k\";a", b"\"k\\", b"\"\\k\"", b"\xff", b"a\tb"] {
            assert_eq!(read(bad).unwrap_err().kind, "idempotency_key_invalid", "{bad:?}");
        }
    }
}
