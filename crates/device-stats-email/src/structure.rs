//! The structure of an address: display name, angle brackets, quotes, and the `@` that separates the two
//! parts.

use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

use crate::characters::{check_safe_with_spaces, is_atom, list_refused, show};
use crate::error::InvalidEmail;

/// An address split at its `@`.
#[derive(Debug)]
pub(crate) struct SplitAddress<'a> {
    /// The text before the `@`.
    pub(crate) local: &'a str,
    /// The text after the `@`.
    pub(crate) domain: &'a str,
    /// Whether the address is in angle brackets. This is refused only if there is no other fault.
    pub(crate) in_brackets: bool,
}

/// Returns whether Python counts a character as white space. Python includes the four ASCII separators.
pub(crate) fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{1c}'..='\u{1f}')
}

/// Returns `bob@example.com` for `Bob <bob@example.com>`, and the text itself if it does not have this
/// structure.
///
/// The rule is pydantic's and differs from RFC 5322: the display name is absent, or any text in quotes, or
/// words of letters, numbers, atom characters and periods.
pub(crate) fn without_display_name(text: &str) -> &str {
    let Some(inside) = text.trim_matches(is_space).strip_suffix('>') else { return text };
    let address = match inside.strip_prefix('"') {
        // The display name ends at the last quote that is followed by an angle bracket.
        Some(quoted) => quoted
            .rmatch_indices('<')
            .map(|(at, _)| quoted.split_at(at))
            .find(|(name, rest)| ends_quoted_name(name) && rest.len() > 1)
            .and_then(|(_, rest)| rest.strip_prefix('<')),
        None => inside
            .split_once('<')
            .filter(|(name, address)| name.chars().all(is_name_character) && !address.is_empty())
            .map(|(_, address)| address),
    };
    address.unwrap_or(text)
}

fn ends_quoted_name(text: &str) -> bool {
    text.trim_end_matches(is_space).strip_suffix('"').is_some_and(|name| !name.is_empty())
}

fn is_name_character(c: char) -> bool {
    use GeneralCategoryGroup::{Letter, Number};
    is_space(c) || is_atom(c) || c == '.' || matches!(c.general_category_group(), Letter | Number)
}

/// Splits an address at its first `@` outside quotes.
pub(crate) fn split(address: &str) -> Result<SplitAddress<'_>, InvalidEmail> {
    let (before, after) = split_at_unquoted(address, &['@', '<'])?;
    if let Some(domain) = after.strip_prefix('@') {
        return Ok(SplitAddress { local: before, domain, in_brackets: false });
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
    Ok(SplitAddress { local, domain: domain.strip_prefix('@').unwrap_or(domain), in_brackets: true })
}

fn check_display_name(name: &str) -> Result<(), InvalidEmail> {
    if !name.starts_with('"')
        && let Some(list) = list_refused(name, |c| c == ' ' || is_atom(c))
    {
        return Err(InvalidEmail::new(format!(
            "The display name contains invalid characters when not quoted: {list}."
        )));
    }
    check_quotes(name)?;
    check_safe_with_spaces(name)
}

/// Refuses characters after the closing quote of a text that begins with a quote.
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
    let rest: Vec<_> = characters.map(show).collect();
    if rest.is_empty() {
        return Ok(());
    }
    Err(InvalidEmail::new(format!("Extra character(s) found after close quote: {}", rest.join(", "))))
}

/// Splits before the first of `specials` outside quotes. `@` is always one of them.
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
            _ if specials.contains(&c) && !is_composed(after) => return Ok((before, after)),
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

/// Returns whether the first character and the marks after it compose into another character. For example,
/// `<` and U+0338 become `≮`. The Stream-Safe Text Format (UAX 15) has at most 30 marks in a row; later ones
/// are not examined.
fn is_composed(text: &str) -> bool {
    text.chars().take(32).nfc().next() != text.chars().next()
}
