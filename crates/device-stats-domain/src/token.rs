//! Access tokens: the secrets with which clients identify themselves.

mod redaction;
mod session;
mod stored;

use std::str::FromStr;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

pub use redaction::{contains_token, redact_tokens};
pub use session::{Session, SessionHash, SessionSecret};
pub use stored::{InvalidTokenName, NewToken, StoredToken, TokenHolder, TokenId, TokenName, TokenPrefix};

/// Beginning of every token, so that programs that search for leaked secrets recognize it.
const PRODUCT: &str = "dss_";
/// Number of characters of the secret part: 32 bytes in base64url without padding.
const SECRET_CHARACTERS: usize = 43;
/// Number of characters of the checksum: 32 bits in hexadecimal digits.
const CHECKSUM_CHARACTERS: usize = 8;
/// Number of characters before the secret part, such as `dss_u_`.
const HEAD_CHARACTERS: usize = PRODUCT.len() + 2;
/// Number of characters of a token.
const TOKEN_CHARACTERS: usize = HEAD_CHARACTERS + SECRET_CHARACTERS + 1 + CHECKSUM_CHARACTERS;

/// The kind of holder of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TokenKind {
    /// An administrator.
    Administrator,
    /// A user.
    User,
    /// A device.
    Device,
}

/// An access token, such as `dss_u_nS4x…_1b2c3d4e`. It is a secret: no `Debug` output shows it.
///
/// It consists of `dss_`, the letter of its kind (`a`, `u` or `d`), `_`, 32 random bytes in base64url without
/// padding (RFC 4648, section 5), `_`, and the CRC-32 of all characters before this last `_`, as 8 lower-case
/// hexadecimal digits. The checksum detects typing errors without a lookup.
#[derive(Clone, Debug)]
pub struct Token {
    text: SecretString,
    kind: TokenKind,
}

/// Error of a text that is not a token. It does not contain the text, which may be a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidToken {
    /// It does not have the form of a token.
    #[error("is not a token of this service; a token begins with dss_a_, dss_u_ or dss_d_")]
    Form,
    /// Its checksum differs: it was mistyped or cut off.
    #[error("is mistyped: its checksum is wrong")]
    Checksum,
}

/// Error of a text that is not the name of a kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a kind of token")]
pub struct UnknownTokenKind(String);

/// The SHA-256 of a token. Stores keep it instead of the token.
///
/// A token has 256 random bits, so reversing its plain hash is as hard as guessing the token. A slow hash, as
/// for passwords, would add nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenHash(pub [u8; 32]);

impl TokenKind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Administrator, Self::User, Self::Device];

    /// Returns the name, as stores keep it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::User => "user",
            Self::Device => "device",
        }
    }

    /// Returns the letter of the kind in a token.
    fn letter(self) -> char {
        match self {
            Self::Administrator => 'a',
            Self::User => 'u',
            Self::Device => 'd',
        }
    }
}

impl Token {
    /// Makes a token from 32 random bytes of a generator for secrets.
    pub fn from_random(kind: TokenKind, random: &[u8; 32]) -> Self {
        let secret = BASE64_URL_SAFE_NO_PAD.encode(random);
        let text = format!("{PRODUCT}{}_{secret}", kind.letter());
        let checksum = crc32fast::hash(text.as_bytes());
        Self { text: format!("{text}_{checksum:08x}").into(), kind }
    }

    /// Parses a token.
    ///
    /// # Errors
    /// [`InvalidToken`] says whether the form or the checksum is wrong.
    pub fn parse(text: &str) -> Result<Self, InvalidToken> {
        if text.len() != TOKEN_CHARACTERS || !text.is_ascii() {
            return Err(InvalidToken::Form);
        }
        let (checked, checksum) = text.split_at(HEAD_CHARACTERS + SECRET_CHARACTERS);
        let head = |kind: TokenKind| format!("{PRODUCT}{}_", kind.letter());
        let kind = TokenKind::ALL.into_iter().find(|kind| checked.starts_with(&head(*kind)));
        let kind = kind.ok_or(InvalidToken::Form)?;
        if checksum != format!("_{:08x}", crc32fast::hash(checked.as_bytes())) {
            return Err(InvalidToken::Checksum);
        }
        Ok(Self { text: text.into(), kind })
    }

