//! The names of the service in the header `Host`.
//!
//! The site `http://site.example` can let its name resolve to the address of the service (DNS rebinding). For
//! the browser, the service then belongs to the site, so a page of the site can read everything. But the
//! browser still sends the name of the site as `Host`. A site whose URL contains an address instead of a name
//! cannot do this.

use std::str::FromStr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::HOST;
use axum::response::{IntoResponse, Response};
use tower_http::validate_request::{ValidateRequest, ValidateRequestHeaderLayer};

use super::host_port::{Host, HostPort};
use crate::errors::ApiError;
use crate::routes::is_health_path;

/// Stands for every name.
const ANY: &str = "*";

/// Names under which clients may send requests to the service, in addition to addresses, `localhost` and
/// names that end with `.localhost`. By default there are none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedHosts {
    names: Vec<String>,
    are_all_allowed: bool,
}

/// Error of a text that is not a list of host names.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a host name such as stats.example.com, without scheme and port")]
pub struct AllowedHostsError(String);

impl FromStr for AllowedHosts {
    type Err = AllowedHostsError;

    /// Parses names, separated by commas. `*` allows every name. An empty text is an empty list.
    fn from_str(text: &str) -> Result<Self, AllowedHostsError> {
        let mut hosts = Self::default();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            match HostPort::parse(part) {
                _ if part == ANY => hosts.are_all_allowed = true,
                Some(HostPort { host: Host::Name(name), port: None }) => hosts.names.push(name.to_owned()),
                // An address is always allowed.
                Some(HostPort { host: Host::Address(_), port: None }) => {}
                _ => return Err(AllowedHostsError(part.to_owned())),
            }
        }
        Ok(hosts)
    }
}

impl AllowedHosts {
    /// Adds the host of an address to listen on, `HOST:PORT`, because clients use it.
    #[must_use]
    pub fn and_listener(mut self, address: &str) -> Self {
        if let Some(HostPort { host: Host::Name(name), .. }) = HostPort::parse(address) {
            self.names.push(name.to_owned());
        }
        self
    }

    /// Allows every name.
    pub fn any() -> Self {
        Self { are_all_allowed: true, ..Self::default() }
    }

    /// Returns whether every name is allowed, so that requests for foreign names are not refused.
    pub fn are_all_allowed(&self) -> bool {
        self.are_all_allowed
    }

    /// Returns the name of a host if it is not allowed.
    fn foreign<'a>(&self, host: Host<'a>) -> Option<&'a str> {
        let Host::Name(name) = host else { return None };
        let is_allowed = self.are_all_allowed
            || host.is_localhost()
            || self.names.iter().any(|allowed| allowed.eq_ignore_ascii_case(name));
        (!is_allowed).then_some(name)
    }
}

/// Returns the layer that refuses requests for names that are not allowed.
pub(super) fn refuse_foreign_hosts(hosts: &AllowedHosts) -> ValidateRequestHeaderLayer<HostCheck> {
    ValidateRequestHeaderLayer::custom(HostCheck(Arc::new(hosts.clone())))
}

/// The check of the header `Host`.
#[derive(Clone, Debug)]
pub(super) struct HostCheck(Arc<AllowedHosts>);

impl ValidateRequest<Body> for HostCheck {
    type ResponseBody = Body;

    fn validate(&mut self, request: &mut Request) -> Result<(), Response> {
        self.check(request).map_err(IntoResponse::into_response)
    }
}

