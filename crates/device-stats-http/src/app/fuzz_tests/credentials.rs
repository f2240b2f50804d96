//! The credentials of random requests: valid, changed, unknown, or any text.

use axum::http::request::Builder;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use device_stats_domain::{SessionSecret, Token, TokenKind};
use fastrand::Rng;
use serde_json::json;

use super::request::{header_value, pick, text};

/// Tokens and a session. A service knows all of them, or none.
pub(super) struct Credentials {
    tokens: Vec<String>,
    session: String,
}

impl Credentials {
    /// Makes the credentials of these tokens and this session.
    pub(super) fn new(tokens: &[Token], session: &SessionSecret) -> Self {
        let tokens = tokens.iter().map(|token| token.expose().to_owned()).collect();
        Self { tokens, session: session.expose().to_owned() }
    }

    /// Makes credentials that no service knows.
    pub(super) fn unknown(rng: &mut Rng) -> Self {
        Self::new(&[random_token(rng, TokenKind::User)], &random_session(rng))
    }

    /// Adds the header `Authorization`, a cookie, both or neither to a request.
    pub(super) fn add_to(&self, rng: &mut Rng, mut builder: Builder) -> Builder {
        if let Some(token) = self.token(rng) {
            let value = match rng.u8(..20) {
                0 => format!("{} {token}", text(rng)),
                1..=5 => {
                    let user = text(rng);
                    format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{token}")))
                }
                6..=10 => format!("Token {token}"),
                _ => format!("Bearer {token}"),
            };
            builder = builder.header("authorization", header_value(&value));
        }
        if let Some(session) = self.session(rng) {
            let name = pick(rng, &["device-stats", "__Host-device-stats"]);
            let value = match rng.u8(..5) {
                0 => format!("{}; {name}={session}; a=1", text(rng)),
                _ => format!("{name}={session}"),
            };
            builder = builder.header("cookie", header_value(&value));
            // With a cookie, only pages of the service may change data.
            if rng.bool() {
                builder = builder.header("sec-fetch-site", "same-origin");
            }
        }
        builder
    }

    /// Returns the body of a sign-in.
    pub(super) fn session_body(&self, rng: &mut Rng) -> Vec<u8> {
        let token = self.token(rng).unwrap_or_default();
        json!({ "token": token }).to_string().into_bytes()
    }

    /// Returns the text in the place of a token; `None` for a request without a token.
    fn token(&self, rng: &mut Rng) -> Option<String> {
        let known = &self.tokens[rng.usize(..self.tokens.len())];
        match rng.u8(..20) {
            0..=11 => Some(known.clone()),
            12..=13 => Some(changed(rng, known)),
            14 => Some(random_token(rng, TokenKind::User).expose().to_owned()),
            15 => Some(text(rng)),
            _ => None,
        }
    }

    /// Returns the text in the place of the secret of a session; `None` for a request without a cookie.
    fn session(&self, rng: &mut Rng) -> Option<String> {
        match rng.u8(..20) {
            0..=7 => Some(self.session.clone()),
            8 => Some(changed(rng, &self.session)),
            9 => Some(random_session(rng).expose().to_owned()),
            10 => Some(text(rng)),
            _ => None,
        }
    }
}

/// Makes a token that no service knows.
pub(super) fn random_token(rng: &mut Rng, kind: TokenKind) -> Token {
    Token::from_random(kind, &random_bytes(rng))
}

/// Makes the secret of a session that no service knows.
pub(super) fn random_session(rng: &mut Rng) -> SessionSecret {
    SessionSecret::from_random(&random_bytes(rng))
}

fn random_bytes(rng: &mut Rng) -> [u8; 32] {
    let mut bytes = [0; 32];
    rng.fill(&mut bytes);
    bytes
}

/// Changes a text that is not empty.
fn changed(rng: &mut Rng, text: &str) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    let at = rng.usize(..letters.len());
    match rng.u8(..4) {
        0 => letters.truncate(at),
        1 => letters.insert(at, rng.char(..)),
        2 => letters[at] = rng.char('!'..='~'),
        _ => letters.rotate_left(at),
    }
    letters.into_iter().collect()
}
