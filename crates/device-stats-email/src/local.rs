//! The part before the `@`.

use unicode_normalization::UnicodeNormalization;

use crate::characters::{check_safe, is_atom, list_refused};
use crate::error::InvalidEmail;
use crate::structure::check_quotes;

/// Role names, whose case has no meaning (RFC 2142).
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

/// Validates a local part and returns its normalized form.
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
        // Normalization may produce a special character: the Greek question mark becomes a semicolon.
        check(&composed)
            .map_err(|error| InvalidEmail::new(format!("After Unicode normalization: {error}")))?;
    }
    let lower = composed.to_ascii_lowercase();
    Ok(if ROLES.contains(&lower.as_str()) { lower } else { composed })
}

/// Checks for a dot-atom (RFC 5322, 3.2.3) that may contain letters beyond ASCII (RFC 6531, 3.3). Like
/// email-validator, it does not apply the limit of 64 bytes, because longer local parts are in use.
fn check(local: &str) -> Result<(), InvalidEmail> {
    if let Some(list) = list_refused(local, |c| is_atom(c) || c == '.' || !c.is_ascii()) {
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
