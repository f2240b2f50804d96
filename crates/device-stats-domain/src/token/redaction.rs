//! Redaction of tokens. A client may send a token in a wrong place, such as a path, a parameter or an id of a
//! request. People who read the log or an error must not learn it there.

use std::borrow::Cow;

use super::stored::SHOWN_CHARACTERS;
use super::{PRODUCT, SECRET_CHARACTERS, TokenKind};

/// Minimum number of characters after the head of a text that counts as a token: half of a secret. So a token
/// that was cut off or mistyped is redacted, too. A shorter part leaves at least 130 random bits unknown.
const REDACTED_CHARACTERS_MIN: usize = SECRET_CHARACTERS.div_ceil(2);
/// Replaces the rest of a token.
const HIDDEN: &str = "***";
/// Characters, in addition to white space and control characters, that end a text that looks like a token.
const DELIMITERS: &str = "\"'`/\\?&=#,:;|<>()[]{}";

/// Returns the text without the secrets of tokens. Each part that looks like a token is replaced by its
/// beginning and `***`, so that people can still recognize it.
pub fn redact_tokens(text: &str) -> Cow<'_, str> {
    let (mut redacted, mut rest) = (String::new(), text);
    while let Some(Found { shown, end }) = find_token(rest) {
        let (token, after) = rest.split_at(end);
        redacted.extend([token.get(..shown).unwrap_or_default(), HIDDEN]);
        rest = after;
    }
    if redacted.is_empty() {
        return Cow::Borrowed(text);
    }
    redacted.push_str(rest);
    Cow::Owned(redacted)
}

/// Returns whether a text contains something that looks like a token.
pub fn contains_token(text: &str) -> bool {
    find_token(text).is_some()
}

/// The positions of a token in a text, in bytes.
struct Found {
    /// End of the part that is shown.
    shown: usize,
    /// End of the token.
    end: usize,
}

/// Finds the first part of a text that looks like a token.
fn find_token(text: &str) -> Option<Found> {
    let product = PRODUCT.trim_end_matches('_');
    text.match_indices(product).find_map(|(start, _)| {
        let mut letters = strip_underscore(text.get(start + product.len()..)?)?.chars();
        let kind = letters.next()?;
        if !TokenKind::ALL.iter().any(|known| known.letter() == kind) {
            return None;
        }
        let rest = strip_underscore(letters.as_str())?;
        let secret = rest.get(..rest.find(ends_token).unwrap_or(rest.len()))?;
        if secret.chars().count() < REDACTED_CHARACTERS_MIN {
            return None;
        }
        let begin = text.len() - rest.len();
        let shown: usize = secret.chars().take(SHOWN_CHARACTERS).map(char::len_utf8).sum();
        Some(Found { shown: begin + shown, end: begin + secret.len() })
    })
}

/// Removes an underscore at the beginning, also as some programs write it in a URL.
fn strip_underscore(text: &str) -> Option<&str> {
    ["_", "%5F", "%5f"].iter().find_map(|underscore| text.strip_prefix(underscore))
}

fn ends_token(character: char) -> bool {
    character.is_whitespace() || character.is_control() || DELIMITERS.contains(character)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::token::Token;

    #[test]
    fn the_beginning_of_a_token_is_kept() {
        let token = Token::from_random(TokenKind::User, &[0xAB; 32]);
        let text = token.expose();
        let shown = "dss_u_q6urq6***";
        assert!(shown.starts_with(token.prefix().as_str()));
        for (before, after) in [
            ("", ""),
            ("/api/v1/devices/", "/readings"),
            ("?token=", "&x=1"),
            ("{\"token\":\"", "\"}"),
            ("a", " b"),
            ("dss_u_ dss_x_ dss_", "\n"),
            ("\u{e9}", "\u{2028}\u{e9}"),
        ] {
            let redacted = redact_tokens(&format!("{before}{text}{after}")).into_owned();
            assert_eq!(redacted, format!("{before}{shown}{after}"));
            assert!(!contains_token(&redacted), "{redacted}");
        }
        let two = format!("{text},{}", Token::from_random(TokenKind::Device, &[7; 32]).expose());
        assert_eq!(redact_tokens(&two), "dss_u_q6urq6***,dss_d_BwcHBw***");
    }

    /// A library logged the target of a request, in which the client had percent-encoded the underscores.
    #[test]
    fn percent_encoded_tokens_are_redacted() {
        let token = Token::from_random(TokenKind::User, &[0xAB; 32]);
        for underscore in ["%5F", "%5f"] {
            let text = format!("/{}/x", token.expose().replace('_', underscore));
            assert_eq!(redact_tokens(&text), format!("/dss{underscore}u{underscore}q6urq6***/x"));
        }
    }

    /// A token with a typing error is as secret as the token.
    #[test]
    fn mistyped_and_cut_tokens_are_redacted() {
        let token = Token::from_random(TokenKind::Administrator, &[0xAB; 32]);
        let text = token.expose();
        for mistyped in [
            &text[..28],
            &text.replacen("dss_a_", "dss_d_", 1),
            &text.replacen("urq6ur", "urq6.ur", 1),
            &text.replacen("urq6ur", "urq6%5Fur", 1),
            &text.replacen("urq6ur", "urq6\u{e9}ur", 1),
            &format!("{text}{text}"),
        ] {
            let redacted = redact_tokens(mistyped);
            assert!(redacted.ends_with("_q6urq6***") && redacted.len() == 15, "{redacted}");
        }
    }

    #[test]
    fn other_texts_stay_as_they_are() {
        let token = Token::from_random(TokenKind::Device, &[7; 32]);
        for text in [
            "",
            "dss_",
            "dss_d",
            "dss_d_",
            "dss_d_pump-7",
            "dss_d_pump-7/and/a/rather/long/rest",
            "8e03978e-40d5-43dd-bc93-6894a57f9324",
            token.prefix().as_str(),
            &token.expose()[..27],
            &token.expose()[1..],
            &token.expose().replacen("dss_d_", "dss_x_", 1),
        ] {
            assert!(matches!(redact_tokens(text), Cow::Borrowed(same) if same == text), "{text}");
            assert!(!contains_token(text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_around_a_token_reveals_it(
            before in "([ -~]|dss_[adu]_|\\PC){0,40}",
            random: [u8; 32],
            after in "\\PC{0,40}",
        ) {
            let token = Token::from_random(TokenKind::Administrator, &random);
            let text = token.expose();
            let redacted = redact_tokens(&format!("{before}{text}{after}")).into_owned();
            prop_assert!(!redacted.contains(&text[12..40]), "{}", redacted);
            prop_assert!(!contains_token(&redacted), "{}", redacted);
        }
    }
}
