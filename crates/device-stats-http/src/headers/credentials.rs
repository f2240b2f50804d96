//! The token of a request, in the header `Authorization`.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use device_stats_domain::{InvalidToken, Token};

/// Error of a header `Authorization` without a token. It contains no part of the header, which may be a
/// secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidCredentials {
    /// It occurs several times, or is not `Bearer TOKEN`, `Token TOKEN` or `Basic BASE64`.
    #[error("the header Authorization must be Bearer TOKEN, Token TOKEN or Basic BASE64")]
    Header,
    /// The text in the place of the token is not a token.
    #[error("the text in the place of the token {0}")]
    Token(#[from] InvalidToken),
}

/// Returns the token of a request: that of `Bearer` (RFC 6750), of `Token` (clients of InfluxDB 2), or the
/// password of `Basic` (RFC 7617; clients of InfluxDB 1 and Grafana), whose username is ignored. Returns
/// `None` if the request has no credentials.
///
/// # Errors
/// [`InvalidCredentials`] if the request has other credentials.
pub(crate) fn token(headers: &HeaderMap) -> Result<Option<Token>, InvalidCredentials> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let text = value.to_str().ok().filter(|_| values.next().is_none());
    let (scheme, rest) = text.and_then(|text| text.split_once(' ')).ok_or(InvalidCredentials::Header)?;
    let rest = rest.trim();
    if ["bearer", "token"].iter().any(|name| scheme.eq_ignore_ascii_case(name)) {
        Ok(Some(Token::parse(rest)?))
    } else if scheme.eq_ignore_ascii_case("basic") {
        let decoded = BASE64_STANDARD.decode(rest).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let decoded = decoded.ok_or(InvalidCredentials::Header)?;
        let (_, password) = decoded.split_once(':').ok_or(InvalidCredentials::Header)?;
        Ok(Some(Token::parse(password)?))
    } else {
        Err(InvalidCredentials::Header)
    }
}

#[cfg(test)]
mod tests {
    use device_stats_domain::TokenKind;

    use super::*;

    fn read(values: &[&str]) -> Result<Option<Token>, InvalidCredentials> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, value.parse().unwrap());
        }
        token(&headers)
    }

    #[test]
    fn a_token_is_found_in_each_scheme() {
        let token = Token::from_random(TokenKind::Device, &[3; 32]);
        let text = token.expose();
        let basic = |user: &str| format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{text}")));
        for header in [
            format!("Bearer {text}"),
            format!("bearer  {text} "),
            format!("Token {text}"),
            basic("grafana"),
            basic(""),
        ] {
            let found = read(&[&header]).unwrap().unwrap();
            assert_eq!(found.hash(), token.hash(), "{header}");
        }
        assert!(read(&[]).unwrap().is_none());
    }

    #[test]
    fn other_credentials_are_refused_without_showing_them() {
        let token = Token::from_random(TokenKind::Device, &[3; 32]);
        let text = token.expose();
        let cut = text.trim_end_matches(|letter| letter != '_');
        for headers in [
            &[""][..],
            &["Bearer"],
            &[text],
            &["Digest secret"],
            &["Basic secret"],
            &["Basic c2VjcmV0"],
            &["Bearer secret"],
            &["Basic dTpzZWNyZXQ="],
            &[&format!("Bearer {cut}")],
            &[&format!("Bearer {text}"), &format!("Bearer {text}")],
        ] {
            let error = read(headers).unwrap_err().to_string();
            assert!(!error.contains("secret") && !error.contains(&text[6..12]), "{error}");
        }
    }
}
