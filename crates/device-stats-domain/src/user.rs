//! Users: who owns devices.

use std::fmt;

use device_stats_email::Email;

use crate::limits::USERNAME_BYTES_MAX;
use crate::text::{self, InvalidText};

/// The integer by which a user is known, outside and inside. Any value may be asked for; few exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserId(pub i64);

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A username: 1 to [`USERNAME_BYTES_MAX`] bytes without NUL, compared byte by byte.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Username(String);

impl Username {
    /// Takes a username as it is.
    ///
    /// # Errors
    /// The rule of [`InvalidText`] that is broken.
    pub fn new(name: impl Into<String>) -> Result<Self, InvalidText> {
        let name = name.into();
        text::check_present(&name, USERNAME_BYTES_MAX)?;
        Ok(Self(name))
    }

    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A user to be registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewUser {
    /// Unique among users.
    pub username: Username,
    /// Unique among users.
    pub email: Email,
}

/// What is to change about a user; `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserChange {
    /// The new username.
    pub username: Option<Username>,
    /// The new email address.
    pub email: Option<Email>,
}

/// A registered user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Given by the store, never given twice.
    pub id: UserId,
    /// Unique among users.
    pub username: Username,
    /// Unique among users.
    pub email: Email,
}
