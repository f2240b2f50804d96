//! Access tokens as a store keeps them: everything except the secret.

use std::fmt;

use super::{TokenHash, TokenKind};
use crate::device::{DeviceId, DeviceKey};
use crate::identity::Identity;
use crate::limits::TOKEN_NAME_BYTES_MAX;
use crate::scope::Scopes;
use crate::text::{self, InvalidText};
use crate::time::Timestamp;
use crate::user::UserId;

/// Number of characters of the secret part that people see.
pub(super) const SHOWN_CHARACTERS: usize = 6;

/// Integer id of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenId(pub i64);

impl fmt::Display for TokenId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// The name that people give a token: 1 to [`TOKEN_NAME_BYTES_MAX`] bytes without control characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenName(String);

/// The rule that a text breaks as the name of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTokenName {
    /// It breaks a rule of every text.
    #[error(transparent)]
    Text(#[from] InvalidText),
    /// It contains a control character, such as a line break.
    #[error("contains a control character")]
    Control,
}

impl TokenName {
    /// Makes a name from an unchanged text.
    ///
    /// # Errors
    /// [`InvalidTokenName`] names the broken rule.
    pub fn new(name: impl Into<String>) -> Result<Self, InvalidTokenName> {
        let name = name.into();
        text::check_present(&name, TOKEN_NAME_BYTES_MAX)?;
        if name.chars().any(char::is_control) { Err(InvalidTokenName::Control) } else { Ok(Self(name)) }
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The beginning of a token, such as `dss_u_nS4x9Q`, by which people recognize it. The rest still has 220
/// random bits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenPrefix(String);

impl TokenPrefix {
    pub(super) fn of(token: &str) -> Self {
        Self(token.chars().take(super::HEAD_CHARACTERS + SHOWN_CHARACTERS).collect())
    }

    /// Returns the prefix that a store has kept.
    pub fn from_stored(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The party that holds a stored token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenHolder {
    /// An administrator.
    Administrator,
    /// A user.
    User(UserId),
    /// A device.
    Device {
        /// Its internal key.
        key: DeviceKey,
        /// Its external identifier.
        device_id: DeviceId,
    },
}

impl TokenHolder {
    /// Returns the identity that the token gives to a client.
    pub fn identity(&self) -> Identity {
        match *self {
            Self::Administrator => Identity::Administrator,
            Self::User(id) => Identity::User(id),
            Self::Device { key, .. } => Identity::Device(key),
        }
    }
}

/// A token that is not stored yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewToken {
    /// The hash of the secret.
    pub hash: TokenHash,
    /// The beginning of the secret.
    pub prefix: TokenPrefix,
    /// The party that holds it.
    pub holder: Identity,
    /// The kinds of actions that it allows.
    pub scopes: Scopes,
    /// Its name.
    pub name: Option<TokenName>,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Time from which it is not accepted.
    pub expires_at: Option<Timestamp>,
}

/// A stored token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredToken {
    /// Assigned by the store, and never reused.
    pub id: TokenId,
    /// The beginning of the secret.
    pub prefix: TokenPrefix,
    /// The party that holds it.
    pub holder: TokenHolder,
    /// The kinds of actions that it allows.
    pub scopes: Scopes,
    /// Its name.
    pub name: Option<TokenName>,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Time from which it is not accepted.
    pub expires_at: Option<Timestamp>,
    /// Time of the last request with it, to the minute; `None` before the first one.
    pub last_used_at: Option<Timestamp>,
}

impl StoredToken {
    /// Returns whether the token is accepted at a time.
    pub fn is_valid_at(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }
}

impl Identity {
    /// Returns the kind of the tokens of this identity.
    pub fn token_kind(self) -> TokenKind {
        match self {
            Self::Administrator => TokenKind::Administrator,
            Self::User(_) => TokenKind::User,
            Self::Device(_) => TokenKind::Device,
        }
    }
}
