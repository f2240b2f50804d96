//! The proxies that report the addresses of their clients.
//!
//! A proxy appends the address of its client to one of two headers. It passes on the other one unchanged, as
//! the client has written it. So if a request has both, they count only if both name the same client. The
//! same holds for the scheme that the client has used.

mod forwarded;

use std::net::IpAddr;
use std::str::FromStr;

use axum::http::HeaderMap;
use axum::http::header::FORWARDED;
use device_stats_service::ClientAddress;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use self::forwarded::{FOR, PROTO, elements_from_end, read_address, value_of};

/// The de facto standard header of proxies: each proxy appends the address of its own client.
const X_FORWARDED_FOR: &str = "x-forwarded-for";
/// The scheme that the client of a proxy has used; also a de facto standard.
const X_FORWARDED_PROTO: &str = "x-forwarded-proto";

/// The scheme of TLS.
const HTTPS: &[u8] = b"https";

/// Length of the prefix of IPv4 addresses in IPv6, `::ffff:0:0/96` (RFC 4291, section 2.5.5.2).
const IPV4_MAPPED_PREFIX: u8 = 96;

/// Networks of proxies whose `Forwarded` and `X-Forwarded-For` are believed. By default there are none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

/// Error of a text that is not a list of addresses and networks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an address such as 10.0.0.1 or a network such as 10.0.0.0/8")]
pub struct TrustedProxiesError(String);

impl FromStr for TrustedProxies {
    type Err = TrustedProxiesError;

    /// Parses addresses and networks, separated by commas. An empty text is an empty list.
    fn from_str(text: &str) -> Result<Self, TrustedProxiesError> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        let network = |part: &str| {
            let address = part.parse::<IpAddr>().map(IpNet::from);
            let network = address.or_else(|_| part.parse());
            network.map(canonical).map_err(|_| TrustedProxiesError(part.to_owned()))
        };
        parts.map(network).collect::<Result<_, _>>().map(Self)
    }
}

impl TrustedProxies {
    /// Returns whether a trusted proxy reports that its client has used TLS. If both headers report a scheme,
    /// they must agree.
    pub(crate) fn has_encrypted(&self, peer: IpAddr, headers: &HeaderMap) -> bool {
        let reported = [forwarded_scheme(headers), x_forwarded_scheme(headers)];
        let mut reported = reported.iter().flatten().peekable();
        let is_https = |scheme: &Vec<u8>| scheme.trim_ascii().eq_ignore_ascii_case(HTTPS);
        self.contains(peer) && reported.peek().is_some() && reported.all(is_https)
    }

    /// Returns whether an address is the address of a proxy.
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// Returns the address of the client of a request that arrives from `peer`: the last reported address
    /// that is not the address of a proxy. If the two headers report different clients, returns `peer`.
    pub(crate) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> ClientAddress {
        let peer = peer.to_canonical();
        if !self.contains(peer) {
            return peer.into();
        }
        let (standard, common) = (forwarded_addresses(headers), x_forwarded_for_addresses(headers));
        let client = match (headers.contains_key(FORWARDED), headers.contains_key(X_FORWARDED_FOR)) {
            (false, false) => peer,
            (true, false) => self.before_proxies(peer, standard),
            (false, true) => self.before_proxies(peer, common),
            (true, true) => {
                let client = self.before_proxies(peer, standard);
                if client == self.before_proxies(peer, common) { client } else { peer }
            }
        };
        client.into()
    }

    /// Returns the last address that is not the address of a proxy. A client can write earlier addresses
    /// itself. An unreadable address ends the search, because it may be the address of the client.
    fn before_proxies(&self, peer: IpAddr, mut from_end: impl Iterator<Item = Option<IpAddr>>) -> IpAddr {
        let mut client = peer;
        while self.contains(client)
            && let Some(Some(before)) = from_end.next()
        {
            client = before.to_canonical();
        }
        client
    }
}

/// Returns the scheme in `Forwarded` that the last proxy has written.
fn forwarded_scheme(headers: &HeaderMap) -> Option<Vec<u8>> {
    let line = headers.get_all(FORWARDED).iter().next_back()?;
    value_of(PROTO, elements_from_end(line.as_bytes()).next()?)
}