impl HostCheck {
    /// Checks the host of a request, in its target (HTTP/2, or a request to a proxy) and in its header. A
    /// request without a host is allowed: every browser sends one.
    fn check(&self, request: &Request) -> Result<(), ApiError> {
        // Load balancers send any host to check the health, and its answer contains no data.
        if is_health_path(request.uri().path()) {
            return Ok(());
        }
        let mut headers = request.headers().get_all(HOST).into_iter();
        let header = headers.next().map(|value| value.to_str().map_err(|_| ApiError::MalformedHost));
        if headers.next().is_some() {
            return Err(ApiError::MalformedHost);
        }
        let target = request.uri().authority().map(|authority| Ok(authority.as_str()));
        for text in [target, header].into_iter().flatten() {
            let text = text?;
            let HostPort { host, .. } = HostPort::parse(text).ok_or(ApiError::MalformedHost)?;
            if let Some(name) = self.0.foreign(host) {
                return Err(ApiError::ForeignHost { name: name.to_owned() });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns `""` for an allowed request, or the code of its error.
    fn check(allowed: &str, uri: &str, hosts: &[&[u8]]) -> &'static str {
        let mut request = Request::get(uri);
        for host in hosts {
            request = request.header(HOST, *host);
        }
        let request = request.body(Body::empty()).unwrap();
        match HostCheck(Arc::new(allowed.parse().unwrap())).check(&request) {
            Ok(()) => "",
            Err(error) => error.describe().code,
        }
    }

    #[test]
    fn addresses_local_and_allowed_names_are_allowed() {
        for host in [
            "127.0.0.1",
            "127.0.0.1:8000",
            "10.1.2.3:80",
            "[::1]",
            "[::1]:8000",
            "[2001:db8::1]:",
            "[fe80::1%25eth0]:8000",
            "localhost",
            "LocalHost:8000",
            "localhost.:8000",
            "a.b.localhost:8000",
            "app:8000",
            "APP",
            "stats.example.com",
            "Stats.Example.com.:443",
        ] {
            assert_eq!(check("App, stats.example.com.", "/docs", &[host.as_bytes()]), "", "{host}");
        }
    }

    #[test]
    fn other_names_are_foreign() {
        for host in [
            "site.example",
            "site.example:8000",
            "localhost.site.example",
            "notlocalhost",
            "127.0.0.1.site.example",
            "127.1",
            "app.site.example",
            "my.app",
            "ap",
        ] {
            assert_eq!(check("app", "/docs", &[host.as_bytes()]), "foreign_host", "{host}");
            assert_eq!(check("app,*", "/docs", &[host.as_bytes()]), "", "{host}");
        }
    }

    #[test]
    fn malformed_and_repeated_hosts_are_refused() {
        let long = "a.".repeat(128);
        for host in [
            "",
            ":8000",
            "a b",
            "a..b",
            ".",
            "a/b",
            "user@app",
            "app:x",
            "app:+80",
            "app:70000",
            "app:1:2",
            "::1",
            "[::1",
            "[::1]8000",
            "[app]",
            "app,app",
            &long,
        ] {
            for allowed in ["app", "*"] {
                assert_eq!(check(allowed, "/docs", &[host.as_bytes()]), "malformed_host", "{host}");
            }
        }
        assert_eq!(check("*", "/docs", &[b"\xe4pp"]), "malformed_host");
        assert_eq!(check("app", "/docs", &[b"app", b"app"]), "malformed_host");
    }

    #[test]
    fn the_host_of_the_target_is_checked_too() {
        assert_eq!(check("app", "http://site.example/docs", &[]), "foreign_host");
        assert_eq!(check("app", "http://site.example/docs", &[b"app"]), "foreign_host");
        assert_eq!(check("app", "http://app/docs", &[b"site.example"]), "foreign_host");
        assert_eq!(check("app", "http://app/docs", &[b"app"]), "");
    }

    #[test]
    fn a_request_without_a_host_is_allowed() {
        assert_eq!(check("", "/docs", &[]), "");
    }

    #[test]
    fn health_checks_may_have_any_host() {
        for path in ["/health/live", "/health/ready"] {
            assert_eq!(check("", path, &[b"backend_servers"]), "");
            assert_eq!(check("", path, &[b""]), "");
        }
        assert_eq!(check("", "/health/other", &[b"backend_servers"]), "foreign_host");
    }

    #[test]
    fn the_host_of_the_listener_is_allowed() {
        let hosts = AllowedHosts::default().and_listener("pump-hall:8000");
        assert_eq!(hosts.foreign(Host::Name("Pump-Hall")), None);
        assert_eq!(hosts.foreign(Host::Name("site.example")), Some("site.example"));
        assert_eq!(AllowedHosts::default().and_listener("0.0.0.0:8000"), AllowedHosts::default());
        assert_eq!(AllowedHosts::default().and_listener("[::]:8000"), AllowedHosts::default());
    }

    #[test]
    fn a_faulty_name_is_named() {
        for (text, part) in [
            ("a, http://b", "http://b"),
            ("app:8000", "app:8000"),
            ("*.example.com", "*.example.com"),
            ("b\u{fc}cher.example", "b\u{fc}cher.example"),
            ("a b", "a b"),
            ("::1", "::1"),
        ] {
            assert_eq!(text.parse::<AllowedHosts>(), Err(AllowedHostsError(part.to_owned())));
        }
        assert_eq!(" , ".parse::<AllowedHosts>(), Ok(AllowedHosts::default()));
        assert_eq!("10.0.0.1, [::1]".parse::<AllowedHosts>(), Ok(AllowedHosts::default()));
    }
}