    /// Returns the kind of the party that holds the token.
    pub fn kind(&self) -> TokenKind {
        self.kind
    }

    /// Returns the text. It is a secret: show it only to the party that holds the token.
    pub fn expose(&self) -> &str {
        self.text.expose_secret()
    }

    /// Returns the hash by which a store finds the token.
    pub fn hash(&self) -> TokenHash {
        TokenHash(Sha256::digest(self.expose()).into())
    }

    /// Returns the beginning of the token, by which people recognize it.
    pub fn prefix(&self) -> TokenPrefix {
        TokenPrefix::of(self.expose())
    }
}

impl FromStr for TokenKind {
    type Err = UnknownTokenKind;

    fn from_str(name: &str) -> Result<Self, UnknownTokenKind> {
        let found = Self::ALL.into_iter().find(|kind| kind.name() == name);
        found.ok_or_else(|| UnknownTokenKind(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kinds() -> impl Strategy<Value = TokenKind> {
        prop::sample::select(TokenKind::ALL.to_vec())
    }

    /// Published tokens must stay valid, so the form must not change. The checksum is that of `zlib.crc32`.
    #[test]
    fn the_form_of_a_token_never_changes() {
        let token = Token::from_random(TokenKind::User, &[0xAB; 32]);
        assert_eq!(token.expose(), "dss_u_q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s_43da5920");
        assert_eq!(token.prefix().as_str(), "dss_u_q6urq6");
        let hash = token.hash().0.map(|byte| format!("{byte:02x}")).concat();
        assert_eq!(hash, "d9413bd7aaa73bce949f330a8348b917dbbbd9ac6c7f373920ec92bf8f9f45c0");
    }

    #[test]
    fn other_texts_are_refused_without_a_lookup() {
        let token = Token::from_random(TokenKind::Device, &[7; 32]);
        let text = token.expose();
        let refused = |text: &str| Token::parse(text).unwrap_err();
        for other in ["", "dss_d_", "secret", &text[1..], &format!("{text}0"), &"é".repeat(29)] {
            assert_eq!(refused(other), InvalidToken::Form, "{other}");
        }
        assert_eq!(refused(&text.replacen("dss_d_", "dss_x_", 1)), InvalidToken::Form);
        assert_eq!(refused(&text.replacen("dss_d_", "dss_u_", 1)), InvalidToken::Checksum);
        assert_eq!(refused(&text.to_uppercase().replacen("DSS_D_", "dss_d_", 1)), InvalidToken::Checksum);
    }

    #[test]
    fn a_token_is_not_shown() {
        let token = Token::from_random(TokenKind::Administrator, &[1; 32]);
        assert!(!format!("{token:?}").contains(&token.expose()[6..]));
    }

    proptest! {
        #[test]
        fn a_token_is_read_back(kind in kinds(), random: [u8; 32]) {
            let token = Token::from_random(kind, &random);
            let read = Token::parse(token.expose()).unwrap();
            prop_assert_eq!(read.kind(), kind);
            prop_assert_eq!(read.hash(), token.hash());
        }

        #[test]
        fn every_changed_character_is_found(kind in kinds(), random: [u8; 32], at in 0..TOKEN_CHARACTERS, other in "[ -~]") {
            let token = Token::from_random(kind, &random);
            let mut text = token.expose().to_owned();
            text.replace_range(at..=at, &other);
            prop_assume!(text != token.expose());
            prop_assert!(Token::parse(&text).is_err());
        }
    }
}
