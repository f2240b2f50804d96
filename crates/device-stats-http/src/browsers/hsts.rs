//! The header `Strict-Transport-Security` (RFC 6797): a browser then uses only HTTPS for the name of the
//! host.

use std::time::Duration;

use axum::extract::Request;
use axum::http::HeaderValue;
use axum::http::header::HOST;
use axum::http::uri::Authority;

use super::host_port::{Host, HostPort};

/// The value of the header.
#[derive(Clone, Debug)]
pub(crate) struct Hsts(HeaderValue);

impl Hsts {
    /// Makes browsers use only HTTPS for this time. With zero, they forget an earlier time.
    #[expect(clippy::expect_used, reason = "a number is a valid value")]
    pub(crate) fn new(max_age: Duration) -> Self {
        let value = format!("max-age={}", max_age.as_secs());
        Self(value.parse().expect("a valid value"))
    }

    /// Returns the value for the answer to an encrypted request. Returns `None` if the host is an address,
    /// for which browsers ignore the header, or `localhost`: there, other programs of this machine serve
    /// plain HTTP.
    pub(crate) fn value_for(&self, request: &Request) -> Option<HeaderValue> {
        let header = || request.headers().get(HOST)?.to_str().ok();
        let host = request.uri().authority().map(Authority::as_str).or_else(header)?;
        match HostPort::parse(host)?.host {
            host @ Host::Name(_) if !host.is_localhost() => Some(self.0.clone()),
            Host::Name(_) | Host::Address(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    #[test]
    fn only_names_of_other_machines_get_the_header() {
        let hsts = Hsts::new(Duration::from_hours(1));
        let value = |uri: &str, host: Option<&str>| {
            let request =
                host.into_iter().fold(Request::get(uri), |request, host| request.header(HOST, host));
            hsts.value_for(&request.body(Body::empty()).unwrap())
        };
        for host in ["stats.example.com", "stats.example.com:8443", "pump-hall"] {
            let expected = Some(HeaderValue::from_static("max-age=3600"));
            assert_eq!(value("/", Some(host)), expected, "{host}");
            assert_eq!(value(&format!("https://{host}/"), None), expected, "{host}");
        }
        for host in
            ["localhost", "LocalHost:8443", "a.localhost.", "127.0.0.1:8443", "[::1]", "10.1.2.3", "a b"]
        {
            assert_eq!(value("/", Some(host)), None, "{host}");
        }
        assert_eq!(value("https://localhost/", Some("stats.example.com")), None);
        assert_eq!(value("/", None), None);
    }
}
