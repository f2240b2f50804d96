//! The part after the `@`: a name of hosts that can be in the public DNS, in IDNA 2008.

use unicode_normalization::char::decompose_compatible;

use crate::characters::{check_safe, listed};
use crate::{InvalidEmail, label, too_many};

/// Longest domain, in bytes of its ASCII form (RFC 1035 without the root).
const DOMAIN_BYTES_MAX: usize = 253;
/// Names without addresses that all can reach (IANA, Special-Use Domain Names). `example` is deliberately not one of
/// them: RFC 6761 wants it accepted.
const SPECIAL_USE: [&str; 6] = ["arpa", "invalid", "local", "localhost", "onion", "test"];

/// A domain in both of its forms, lower-cased.
#[derive(Debug)]
pub(crate) struct Domain {
    /// For people: `exämple.com`.
    pub(crate) unicode: String,
    /// For the DNS: `xn--exmple-cua.com`.
    pub(crate) ascii: String,
}

/// Checks a domain and brings it into its two forms.
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
    if let Some(list) = listed(&mapped, may_be_in_a_host) {
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

fn too_long(how_much: &str) -> InvalidEmail {
    InvalidEmail::new(format!("The email address is too long after the @-sign ({how_much})."))
}

fn may_be_in_a_host(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-' || c == '.' || !c.is_ascii()
}

/// Refuses what no form of a domain may contain.
fn check_characters(domain: &str) -> Result<(), InvalidEmail> {
    let invalid = |list: String| {
        InvalidEmail::new(format!("The part after the @-sign contains invalid characters: {list}."))
    };
    listed(domain, may_be_in_a_host).map_or(Ok(()), |list| Err(invalid(list)))?;
    check_safe(domain)?;
    listed(domain, |c| !hides_a_period(c)).map_or(Ok(()), |list| Err(invalid(list)))
}

/// Whether a character stands for a text with a period in it, such as `⒈` for `1.`; the full-width period stands for
/// a period alone and is fine.
fn hides_a_period(c: char) -> bool {
    let mut period = false;
    decompose_compatible(c, |part| period |= part == '.');
    period && c != '.' && c != '\u{ff0e}'
}

/// Brings all spellings of a domain together (the mapping of UTS 46): lower case, composed, with ASCII periods.
fn map(domain: &str) -> Result<String, InvalidEmail> {
    if domain.is_ascii() {
        return Ok(domain.to_ascii_lowercase());
    }
    let labels = domain.split(['.', '\u{3002}', '\u{ff0e}', '\u{ff61}']).map(label::map);
    Ok(labels.collect::<Result<Vec<_>, _>>()?.join("."))
}

/// Checks periods and hyphens.
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
    } else if domain.split('.').any(label::claims_a_prefix) {
        "have two letters followed by two dashes immediately after the @-sign or after a period, except Punycode."
    } else {
        return Ok(());
    };
    Err(InvalidEmail::new(format!("An email address cannot {fault}")))
}

/// The form for the DNS.
fn to_ascii(mapped: &str) -> Result<String, InvalidEmail> {
    if mapped.is_ascii() {
        return Ok(mapped.to_owned());
    }
    let labels: Result<Vec<_>, _> = mapped.split('.').map(label::to_ascii).collect();
    labels
        .map(|labels| labels.join("."))
        .map_err(|fault| InvalidEmail::new(format!("The part after the @-sign is invalid ({fault}).")))
}

/// Checks what is required of a name in the public DNS.
fn check_ascii(ascii: &str) -> Result<(), InvalidEmail> {
    let over = ascii.len().saturating_sub(DOMAIN_BYTES_MAX);
    if over > 0 {
        return Err(too_long(&format!("{} after IDNA encoding", too_many(over, "byte"))));
    }
    let longest = ascii.split('.').map(str::len).find(|bytes| *bytes > label::BYTES_MAX);
    if let Some(bytes) = longest {
        return Err(InvalidEmail::new(format!(
            "After the @-sign, periods cannot be separated by so many characters ({}).",
            too_many(bytes - label::BYTES_MAX, "character")
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

/// The form for people.
fn to_unicode(ascii: &str) -> Result<String, InvalidEmail> {
    let invalid =
        |fault: String| InvalidEmail::new(format!("The part after the @-sign is not valid IDNA ({fault})."));
    let labels: Result<Vec<_>, _> = ascii.split('.').map(label::to_unicode).collect();
    let unicode = labels.map_err(invalid)?.join(".");
    if !label::go_together(&unicode) {
        return Err(invalid("Labels of both writing directions do not go together".to_owned()));
    }
    check_safe(&unicode)?;
    Ok(unicode)
}
