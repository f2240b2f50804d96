//! Users, the owners of devices.

use std::fmt;

use device_stats_email::Email;

use crate::limits::USERNAME_BYTES_MAX;
use crate::text::{self, InvalidText};
use crate::time::Timestamp;

/// Integer id of a user, in the HTTP contract and in the store. A value need not belong to an existing user.
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
    /// Makes a username from an unchanged text.
    ///
    /// # Errors
    /// [`InvalidText`] names the broken rule.
    pub fn new(name: impl Into<String>) -> Result<Self, InvalidText> {
        let name = name.into();
        text::check_present(&name, USERNAME_BYTES_MAX)?;
        Ok(Self(name))
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A user that is not registered yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewUser {
    /// Unique among users.
    pub username: Username,
    /// Unique among users.
    pub email: Email,
}

/// Changes to a user. A field that is `None` keeps its value.
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
    /// Assigned by the store, and never reused.
    pub id: UserId,
    /// Unique among users.
    pub username: Username,
    /// Unique among users.
    pub email: Email,
    /// Time of creation; `None` for a user that was created before stores recorded this time.
    pub created_at: Option<Timestamp>,
}
