//! Sessions of browsers. A browser signs in with a token once, and afterwards sends the secret of its session
//! in a cookie.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::StoredToken;
use crate::time::Timestamp;

/// Number of characters of a secret: 32 bytes in base64url without padding.
const SECRET_CHARACTERS: usize = 43;

/// The secret of a session: 32 random bytes in base64url without padding (RFC 4648, section 5). No `Debug`
/// output shows it, and it is erased when it is dropped.
#[derive(Clone, Debug)]
pub struct SessionSecret(SecretString);

/// The SHA-256 of the secret of a session. Stores keep it instead of the secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionHash(pub [u8; 32]);

/// A stored session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The token with which the browser has signed in.
    pub token: StoredToken,
    /// Time of the sign-in.
    pub created_at: Timestamp,
    /// Time of the last request, to the minute; at first the time of the sign-in.
    pub last_used_at: Timestamp,
}

impl SessionSecret {
    /// Makes a secret from 32 random bytes of a generator for secrets.
    pub fn from_random(random: &[u8; 32]) -> Self {
        Self(BASE64_URL_SAFE_NO_PAD.encode(random).into())
    }

    /// Reads a secret from a cookie; `None` if the text is not one.
    pub fn parse(text: &str) -> Option<Self> {
        let is_alphabet = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        (text.len() == SECRET_CHARACTERS && text.bytes().all(is_alphabet)).then(|| Self(text.into()))
    }

    /// Returns the text. It is a secret: show it only to the browser.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Returns the hash by which a store finds the session.
    pub fn hash(&self) -> SessionHash {
        SessionHash(Sha256::digest(self.expose()).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_read_back_and_not_shown() {
        let secret = SessionSecret::from_random(&[0xFB; 32]);
        let read = SessionSecret::parse(secret.expose()).unwrap();
        assert_eq!(read.hash(), secret.hash());
        assert!(!format!("{secret:?}").contains(secret.expose()));
        for other in ["", "a", &secret.expose()[1..], &format!("{}=", secret.expose()), &"\u{e9}".repeat(22)]
        {
            assert!(SessionSecret::parse(other).is_none(), "{other}");
        }
    }
}
