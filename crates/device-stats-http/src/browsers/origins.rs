//! The origins of web pages that may use the service from another site.

use std::str::FromStr;

use axum::http::uri::Uri;

use super::host_port::HostPort;

/// Origins whose pages may read and change data. By default there are none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CorsOrigins(Vec<String>);

/// Error of a text that is not a list of origins.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CorsOriginsError {
    /// An element is not an origin.
    #[error(
        "{0:?} is not an origin such as https://dash.example.com or http://10.0.0.1:3000, without a path"
    )]
    NotAnOrigin(String),
    /// An element stands for all origins.
    #[error("\"*\" would let every web page read and change all data; name the origin of each page")]
    Any,
}

impl FromStr for CorsOrigins {
    type Err = CorsOriginsError;

    /// Parses origins, separated by commas. An empty text is an empty list.
    fn from_str(text: &str) -> Result<Self, CorsOriginsError> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        let origin = |part: &str| match part {
            "*" => Err(CorsOriginsError::Any),
            _ => normalize(part).ok_or_else(|| CorsOriginsError::NotAnOrigin(part.to_owned())),
        };
        parts.map(origin).collect::<Result<_, _>>().map(Self)
    }
}

impl CorsOrigins {
    /// Returns the origins, as browsers write them in the header `Origin`.
    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Returns an origin as browsers write it: in lower case, without a default port. A single slash may follow
/// it, as in the address bar of a browser.
fn normalize(text: &str) -> Option<String> {
    let uri: Uri = text.parse().ok()?;
    let scheme = uri.scheme_str().filter(|scheme| ["http", "https"].contains(scheme))?;
    let authority = uri.authority()?;
    let HostPort { port, .. } = HostPort::parse(authority.as_str())?;
    let is_origin = uri.path() == "/" && uri.query().is_none() && !text.contains('#');
    let default_port = if scheme == "http" { 80 } else { 443 };
    let port = port.filter(|port| *port != default_port);
    let port = port.map_or_else(String::new, |port| format!(":{port}"));
    let host = authority.host().to_ascii_lowercase();
    Some(format!("{scheme}://{host}{port}")).filter(|_| is_origin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_written_as_browsers_send_them() {
        for (text, origins) in [
            ("", &[][..]),
            ("https://dash.example.com", &["https://dash.example.com"]),
            ("HTTPS://Dash.Example.com:443/, http://a:80", &["https://dash.example.com", "http://a"]),
            ("http://a:443,https://a:80", &["http://a:443", "https://a:80"]),
            ("http://127.0.0.1:3000,http://[::1]:3000", &["http://127.0.0.1:3000", "http://[::1]:3000"]),
        ] {
            let parsed: CorsOrigins = text.parse().unwrap();
            assert_eq!(parsed.iter().collect::<Vec<_>>(), origins, "{text}");
        }
    }

    #[test]
    fn a_faulty_origin_is_named() {
        for part in [
            "dash.example.com",
            "null",
            "//a",
            "ftp://a",
            "https://",
            "https://a/b",
            "https://a/?b",
            "https://a#",
            "https://user@a",
            "https://a:x",
            "https://a:70000",
            "https://*.example.com",
            "https://b\u{fc}cher.example",
        ] {
            let error = CorsOriginsError::NotAnOrigin(part.to_owned());
            assert_eq!(format!("https://ok,{part}").parse::<CorsOrigins>(), Err(error));
        }
        assert_eq!("*".parse::<CorsOrigins>(), Err(CorsOriginsError::Any));
    }
}
