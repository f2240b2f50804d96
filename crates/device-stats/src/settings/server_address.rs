//! The address on which a server listens, and the URL at which a command finds it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::Url;

/// Path of the interface, which the commands add to the URL of the server.
const API_PATH: &str = "/api/v1";

/// Checks an address to listen on: a host, which may be a name, and a port.
pub(super) fn parse_listen(text: &str) -> Result<String, String> {
    let example = "write HOST:PORT, such as 127.0.0.1:8000, or 0.0.0.0:8000 for all addresses";
    let Some((host, port)) = text.rsplit_once(':') else {
        return Err(match text.parse::<u16>() {
            Ok(port) => {
                format!("{text:?} has no host; write 127.0.0.1:{port}, or 0.0.0.0:{port} for all addresses")
            }
            Err(_) => format!("{text:?} has no port; {example}"),
        });
    };
    let is_bracketed = host.starts_with('[') && host.ends_with(']');
    if text.contains("//") || port.contains('/') {
        Err(format!("{text:?} is a URL; {example}"))
    } else if port.parse::<u16>().is_err() {
        Err(format!("{port:?} is not a port from 0 to 65535; {example}"))
    } else if host.is_empty() {
        Err(format!("{text:?} has no host; {example}"))
    } else if host.contains(':') && !is_bracketed {
        Err(format!("{text:?} has several colons; write an IPv6 address in brackets, such as [::1]:8000"))
    } else {
        Ok(text.to_owned())
    }
}

/// Returns the base URL of the server that listens on an address of this machine. An address for all
/// interfaces is replaced by the loopback address.
pub(super) fn local_url(listen: &str, is_encrypted: bool) -> String {
    let scheme = if is_encrypted { "https" } else { "http" };
    let Ok(address) = listen.parse::<SocketAddr>() else { return format!("{scheme}://{listen}") };
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    format!("{scheme}://{}", SocketAddr::new(ip, address.port()))
}

/// Parses the base URL of a server. Removes trailing slashes and the path of the interface.
pub(super) fn parse_server_url(text: &str) -> Result<String, String> {
    if let Some(problem) = without_scheme(text) {
        return Err(problem);
    }
    let url = Url::parse(text)
        .map_err(|_| "not a URL; write http://HOST:PORT, with a port from 1 to 65535".to_owned())?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("the scheme {:?} is not http or https", url.scheme()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("the URL must not contain a user or password".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("the URL must not contain ? or #".to_owned());
    }
    let url = url.as_str().trim_end_matches('/');
    let url = url.strip_suffix(API_PATH).unwrap_or(url).trim_end_matches('/');
    match url.split_once(&format!("{API_PATH}/")) {
        Some((base, _)) => Err(format!("the URL of the server ends before {API_PATH}; write {base}")),
        None => Ok(url.to_owned()),
    }
}

/// Returns the problem of a text without a scheme. The text may contain a password before an `@`.
fn without_scheme(text: &str) -> Option<String> {
    let (before, after) = text.split_once(':').unwrap_or((text, ""));
    let is_port = |text: &str| text.starts_with(|first: char| first.is_ascii_digit());
    let lacks_scheme =
        !text.contains("//") && (after.is_empty() || is_port(after) || before.contains(['.', '[']));
    if !lacks_scheme {
        return None;
    }
    if text.is_empty() || text.contains(['@', ' ']) {
        return Some("the URL has no scheme; write http://HOST:PORT".to_owned());
    }
    Some(format!("{text:?} has no scheme; write http://{text}"))
}
