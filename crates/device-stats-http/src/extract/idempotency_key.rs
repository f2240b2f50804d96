//! `Idempotency-Key`: the client's name for a request that it may send again.
//!
//! By the IETF draft (draft-ietf-httpapi-idempotency-key-header) the value is a string of RFC 8941, in
//! quotation marks. Many clients omit the quotation marks, so a key without them is also valid.

use axum::http::HeaderValue;
use device_stats_domain::{IdempotencyKey, contains_token};
use device_stats_formats::{Faults, Json, LocationStep, Problem};
use utoipa::IntoParams;

use super::input::{FromInput, Input};

const IDEMPOTENCY_KEY: &str = "Idempotency-Key";

/// `Idempotency-Key`.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "describes `KeyHeader`")]
pub(crate) struct KeyParam {
    /// A key that the client chooses for this request: 1 to 255 printable ASCII characters, preferably a
    /// UUID. It makes a retry safe: if the same readings arrive with the same key within 24 hours (a
    /// setting), the response is that of the first request, and nothing is stored twice. The same key with
    /// other readings is refused (422). A failed request uses up no key.
    #[param(rename = "Idempotency-Key", example = "8e03978e-40d5-43dd-bc93-6894a57f9324")]
    key: Option<String>,
}

/// The idempotency key of a request, if it has one.
pub(crate) struct KeyHeader(pub(crate) Option<IdempotencyKey>);

impl FromInput for KeyHeader {
    fn read(input: &Input, faults: &mut Faults) -> Option<Self> {
        let mut values = input.headers.get_all(IDEMPOTENCY_KEY).iter();
        let Some(value) = values.next() else { return Some(Self(None)) };
        let key = match values.next() {
            Some(_) => Err(Problem::new("repeated", "Header is repeated")),
            None => parse(value),
        };
        let input = Json::String(String::from_utf8_lossy(value.as_bytes()).into_owned());
        faults.keep(key_location(), &input, key).map(|key| Self(Some(key)))
    }
}

/// Returns the location of the key in a fault.
pub(crate) fn key_location() -> Vec<LocationStep> {
    vec!["header".into(), IDEMPOTENCY_KEY.into()]
}

fn parse(value: &HeaderValue) -> Result<IdempotencyKey, Problem> {
    let invalid = |why: &str| Problem::new("idempotency_key_invalid", format!("The key {why}"));
    let text = value.to_str().map_err(|_| invalid("has a character outside printable ASCII"))?;
    let key = match text.strip_prefix('"') {
        Some(quoted) => unquote(quoted).ok_or_else(|| invalid("has no closing quotation mark at its end"))?,
        None => text.to_owned(),
    };
    // The store keeps the key.
    if contains_token(&key) {
        return Err(invalid("contains an access token, which is a secret"));
    }
    IdempotencyKey::new(key).map_err(|error| invalid(&error.to_string()))
}

/// Returns the text of a string of RFC 8941 from the text after its opening quotation mark. Returns `None` if
/// it does not end with the closing quotation mark.
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
    use device_stats_domain::{Token, TokenKind};

    use super::*;

    /// A client that sent its token as a key made the service store it.
    #[test]
    fn a_token_is_no_key() {
        let token = Token::from_random(TokenKind::Device, &[3; 32]);
        for key in [token.expose().to_owned(), format!("\"request {}\"", token.expose())] {
            let refused = parse(&HeaderValue::from_str(&key).unwrap()).unwrap_err();
            assert_eq!(refused.msg, "The key contains an access token, which is a secret");
        }
    }

    #[test]
    fn a_key_may_be_quoted() {
        let parse = |text| parse(&HeaderValue::from_bytes(text).unwrap());
        for (text, key) in [
            (&b"k-1"[..], "k-1"),
            (b"\"k-1\"", "k-1"),
            (b"\"a \\\"b\\\" \\\\\"", "a \"b\" \\"),
            (b"k\"1", "k\"1"),
        ] {
            assert_eq!(parse(text).unwrap().as_str(), key);
        }
        for invalid in [&b""[..], b"\"\"", b"\"k", b"\"k\";a", b"\"k\\", b"\"\\k\"", b"\xff", b"a\tb"] {
            assert_eq!(parse(invalid).unwrap_err().kind, "idempotency_key_invalid", "{invalid:?}");
        }
    }
}
