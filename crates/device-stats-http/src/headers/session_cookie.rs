//! The cookie of a session (RFC 6265).

use axum::http::header::COOKIE;
use axum::http::{HeaderMap, HeaderValue};
use device_stats_domain::SessionSecret;
use device_stats_service::limits::SESSION_TIME_MAX;

/// Name of the cookie over TLS. Browsers accept a name with this prefix only from the host itself, over TLS
/// (RFC 6265bis, section 4.1.3).
const SECURE_NAME: &str = "__Host-device-stats";
/// Name of the cookie without TLS.
const PLAIN_NAME: &str = "device-stats";

/// Whether the connection of a browser is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    Tls,
    Plain,
}

impl Transport {
    fn cookie(self) -> (&'static str, &'static str) {
        match self {
            Self::Tls => (SECURE_NAME, "; Secure"),
            Self::Plain => (PLAIN_NAME, ""),
        }
    }
}

/// Returns the secret of the session of a request; `None` without a cookie of a session. Over TLS, only the
/// name with the prefix counts: a page of a related host, such as another subdomain, can set the other one.
pub(crate) fn session(headers: &HeaderMap, transport: Transport) -> Option<SessionSecret> {
    let values = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = values.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let pairs: Vec<(&str, &str)> = pairs.collect();
    let named = |wanted| {
        let mut values = pairs.iter().filter(|(name, _)| *name == wanted);
        values.find_map(|(_, value)| SessionSecret::parse(value))
    };
    match transport {
        Transport::Tls => named(SECURE_NAME),
        Transport::Plain => named(SECURE_NAME).or_else(|| named(PLAIN_NAME)),
    }
}

/// Returns the header that gives a browser the cookie of a new session.
#[expect(clippy::expect_used, reason = "the secret is base64url")]
pub(crate) fn set(secret: &SessionSecret, transport: Transport) -> HeaderValue {
    let (name, secure) = transport.cookie();
    let seconds = SESSION_TIME_MAX.as_secs();
    let text =
        format!("{name}={}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}{secure}", secret.expose());
    let mut value = HeaderValue::from_str(&text).expect("a visible ASCII text");
    value.set_sensitive(true);
    value
}

/// Returns the header that deletes the cookie.
#[expect(clippy::expect_used, reason = "the text is constant")]
pub(crate) fn delete(transport: Transport) -> HeaderValue {
    let (name, secure) = transport.cookie();
    let text = format!("{name}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0{secure}");
    HeaderValue::from_str(&text).expect("a visible ASCII text")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_is_found_among_other_cookies() {
        let secret = SessionSecret::from_random(&[8; 32]);
        for transport in [Transport::Tls, Transport::Plain] {
            let set = set(&secret, transport);
            let pair = set.to_str().unwrap().split(';').next().unwrap();
            for cookies in [pair.to_owned(), format!("a=1; {pair}; b=2"), format!("device-stats=x; {pair}")] {
                let mut headers = HeaderMap::new();
                headers.append(COOKIE, "first=1".parse().unwrap());
                headers.append(COOKIE, cookies.parse().unwrap());
                let found = session(&headers, transport).unwrap();
                assert_eq!(found.hash(), secret.hash(), "{cookies}");
            }
            assert!(session(&HeaderMap::new(), transport).is_none());
        }
    }

    /// Over TLS, the service accepted a cookie of another subdomain, so a page there could let a person work
    /// in the session of somebody else.
    #[test]
    fn over_tls_only_a_cookie_of_the_host_itself_counts() {
        let [own, planted] = [8, 9].map(|byte| SessionSecret::from_random(&[byte; 32]));
        let pair = |name: &str, secret: &SessionSecret| format!("{name}={}", secret.expose());
        let (own_pair, planted_pair) = (pair(SECURE_NAME, &own), pair(PLAIN_NAME, &planted));
        for (cookies, over_tls, over_plain) in [
            (planted_pair.clone(), None, Some(&planted)),
            (own_pair.clone(), Some(&own), Some(&own)),
            (format!("{planted_pair}; {own_pair}"), Some(&own), Some(&own)),
        ] {
            let headers = HeaderMap::from_iter([(COOKIE, cookies.parse::<HeaderValue>().unwrap())]);
            for (transport, expected) in [(Transport::Tls, over_tls), (Transport::Plain, over_plain)] {
                let found = session(&headers, transport).map(|secret| secret.hash());
                assert_eq!(found, expected.map(SessionSecret::hash), "{cookies} {transport:?}");
            }
        }
    }

    #[test]
    fn a_cookie_is_hidden_from_scripts_and_other_sites() {
        let secret = SessionSecret::from_random(&[8; 32]);
        let secure = set(&secret, Transport::Tls);
        let attributes = "; Path=/; HttpOnly; SameSite=Strict; Max-Age=43200; Secure";
        assert_eq!(secure, format!("__Host-device-stats={}{attributes}", secret.expose()));
        assert!(!set(&secret, Transport::Plain).to_str().unwrap().contains("Secure"));
        assert_eq!(delete(Transport::Plain), "device-stats=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0");
    }
}
