//! The part after the `@`: a host name that the public DNS can have, by the rules of IDNA 2008.

use unicode_normalization::char::decompose_compatible;

use crate::characters::{check_safe, list_refused};
use crate::error::{InvalidEmail, too_many};
use crate::label;
use crate::limits::{DOMAIN_BYTES_MAX, LABEL_BYTES_MAX};

/// Top-level names without publicly reachable addresses (IANA, Special-Use Domain Names). `example` is
/// deliberately absent: RFC 6761 requires that it be accepted.
const SPECIAL_USE: [&str; 6] = ["arpa", "invalid", "local", "localhost", "onion", "test"];

/// A lower-cased domain in both of its forms.
#[derive(Debug)]
pub(crate) struct Domain {
    /// The form for people: `exämple.com`.
    pub(crate) unicode: String,
    /// The form for the DNS: `xn--exmple-cua.com`.
    pub(crate) ascii: String,
}

/// Validates a domain and returns its two forms.
pub(crate) fn normalize(domain: &str) -> Result<Domain, InvalidEmail> {
    if domain.is_empty() {
        return Err(InvalidEmail::new("There must be something after the @-sign."));
    }
    if domain.starts_with('[') && domain.ends_with(']') {
        return Err(InvalidEmail::new("A bracketed IP address after the @-sign is not allowed here."));
    }
    let over = domain.chars().count().saturating_sub(DOMAIN_BYTES_MAX);
    if over > 0 {
        return Err(too_long(&too_many(over, "character")));
    }
    check_characters(domain)?;
    let mapped = map(domain)?;
    if let Some(list) = list_refused(&mapped, is_host_character) {
        return Err(InvalidEmail::new(format!(
            "The part after the @-sign contains invalid characters after Unicode normalization: {list}."
        )));
    }
    check_punctuation(&mapped)?;
    let ascii = to_ascii(&mapped)?;
    check_ascii(&ascii)?;
    let unicode = if ascii.contains("xn--") { to_unicode(&ascii)? } else { ascii.clone() };
    Ok(Domain { unicode, ascii })
}

fn too_long(excess: &str) -> InvalidEmail {
    InvalidEmail::new(format!("The email address is too long after the @-sign ({excess})."))
}

/// Returns whether a character may be in a host name. Beyond ASCII, the other checks decide.
fn is_host_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-' || c == '.' || !c.is_ascii()
}

/// Refuses characters that no form of a domain may contain.
fn check_characters(domain: &str) -> Result<(), InvalidEmail> {
    let invalid = |list: String| {
        InvalidEmail::new(format!("The part after the @-sign contains invalid characters: {list}."))
    };
    list_refused(domain, is_host_character).map_or(Ok(()), |list| Err(invalid(list)))?;
    check_safe(domain)?;
    list_refused(domain, |c| !hides_a_period(c)).map_or(Ok(()), |list| Err(invalid(list)))
}

/// Returns whether the compatibility decomposition of a character contains a period. For example, `⒈`
/// decomposes into `1.`. The full-width period decomposes into a single period and is accepted.
fn hides_a_period(c: char) -> bool {
    let mut period = false;
    decompose_compatible(c, |part| period |= part == '.');
    period && c != '.' && c != '\u{ff0e}'
}

/// Maps all spellings of a domain to one (the mapping of UTS 46): lower case, composed, with ASCII periods.
fn map(domain: &str) -> Result<String, InvalidEmail> {
    if domain.is_ascii() {
        return Ok(domain.to_ascii_lowercase());
    }
    let labels = domain.split(['.', '\u{3002}', '\u{ff0e}', '\u{ff61}']).map(label::map);
    Ok(labels.collect::<Result<Vec<_>, _>>()?.join("."))
}

/// Checks the positions of periods and hyphens.
fn check_punctuation(domain: &str) -> Result<(), InvalidEmail> {
    let fault = if domain.ends_with('.') {
        "end with a period."
    } else if domain.starts_with('.') {
        "have a period immediately after the @-sign."
    } else if domain.contains("..") {
        "have two periods in a row."
    } else if domain.ends_with('-') {
        "end with a hyphen."
    } else if domain.starts_with('-') {
        "have a hyphen immediately after the @-sign."
    } else if domain.contains(".-") || domain.contains("-.") {
        "have a period and a hyphen next to each other."
    } else if domain.split('.').any(label::has_reserved_prefix) {
        "have two letters followed by two dashes immediately after the @-sign or after a period, except Punycode."
    } else {
        return Ok(());
    };
    Err(InvalidEmail::new(format!("An email address cannot {fault}")))
}

/// Converts a mapped domain to its form for the DNS.
fn to_ascii(mapped: &str) -> Result<String, InvalidEmail> {
    if mapped.is_ascii() {
        return Ok(mapped.to_owned());
    }
    let labels: Result<Vec<_>, _> = mapped.split('.').map(label::to_ascii).collect();
    labels
        .map(|labels| labels.join("."))
        .map_err(|fault| InvalidEmail::new(format!("The part after the @-sign is invalid ({fault}).")))
}

/// Checks the rules of the public DNS: sizes, and a top-level domain that can have mail.
fn check_ascii(ascii: &str) -> Result<(), InvalidEmail> {
    let over = ascii.len().saturating_sub(DOMAIN_BYTES_MAX);
    if over > 0 {
        return Err(too_long(&format!("{} after IDNA encoding", too_many(over, "byte"))));
    }
    let longest = ascii.split('.').map(str::len).find(|bytes| *bytes > LABEL_BYTES_MAX);
    if let Some(bytes) = longest {
        return Err(InvalidEmail::new(format!(
            "After the @-sign, periods cannot be separated by so many characters ({}).",
            too_many(bytes - LABEL_BYTES_MAX, "character")
        )));
    }
    let Some((_, top_level)) = ascii.rsplit_once('.') else {
        return Err(InvalidEmail::new("The part after the @-sign is not valid. It should have a period."));
    };
    if !top_level.ends_with(|c: char| c.is_ascii_alphabetic()) {
        return Err(InvalidEmail::new(
            "The part after the @-sign is not valid. It is not within a valid top-level domain.",
        ));
    }
    if SPECIAL_USE.contains(&top_level) {
        return Err(InvalidEmail::new(
            "The part after the @-sign is a special-use or reserved name that cannot be used with email.",
        ));
    }
    Ok(())
}

/// Converts a domain in its form for the DNS to its form for people.
fn to_unicode(ascii: &str) -> Result<String, InvalidEmail> {
    let invalid =
        |fault: String| InvalidEmail::new(format!("The part after the @-sign is not valid IDNA ({fault})."));
    let labels: Result<Vec<_>, _> = ascii.split('.').map(label::to_unicode).collect();
    let unicode = labels.map_err(invalid)?.join(".");
    if !label::is_bidi_valid(&unicode) {
        return Err(invalid("Labels of both writing directions do not go together".to_owned()));
    }
    check_safe(&unicode)?;
    Ok(unicode)
}