/// Returns the scheme in `X-Forwarded-Proto` that the last proxy has written.
fn x_forwarded_scheme(headers: &HeaderMap) -> Option<Vec<u8>> {
    let line = headers.get_all(X_FORWARDED_PROTO).iter().next_back()?;
    line.as_bytes().rsplit(|byte| *byte == b',').next().map(<[u8]>::to_vec)
}

/// Returns the addresses in `Forwarded`, the last one first, and `None` for an unreadable one.
fn forwarded_addresses(headers: &HeaderMap) -> impl Iterator<Item = Option<IpAddr>> {
    let lines = headers.get_all(FORWARDED).iter().rev();
    let elements = lines.flat_map(|line| elements_from_end(line.as_bytes()));
    elements.map(|element| read_address(&value_of(FOR, element)?))
}

/// Returns the addresses in `X-Forwarded-For`, the last one first, and `None` for an unreadable one. A client
/// can write any bytes. They must not hide the address that the proxy has appended.
fn x_forwarded_for_addresses(headers: &HeaderMap) -> impl Iterator<Item = Option<IpAddr>> {
    let lines = headers.get_all(X_FORWARDED_FOR).iter().rev();
    lines.flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b',')).map(read_address)
}

/// Returns a network inside `::ffff:0:0/96` as the network of IPv4 that it contains, because the addresses of
/// peers are compared in this form. Returns other networks unchanged.
fn canonical(network: IpNet) -> IpNet {
    let mapped = |network: &Ipv6Net| {
        let prefix = network.prefix_len().checked_sub(IPV4_MAPPED_PREFIX)?;
        Ipv4Net::new(network.addr().to_ipv4_mapped()?, prefix).ok()
    };
    match &network {
        IpNet::V6(v6) => mapped(v6).map_or(network, IpNet::V4),
        IpNet::V4(_) => network,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn address(text: &str) -> ClientAddress {
        text.parse::<IpAddr>().unwrap().into()
    }

    #[test]
    fn only_trusted_proxies_report_their_clients() {
        for (proxies, peer, forwarded, client) in [
            ("", "10.0.0.1", &["1.1.1.1"][..], "10.0.0.1"),
            ("10.0.0.1", "10.0.0.1", &["1.1.1.1"], "1.1.1.1"),
            ("10.0.0.1", "10.0.0.2", &["1.1.1.1"], "10.0.0.2"),
            ("10.0.0.1", "::ffff:10.0.0.1", &["1.1.1.1:4711"], "1.1.1.1"),
            // The client has written the first address.
            ("10.0.0.0/8, ::1", "10.0.0.1", &["9.9.9.9, 1.1.1.1"], "1.1.1.1"),
            ("10.0.0.0/8, ::1", "::1", &["9.9.9.9", "1.1.1.1, 10.0.0.3"], "1.1.1.1"),
            ("10.0.0.0/8", "10.0.0.1", &["unknown"], "10.0.0.1"),
            ("10.0.0.0/8", "10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.0/8", "10.0.0.1", &["10.0.0.9"], "10.0.0.9"),
            ("::/0", "::1", &["[2001:db8::1]:80"], "2001:db8::1"),
            // A listener on `::` reports peers of IPv4 in this form, so operators copy it into the list.
            ("::ffff:10.0.0.0/104", "10.0.0.1", &["1.1.1.1"], "1.1.1.1"),
            ("::ffff:10.0.0.0/104", "::ffff:10.9.9.9", &["1.1.1.1"], "1.1.1.1"),
            ("::ffff:10.0.0.0/104", "11.0.0.1", &["1.1.1.1"], "11.0.0.1"),
            ("::ffff:10.0.0.1", "10.0.0.1", &["1.1.1.1"], "1.1.1.1"),
            ("::ffff:0:0/96", "10.0.0.1", &["1.1.1.1"], "1.1.1.1"),
        ] {
            let proxies: TrustedProxies = proxies.parse().unwrap();
            let mut headers = HeaderMap::new();
            for value in forwarded {
                headers.append(X_FORWARDED_FOR, value.parse().unwrap());
            }
            assert_eq!(proxies.client(peer.parse().unwrap(), &headers), address(client), "{forwarded:?}");
        }
    }

    #[test]
    fn bytes_of_a_client_do_not_hide_the_address_from_the_proxy() {
        let proxies: TrustedProxies = "10.0.0.1".parse().unwrap();
        let mut headers = HeaderMap::new();
        headers.append(X_FORWARDED_FOR, HeaderValue::from_bytes(b"\xe9, 1.1.1.1").unwrap());
        assert_eq!(proxies.client("10.0.0.1".parse().unwrap(), &headers), address("1.1.1.1"));
    }

    #[test]
    fn either_header_reports_the_client_and_both_must_agree() {
        for (standard, common, client) in [
            (&["for=1.1.1.1"][..], &[][..], "1.1.1.1"),
            (&["for=9.9.9.9", "for=1.1.1.1, for=\"10.0.0.3:80\""], &[], "1.1.1.1"),
            (&["for=\"[2001:db8::1]:4711\";proto=https"], &[], "2001:db8::1"),
            (&["for=9.9.9.9, for=_hidden"], &[], "10.0.0.1"),
            (&["for=9.9.9.9, for=_hidden, for=10.0.0.2"], &[], "10.0.0.2"),
            (&["for=1.1.1.1"], &["1.1.1.1"], "1.1.1.1"),
            (&["for=1.1.1.1, for=10.0.0.3"], &["9.9.9.9, 1.1.1.1"], "1.1.1.1"),
            // The client has written the header that the proxy does not write.
            (&["for=9.9.9.9"], &["1.1.1.1"], "10.0.0.1"),
            (&["for=unknown"], &["1.1.1.1"], "10.0.0.1"),
            (&["for=1.1.1.1"], &[""], "10.0.0.1"),
            (&["for=1.1.1.1"], &["10.0.0.7"], "10.0.0.1"),
        ] {
            let proxies: TrustedProxies = "10.0.0.0/8".parse().unwrap();
            let mut headers = HeaderMap::new();
            for value in standard {
                headers.append(FORWARDED, value.parse().unwrap());
            }
            for value in common {
                headers.append(X_FORWARDED_FOR, value.parse().unwrap());
            }
            let found = proxies.client("10.0.0.1".parse().unwrap(), &headers);
            assert_eq!(found, address(client), "{standard:?} {common:?}");
        }
    }

    /// A client behind a proxy that writes only `Forwarded` could not sign in on the web page.
    #[test]
    fn either_header_reports_the_scheme_and_both_must_agree() {
        for (standard, common, is_encrypted) in [
            (&[][..], &[][..], false),
            (&[], &["https"][..], true),
            (&[], &["http"], false),
            (&[], &["https, http"], false),
            (&[], &["http", "http, HTTPS"], true),
            (&["for=1.1.1.1;proto=https"], &[], true),
            (&["for=1.1.1.1;Proto=\"HTTPS\""], &[], true),
            (&["for=1.1.1.1;proto=http"], &[], false),
            (&["for=1.1.1.1"], &[], false),
            (&["for=9.9.9.9;proto=https", "for=1.1.1.1;proto=http"], &[], false),
            (&["proto=http, for=1.1.1.1;proto=https"], &[], true),
            (&["proto=https;proto=https"], &[], false),
            (&["for=1.1.1.1;proto=https"], &["https"], true),
            // The client has written the header that the proxy does not write.
            (&["proto=https"], &["http"], false),
            (&["for=1.1.1.1;proto=http"], &["https"], false),
            // The proxy reports the scheme in the other header.
            (&["for=1.1.1.1"], &["https"], true),
        ] {
            let proxies: TrustedProxies = "10.0.0.0/8".parse().unwrap();
            let mut headers = HeaderMap::new();
            for value in standard {
                headers.append(FORWARDED, value.parse().unwrap());
            }
            for value in common {
                headers.append(X_FORWARDED_PROTO, value.parse().unwrap());
            }
            let found = |peer: &str| proxies.has_encrypted(peer.parse().unwrap(), &headers);
            assert_eq!(found("10.0.0.1"), is_encrypted, "{standard:?} {common:?}");
            assert!(!found("11.0.0.1"), "not a proxy");
        }
    }

    #[test]
    fn a_faulty_network_is_named() {
        for (text, part) in [("10.0.0.1, 10.0.0.0/33", "10.0.0.0/33"), ("proxy", "proxy"), ("*", "*")] {
            assert_eq!(text.parse::<TrustedProxies>(), Err(TrustedProxiesError(part.to_owned())));
        }
    }
}
