//! Email addresses, checked for syntax only: nothing is looked up.

use std::fmt;
use std::str::FromStr;

use email_address::EmailAddress;

use crate::limits::EMAIL_BYTES_MAX;

/// An email address. The domain is lower-cased, so two spellings of one domain are one address; the local part is
/// compared byte by byte.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Email(String);

/// Why a text is no email address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidEmail(&'static str);

impl Email {
    /// Reads an address; of `Bob <bob@example.com>` the part in angle brackets is taken.
    ///
    /// # Errors
    /// [`InvalidEmail`] with a sentence that names the part at fault.
    pub fn parse(text: &str) -> Result<Self, InvalidEmail> {
        let _ = (text, EMAIL_BYTES_MAX, EmailAddress::from_str(text));
        Err(InvalidEmail("unfinished"))
    }

    /// The address itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
