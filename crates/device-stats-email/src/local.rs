//! The part before the `@`.

use unicode_normalization::UnicodeNormalization;

use crate::InvalidEmail;
use crate::characters::{check_safe, is_atom, listed};
use crate::form::check_quotes;

/// Names of roles whose case has no meaning (RFC 2142).
const ROLES: [&str; 15] = [
    "abuse",
    "ftp",
    "hostmaster",
    "info",
    "marketing",
    "news",
    "noc",
    "postmaster",
    "sales",
    "security",
    "support",
    "usenet",
    "uucp",
    "webmaster",
    "www",
];

/// Checks a local part and brings it into its one form.
pub(crate) fn normalize(local: &str) -> Result<String, InvalidEmail> {
    check_quotes(local)?;
    if local.is_empty() || local == "\"\"" {
        return Err(InvalidEmail::new("There must be something before the @-sign."));
    }
    if local.starts_with('"') {
        return Err(InvalidEmail::new("Quoting the part before the @-sign is not allowed here."));
    }
    check(local)?;
    let composed: String = local.nfc().collect();
    if composed != local {
        // A character may become one that has a meaning here, as the Greek question mark becomes a semicolon.
        check(&composed)
            .map_err(|error| InvalidEmail::new(format!("After Unicode normalization: {error}")))?;
    }
    let lower = composed.to_ascii_lowercase();
    Ok(if ROLES.contains(&lower.as_str()) { lower } else { composed })
}

/// A dot-atom (RFC 5322, 3.2.3) with letters beyond ASCII (RFC 6531, 3.3). No limit of 64: longer ones are in use.
fn check(local: &str) -> Result<(), InvalidEmail> {
    if let Some(list) = listed(local, |c| is_atom(c) || c == '.' || !c.is_ascii()) {
        return Err(InvalidEmail::new(format!(
            "The email address contains invalid characters before the @-sign: {list}."
        )));
    }
    if local.ends_with('.') {
        return Err(InvalidEmail::new(
            "An email address cannot have a period immediately before the @-sign.",
        ));
    }
    if local.starts_with('.') {
        return Err(InvalidEmail::new("An email address cannot start with a period."));
    }
    if local.contains("..") {
        return Err(InvalidEmail::new("An email address cannot have two periods in a row."));
    }
    if local.is_ascii() { Ok(()) } else { check_safe(local) }
}
