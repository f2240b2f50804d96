//! Email addresses, checked for syntax only: nothing is looked up.
//!
//! What is accepted, what it becomes and the words of a refusal are those of the Python library email-validator 2.4
//! behind pydantic's `EmailStr`, which the FastAPI clients know. Deliberate differences:
//!
//! - Unicode is that of this build, not that of a Python: a character assigned lately is a letter here, unknown there.
//! - Always refused, but without saying what else is wrong inside: quotes and brackets (`"a b"@x.org`, `a@[::1]`).
//! - Of characters that cannot be shown, only the usual ones are named; others are `U+2067`.
//! - Of a domain that IDNA refuses, the words say less about which rule it broke.

mod characters;
mod domain;
mod form;
mod label;
mod limits;
mod local;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt;

pub use limits::EMAIL_BYTES_MAX;

/// Longest text that is looked at, display name and white space included, in characters.
const TEXT_CHARS_MAX: usize = 2048;

/// An email address of at most [`EMAIL_BYTES_MAX`] bytes. The domain is in its Unicode form and lower-cased, so two
/// spellings of one domain are one address. The local part is in normal form C and keeps its case, unless it is a
/// name like `postmaster`, for which case has no meaning.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Email(String);

/// Why a text is no email address: a sentence in email-validator's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidEmail(Cow<'static, str>);

impl InvalidEmail {
    fn new(sentence: impl Into<Cow<'static, str>>) -> Self {
        Self(sentence.into())
    }
}

impl Email {
    /// Reads an address; of `Bob <bob@example.com>` the part in angle brackets is taken. White space around it is
    /// no part of it.
    ///
    /// # Errors
    /// [`InvalidEmail`] with a sentence that names the part at fault.
    pub fn parse(text: &str) -> Result<Self, InvalidEmail> {
        if text.chars().count() > TEXT_CHARS_MAX {
            return Err(InvalidEmail::new(format!("Length must not exceed {TEXT_CHARS_MAX} characters")));
        }
        if text.contains(['\r', '\n']) {
            return Err(InvalidEmail::new("Carriage return and line feed characters are not allowed"));
        }
        let address = form::without_display_name(text).trim_matches(form::is_space);
        let parts = form::split(address)?;
        let local = local::normalize(parts.local)?;
        let domain = domain::normalize(parts.domain)?;
        let normalized = format!("{local}@{}", domain.unicode);
        check_length(&format!("{}@{}", parts.local, parts.domain))?;
        check_bytes(&normalized, "after normalization")?;
        let ascii = format!("{local}@{}", domain.ascii);
        check_bytes(&ascii, "when the part after the @-sign is converted to IDNA ASCII")?;
        if parts.in_brackets {
            return Err(InvalidEmail::new(
                "A display name and angle brackets around the email address are not permitted here.",
            ));
        }
        Ok(Self(normalized))
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

/// Checks the length of an address as it was written. The limit counts bytes; people count characters, so where the
/// two differ, between how many and how many are to go is said.
fn check_length(address: &str) -> Result<(), InvalidEmail> {
    let bytes_over = address.len().saturating_sub(EMAIL_BYTES_MAX);
    if bytes_over == 0 {
        return Ok(());
    }
    let widest = address.chars().map(char::len_utf8).max().unwrap_or(1);
    let fewest = (bytes_over / widest).max(1);
    let range = if fewest == bytes_over { String::new() } else { format!("{fewest}-") };
    let too_many = too_many(bytes_over, "character");
    Err(InvalidEmail::new(format!("The email address is too long ({range}{too_many}).")))
}

/// Checks the length of another form of the address.
fn check_bytes(address: &str, form: &str) -> Result<(), InvalidEmail> {
    match address.len().saturating_sub(EMAIL_BYTES_MAX) {
        0 => Ok(()),
        over => Err(InvalidEmail::new(format!(
            "The email address is too long {form} ({}).",
            too_many(over, "byte")
        ))),
    }
}

/// `1 character too many`, `2 characters too many`.
fn too_many(count: usize, unit: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural} too many")
}
