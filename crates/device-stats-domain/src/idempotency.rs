//! Keys by which clients name their requests, so that a request can be sent again without being done twice.

use crate::limits::IDEMPOTENCY_KEY_BYTES_MAX;

/// A client's own name of one request: 1 to [`IDEMPOTENCY_KEY_BYTES_MAX`] printable characters of ASCII.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdempotencyKey(String);

/// Why a text cannot name a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidIdempotencyKey {
    /// It is empty.
    #[error("is empty")]
    Empty,
    /// It is longer than [`IDEMPOTENCY_KEY_BYTES_MAX`].
    #[error("is longer than {IDEMPOTENCY_KEY_BYTES_MAX} characters")]
    TooLong,
    /// It has a character that is no printable one of ASCII.
    #[error("has a character that is no printable one of ASCII")]
    Unprintable,
}

impl IdempotencyKey {
    /// Takes a key as it is.
    ///
    /// # Errors
    /// The rule of [`InvalidIdempotencyKey`] that is broken.
    pub fn new(key: impl Into<String>) -> Result<Self, InvalidIdempotencyKey> {
        let key = key.into();
        if key.is_empty() {
            Err(InvalidIdempotencyKey::Empty)
        } else if !key.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            Err(InvalidIdempotencyKey::Unprintable)
        } else if key.len() > IDEMPOTENCY_KEY_BYTES_MAX {
            Err(InvalidIdempotencyKey::TooLong)
        } else {
            Ok(Self(key))
        }
    }

    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_short_and_printable() {
        use InvalidIdempotencyKey::{Empty, TooLong, Unprintable};
        for good in ["k", "a b", "8e03978e-40d5-43dd-bc93-6894a57f9324", "~\"\\", &"k".repeat(255)] {
            assert_eq!(IdempotencyKey::new(good).unwrap().as_str(), good);
        }
        for (bad, why) in [
            ("", Empty),
            ("a\n", Unprintable),
            ("\u{7f}", Unprintable),
            ("p\u{fc}mp", Unprintable),
            (&"k".repeat(256), TooLong),
        ] {
            assert_eq!(IdempotencyKey::new(bad), Err(why), "{bad:?}");
        }
    }
}
