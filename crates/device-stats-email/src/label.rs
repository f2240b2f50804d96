//! One label of a domain: the text between two periods.
//!
//! The crate `idna` does the mapping, Punycode and the rules of UTS 46. UTS 46 accepts symbols and emoji, and
//! IDNA 2008, which mail uses, does not. Therefore this module checks the rules of IDNA 2008.

use idna::AsciiDenyList;
use idna::punycode;
use idna::uts46::{Hyphens, Uts46};
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

use crate::error::InvalidEmail;
use crate::limits::LABEL_BYTES_MAX;

/// Prefix of a label in Punycode.
const PUNYCODE_PREFIX: &str = "xn--";

/// Maps all spellings of a label to one.
pub(crate) fn map(label: &str) -> Result<String, InvalidEmail> {
    if label.is_ascii() {
        return Ok(label.to_ascii_lowercase());
    }
    let (mapped, result) = Uts46::new().to_unicode(label.as_bytes(), AsciiDenyList::EMPTY, Hyphens::Allow);
    match result {
        Ok(()) => Ok(mapped.into_owned()),
        Err(_) => Err(InvalidEmail::new(format!(
            "The part after the @-sign is invalid (Label '{label}' not allowed)."
        ))),
    }
}

/// Returns whether a mapped label begins with a reserved prefix: two characters and two hyphens, as in
/// `ab--c`. Punycode's `xn--` is not reserved.
pub(crate) fn has_reserved_prefix(label: &str) -> bool {
    let mut characters = label.chars();
    let prefix = (characters.next(), characters.next());
    characters.as_str().starts_with("--") && prefix != (Some('x'), Some('n'))
}

/// Converts a mapped label to its form for the DNS.
pub(crate) fn to_ascii(label: &str) -> Result<String, String> {
    let ascii = if label.is_ascii() {
        label.to_owned()
    } else {
        check(label)?;
        format!("{PUNYCODE_PREFIX}{}", punycode::encode_str(label).ok_or("Label too long")?)
    };
    if ascii.len() > LABEL_BYTES_MAX { Err("Label too long".to_owned()) } else { Ok(ascii) }
}

/// Converts a label in its form for the DNS to its form for people.
pub(crate) fn to_unicode(ascii: &str) -> Result<String, String> {
    if !ascii.starts_with(PUNYCODE_PREFIX) {
        return Ok(ascii.to_owned());
    }
    let (unicode, result) = Uts46::new().to_unicode(ascii.as_bytes(), AsciiDenyList::STD3, Hyphens::Check);
    result.map_err(|_| "Invalid A-label")?;
    check(&unicode)?;
    Ok(unicode.into_owned())
}

/// Returns whether individually valid labels form a valid domain. If one of them is written from right to
/// left, the Bidi rule (RFC 5893) applies to all.
pub(crate) fn is_bidi_valid(domain: &str) -> bool {
    Uts46::new().to_unicode(domain.as_bytes(), AsciiDenyList::STD3, Hyphens::Check).1.is_ok()
}

/// Checks the rules of IDNA 2008 (RFC 5892) for a label that satisfies UTS 46.
fn check(label: &str) -> Result<(), String> {
    for (index, c) in label.chars().enumerate() {
        if !is_valid(c) && !is_valid_at(label, index, c) {
            let (code, position) = (u32::from(c), index + 1);
            return Err(format!("Codepoint U+{code:04X} at position {position} of '{label}' not allowed"));
        }
    }
    Ok(())
}

/// Returns whether a character is valid at any position of a label (PVALID). The derivation of RFC 5892 is
/// short for a mapped label, which has no capitals and is normalized: letters, marks and digits, with
/// exceptions.
fn is_valid(c: char) -> bool {
    use GeneralCategory::{
        DecimalNumber, LowercaseLetter, ModifierLetter, NonspacingMark, OtherLetter, SpacingMark,
    };
    match c.general_category() {
        LowercaseLetter | OtherLetter | ModifierLetter | NonspacingMark | SpacingMark | DecimalNumber => {
            !is_excluded(c)
        }
        // The hyphen, the exceptions of section 2.6, and the Cherokee capitals, which small Cherokee letters
        // map to.
        _ => matches!(c, '-' | '\u{6fd}' | '\u{6fe}' | '\u{f0b}' | '\u{3007}' | '\u{13a0}'..='\u{13f5}'),
    }
}

/// Returns whether a letter, mark or digit is not valid at every position: the exceptions of section 2.6
/// (including both sets of Arabic digits, which look alike), Old Hangul (2.9), and the blocks of marks for
/// symbols and music (2.4).
fn is_excluded(c: char) -> bool {
    matches!(c,
        '\u{640}' | '\u{7fa}' | '\u{302e}' | '\u{302f}' | '\u{3031}'..='\u{3035}' | '\u{303b}'
        | '\u{660}'..='\u{669}' | '\u{6f0}'..='\u{6f9}'
        | '\u{1100}'..='\u{11ff}' | '\u{a960}'..='\u{a97c}' | '\u{d7b0}'..='\u{d7fb}'
        | '\u{20d0}'..='\u{20ff}' | '\u{1d100}'..='\u{1d24f}')
}

/// Returns whether a character is valid at its position (CONTEXTO, RFC 5892, appendix A). The joiners of
/// appendix A.1 and A.2 are invisible and refused in every address.
fn is_valid_at(label: &str, index: usize, c: char) -> bool {
    let before = index.checked_sub(1).and_then(|before| label.chars().nth(before));
    let after = label.chars().nth(index + 1);
    match c {
        '\u{b7}' => (before, after) == (Some('l'), Some('l')),
        '\u{375}' => after.is_some_and(is_greek),
        '\u{5f3}' | '\u{5f4}' => before.is_some_and(|c| matches!(c, '\u{591}'..='\u{5f4}')),
        '\u{30fb}' => label.chars().any(is_japanese),
        '\u{660}'..='\u{669}' => !label.chars().any(|c| matches!(c, '\u{6f0}'..='\u{6f9}')),
        '\u{6f0}'..='\u{6f9}' => !label.chars().any(|c| matches!(c, '\u{660}'..='\u{669}')),
        _ => false,
    }
}

/// Returns whether a character is a letter of the Greek script.
fn is_greek(c: char) -> bool {
    matches!(c,
        '\u{370}'..='\u{3e1}' | '\u{3f0}'..='\u{3ff}' | '\u{1d26}'..='\u{1d2a}' | '\u{1f00}'..='\u{1fff}'
        | '\u{ab65}')
}

/// Returns whether a character is Hiragana, Katakana or Han.
fn is_japanese(c: char) -> bool {
    matches!(c,
        '\u{3005}' | '\u{3007}' | '\u{3041}'..='\u{3096}' | '\u{309d}'..='\u{309f}' | '\u{30a1}'..='\u{30fa}'
        | '\u{30fd}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{fa0e}'..='\u{fa29}' | '\u{1b000}'..='\u{1b16f}' | '\u{20000}'..='\u{3ffff}')
}
