//! Idempotency keys, with which a client names a request so that a retry has no second effect.

use crate::limits::IDEMPOTENCY_KEY_BYTES_MAX;

/// A client's name for one request: 1 to [`IDEMPOTENCY_KEY_BYTES_MAX`] printable ASCII characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdempotencyKey(String);

/// The rule that a text breaks as an idempotency key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidIdempotencyKey {
    /// It is empty.
    #[error("is empty")]
    Empty,
    /// It is longer than [`IDEMPOTENCY_KEY_BYTES_MAX`].
    #[error("is longer than {IDEMPOTENCY_KEY_BYTES_MAX} characters")]
    TooLong,
    /// It has a character outside printable ASCII.
    #[error("has a character outside printable ASCII")]
    Unprintable,
}

impl IdempotencyKey {
    /// Makes a key from an unchanged text.
    ///
    /// # Errors
    /// [`InvalidIdempotencyKey`] names the broken rule.
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

    /// Returns the key with its owner as a prefix, so that several owners can use the same text. No client
    /// can send the result, because it has a tab. It can be longer than [`IDEMPOTENCY_KEY_BYTES_MAX`].
    #[must_use]
    pub fn of_owner(&self, owner: &str) -> Self {
        Self(format!("{owner}\t{}", self.0))
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_and_unprintable_keys_are_refused() {
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
