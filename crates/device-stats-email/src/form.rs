//! The form of an address: where a display name ends, and where the `@` is that counts.

use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

use crate::InvalidEmail;
use crate::characters::{check_safe_with_spaces, display, is_atom, listed};

/// An address taken apart.
#[derive(Debug)]
pub(crate) struct Parts<'a> {
    /// What stands before the `@`.
    pub(crate) local: &'a str,
    /// What stands after the `@`.
    pub(crate) domain: &'a str,
    /// Whether the address stood in angle brackets, which is refused after all other faults.
    pub(crate) in_brackets: bool,
}

/// White space as Python knows it, which counts the four separators of ASCII.
pub(crate) fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{1c}'..='\u{1f}')
}

/// `bob@example.com` of `Bob <bob@example.com>`; the text itself where it has not this form.
///
/// pydantic's rule, which is not RFC 5322's: the name consists of words of letters, numbers and the characters of an
/// atom and of `.`, or is anything in quotes, or is missing.
pub(crate) fn without_display_name(text: &str) -> &str {
    let Some(inside) = text.trim_matches(is_space).strip_suffix('>') else { return text };
    let address = match inside.strip_prefix('"') {
        // The last quote that has an angle bracket after it ends the name.
        Some(quoted) => quoted
            .rmatch_indices('<')
            .map(|(at, _)| quoted.split_at(at))
            .find(|(name, rest)| ends_a_quoted_name(name) && rest.len() > 1)
            .and_then(|(_, rest)| rest.strip_prefix('<')),
        None => inside
            .split_once('<')
            .filter(|(name, address)| name.chars().all(may_be_in_a_name) && !address.is_empty())
            .map(|(_, address)| address),
    };
    address.unwrap_or(text)
}

fn ends_a_quoted_name(text: &str) -> bool {
    text.trim_end_matches(is_space).strip_suffix('"').is_some_and(|name| !name.is_empty())
}

fn may_be_in_a_name(c: char) -> bool {
    use GeneralCategoryGroup::{Letter, Number};
    is_space(c) || is_atom(c) || c == '.' || matches!(c.general_category_group(), Letter | Number)
}

/// Takes an address apart at the first `@` outside of quotes.
pub(crate) fn split(address: &str) -> Result<Parts<'_>, InvalidEmail> {
    let (before, after) = split_at_unquoted(address, &['@', '<'])?;
    if let Some(domain) = after.strip_prefix('@') {
        return Ok(Parts { local: before, domain, in_brackets: false });
    }
    check_display_name(before.trim_end_matches(is_space))?;
    if !after.contains('>') {
        return Err(InvalidEmail::new(
            "An open angle bracket at the start of the email address has to be followed by a close angle bracket \
             at the end.",
        ));
    }
    let inside = after.trim_end_matches(' ').strip_prefix('<').and_then(|after| after.strip_suffix('>'));
    let Some(inside) = inside else {
        return Err(InvalidEmail::new("There can't be anything after the email address."));
    };
    let (local, domain) = split_at_unquoted(inside, &['@'])?;
    Ok(Parts { local, domain: domain.strip_prefix('@').unwrap_or(domain), in_brackets: true })
}

fn check_display_name(name: &str) -> Result<(), InvalidEmail> {
    if !name.starts_with('"')
        && let Some(list) = listed(name, |c| c == ' ' || is_atom(c))
    {
        return Err(InvalidEmail::new(format!(
            "The display name contains invalid characters when not quoted: {list}."
        )));
    }
    check_quotes(name)?;
    check_safe_with_spaces(name)
}

/// Refuses characters after the quote that closes the one at the beginning.
pub(crate) fn check_quotes(text: &str) -> Result<(), InvalidEmail> {
    let Some(quoted) = text.strip_prefix('"') else { return Ok(()) };
    let mut characters = quoted.chars();
    while let Some(c) = characters.next() {
        match c {
            '\\' => drop(characters.next()),
            '"' => break,
            _ => {}
        }
    }
    let rest: Vec<_> = characters.map(display).collect();
    if rest.is_empty() {
        return Ok(());
    }
    Err(InvalidEmail::new(format!("Extra character(s) found after close quote: {}", rest.join(", "))))
}

/// Splits before the first of `specials` outside of quotes. `@` is always one of them.
fn split_at_unquoted<'a>(text: &'a str, specials: &[char]) -> Result<(&'a str, &'a str), InvalidEmail> {
    let (mut in_quotes, mut escaped) = (false, false);
    for (at, c) in text.char_indices() {
        let (before, after) = text.split_at(at);
        match c {
            '"' if !escaped => in_quotes = !in_quotes,
            _ if in_quotes => {
                escaped = c == '\\' && !escaped;
                continue;
            }
            _ if specials.contains(&c) && !combines(after) => return Ok((before, after)),
            _ => {}
        }
        escaped = false;
    }
    Err(InvalidEmail::new(if text.contains('\u{ff20}') {
        "The email address has the \"full-width\" at-sign (@) character instead of a regular at-sign."
    } else if text.contains('\u{fe6b}') {
        "The email address has the \"small commercial at\" character instead of a regular at-sign."
    } else {
        "An email address must have an @-sign."
    }))
}

/// Whether the first character becomes another one with the marks after it, as `<` and U+0338 become `≮`. No more
/// than 30 marks follow each other in text fit for streaming (UAX 15), so further ones are not looked at.
fn combines(text: &str) -> bool {
    text.chars().take(32).nfc().next() != text.chars().next()
}
