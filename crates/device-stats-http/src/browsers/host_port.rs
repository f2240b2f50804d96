//! A host with an optional port: the value of the header `Host` (RFC 9110, section 7.2).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The name of this machine in every browser (RFC 6761, section 6.3).
const LOCALHOST: &str = "localhost";
/// Maximum length of a name in the DNS, in bytes (RFC 1035, section 2.3.4).
const NAME_BYTES_MAX: usize = 253;

/// A host with an optional port, as in the header `Host`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct HostPort<'a> {
    pub(super) host: Host<'a>,
    pub(super) port: Option<u16>,
}

/// The host of a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Host<'a> {
    Address(IpAddr),
    /// A name, without the dot that may end it.
    Name(&'a str),
}

impl<'a> HostPort<'a> {
    /// Returns `None` for a malformed text.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let (host, port) = if let Some(text) = text.strip_prefix('[') {
            let (address, port) = text.split_once(']')?;
            // Some clients send the zone of a link-local address.
            let address = address.split('%').next()?;
            let port = if port.is_empty() { None } else { Some(port.strip_prefix(':')?) };
            (Host::Address(address.parse::<Ipv6Addr>().ok()?.into()), port)
        } else {
            let (host, port) = text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port)));
            let address = host.parse::<Ipv4Addr>().map(|address| Host::Address(address.into()));
            (address.ok().or_else(|| Host::name(host))?, port)
        };
        // The port may be empty (RFC 3986, section 3.2.3).
        let port = port.filter(|port| !port.is_empty());
        // The parser of the standard library accepts a sign.
        if port.is_some_and(|port| !port.bytes().all(|byte| byte.is_ascii_digit())) {
            return None;
        }
        Some(Self { host, port: port.map(str::parse).transpose().ok()? })
    }
}

impl<'a> Host<'a> {
    /// Returns whether this is `localhost`, or a name that ends with `.localhost`.
    pub(super) fn is_localhost(&self) -> bool {
        match self {
            Self::Name(name) => {
                name.rsplit('.').next().is_some_and(|label| label.eq_ignore_ascii_case(LOCALHOST))
            }
            Self::Address(_) => false,
        }
    }

    fn name(text: &'a str) -> Option<Self> {
        let name = text.strip_suffix('.').unwrap_or(text);
        // `_` is in names of Docker services.
        let is_label = |label: &str| {
            !label.is_empty()
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        };
        Some(Self::Name(name)).filter(|_| name.len() <= NAME_BYTES_MAX && name.split('.').all(is_label))
    }
}
