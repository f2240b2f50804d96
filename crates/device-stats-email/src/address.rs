//! Email addresses: the order of the checks, and the size of the whole. The rules of each part are in other
//! modules.

use std::fmt;

use crate::error::{InvalidEmail, too_many};
use crate::limits::{EMAIL_BYTES_MAX, INPUT_CHARS_MAX};
use crate::{domain, local, structure};

/// A valid, normalized email address of at most [`EMAIL_BYTES_MAX`] bytes.
///
/// The domain is lower-cased and in its Unicode form, so all spellings of a domain give the same address. The
/// local part is in Unicode normalization form C and keeps its case, except for role names such as
/// `postmaster`, whose case has no meaning.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Email(String);

impl Email {
    /// Parses and normalizes an address. Surrounding white space and a display name, as in
    /// `Bob <bob@example.com>`, are removed.
    ///
    /// # Errors
    /// [`InvalidEmail`], whose message names the faulty part.
    pub fn parse(text: &str) -> Result<Self, InvalidEmail> {
        if text.chars().count() > INPUT_CHARS_MAX {
            return Err(InvalidEmail::new(format!("Length must not exceed {INPUT_CHARS_MAX} characters")));
        }
        if text.contains(['\r', '\n']) {
            return Err(InvalidEmail::new("Carriage return and line feed characters are not allowed"));
        }
        let address = structure::without_display_name(text).trim_matches(structure::is_space);
        let split = structure::split(address)?;
        let local = local::normalize(split.local)?;
        let domain = domain::normalize(split.domain)?;
        let normalized = format!("{local}@{}", domain.unicode);
        check_length(&format!("{}@{}", split.local, split.domain))?;
        check_bytes(&normalized, "after normalization")?;
        let ascii = format!("{local}@{}", domain.ascii);
        check_bytes(&ascii, "when the part after the @-sign is converted to IDNA ASCII")?;
        if split.in_brackets {
            return Err(InvalidEmail::new(
                "A display name and angle brackets around the email address are not permitted here.",
            ));
        }
        Ok(Self(normalized))
    }

    /// Returns the address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Checks the size of the address before normalization. The limit counts bytes, but people count characters.
/// If the two counts differ, the message states a range of characters to remove.
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

/// Checks the size of a converted address; `conversion` describes it.
fn check_bytes(address: &str, conversion: &str) -> Result<(), InvalidEmail> {
    match address.len().saturating_sub(EMAIL_BYTES_MAX) {
        0 => Ok(()),
        over => Err(InvalidEmail::new(format!(
            "The email address is too long {conversion} ({}).",
            too_many(over, "byte")
        ))),
    }
}
