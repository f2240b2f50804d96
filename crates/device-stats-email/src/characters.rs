//! Safe and unsafe characters of an address, and the form in which a refusal shows unsafe ones.

use std::collections::BTreeSet;

use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};

use crate::error::InvalidEmail;

/// Returns whether a character may be in an atom (RFC 5322, 3.2.3).
pub(crate) fn is_atom(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c)
}

/// Returns whether a character has a visible shape: a letter, a number, punctuation or a symbol.
fn is_visible(c: char) -> bool {
    use GeneralCategoryGroup::{Letter, Number, Punctuation, Symbol};
    matches!(c.general_category_group(), Letter | Number | Punctuation | Symbol)
}

/// Lists the characters of `text` that are not allowed, each once and sorted, for a refusal; `None` if all
/// are allowed.
pub(crate) fn list_refused(text: &str, allowed: impl Fn(char) -> bool) -> Option<String> {
    let shown: BTreeSet<_> = text.chars().filter(|c| !allowed(*c)).map(show).collect();
    (!shown.is_empty()).then(|| Vec::from_iter(shown).join(", "))
}

/// Refuses invisible characters and characters that change the surrounding text: control and format
/// characters, a leading mark, unassigned code points, spaces.
pub(crate) fn check_safe(text: &str) -> Result<(), InvalidEmail> {
    refuse(text, false)
}

/// Refuses the same characters as [`check_safe`], except spaces.
pub(crate) fn check_safe_with_spaces(text: &str) -> Result<(), InvalidEmail> {
    refuse(text, true)
}

fn refuse(text: &str, spaces_allowed: bool) -> Result<(), InvalidEmail> {
    let mut found = BTreeSet::new();
    for (index, c) in text.char_indices() {
        let safe = match c.general_category() {
            GeneralCategory::SpaceSeparator => spaces_allowed,
            // A leading mark would combine with the character before the address.
            GeneralCategory::NonspacingMark
            | GeneralCategory::SpacingMark
            | GeneralCategory::EnclosingMark => index > 0,
            _ => is_visible(c),
        };
        if !safe {
            found.insert(c);
        }
    }
    if found.is_empty() {
        return Ok(());
    }
    let shown: Vec<_> = found.into_iter().map(show).collect();
    Err(InvalidEmail::new(format!("The email address contains unsafe characters: {}.", shown.join(", "))))
}

/// Shows a character in quotes, by its name or by its code point.
pub(crate) fn show(c: char) -> String {
    match (c, name(c)) {
        ('\\' | '\'', _) => format!("\"{c}\""),
        (_, Some(name)) => name.to_owned(),
        _ if is_visible(c) => format!("'{c}'"),
        ('\0'..'\u{ffff}', None) => format!("U+{:04X}", u32::from(c)),
        _ => format!("U+{:08X}", u32::from(c)),
    }
}

/// Returns the Unicode name of an invisible character that is common in copied or malicious addresses.
fn name(c: char) -> Option<&'static str> {
    Some(match c {
        ' ' => "SPACE",
        '\u{a0}' => "NO-BREAK SPACE",
        '\u{ad}' => "SOFT HYPHEN",
        '\u{300}' => "COMBINING GRAVE ACCENT",
        '\u{301}' => "COMBINING ACUTE ACCENT",
        '\u{308}' => "COMBINING DIAERESIS",
        '\u{200b}' => "ZERO WIDTH SPACE",
        '\u{200c}' => "ZERO WIDTH NON-JOINER",
        '\u{200d}' => "ZERO WIDTH JOINER",
        '\u{200e}' => "LEFT-TO-RIGHT MARK",
        '\u{200f}' => "RIGHT-TO-LEFT MARK",
        '\u{2028}' => "LINE SEPARATOR",
        '\u{2029}' => "PARAGRAPH SEPARATOR",
        '\u{202a}' => "LEFT-TO-RIGHT EMBEDDING",
        '\u{202b}' => "RIGHT-TO-LEFT EMBEDDING",
        '\u{202c}' => "POP DIRECTIONAL FORMATTING",
        '\u{202d}' => "LEFT-TO-RIGHT OVERRIDE",
        '\u{202e}' => "RIGHT-TO-LEFT OVERRIDE",
        '\u{202f}' => "NARROW NO-BREAK SPACE",
        '\u{2060}' => "WORD JOINER",
        '\u{3000}' => "IDEOGRAPHIC SPACE",
        '\u{feff}' => "ZERO WIDTH NO-BREAK SPACE",
        _ => return None,
    })
}
