//! The proxies that report the addresses of their clients.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use axum::http::HeaderMap;
use device_stats_service::ClientAddress;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// The de facto standard header of proxies: each proxy appends the address of its own client.
const FORWARDED_FOR: &str = "x-forwarded-for";
/// The scheme that the client of a proxy has used; also a de facto standard.
const FORWARDED_PROTO: &str = "x-forwarded-proto";

/// Length of the prefix of IPv4 addresses in IPv6, `::ffff:0:0/96` (RFC 4291, section 2.5.5.2).
const IPV4_MAPPED_PREFIX: u8 = 96;

/// Networks of proxies whose `X-Forwarded-For` is believed. By default there are none.
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
    /// Returns whether a trusted proxy reports that its client has used TLS.
    pub(crate) fn has_encrypted(&self, peer: IpAddr, headers: &HeaderMap) -> bool {
        let peer = peer.to_canonical();
        let last = headers.get_all(FORWARDED_PROTO).iter().next_back();
        let last = last.and_then(|value| value.to_str().ok()?.rsplit(',').next());
        self.0.iter().any(|network| network.contains(&peer))
            && last.is_some_and(|scheme| scheme.trim().eq_ignore_ascii_case("https"))
    }

    /// Returns the address of the client of a request that arrives from `peer`: the last address that is not
    /// the address of a proxy. A client can write earlier addresses itself.
    pub(crate) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> ClientAddress {
        let values = headers.get_all(FORWARDED_FOR).iter();
        // A client can write any bytes. They must not hide the address that the proxy has appended.
        let mut forwarded: Vec<&[u8]> =
            values.flat_map(|value| value.as_bytes().split(|byte| *byte == b',')).collect();
        let mut client = peer.to_canonical();
        while self.0.iter().any(|network| network.contains(&client))
            && let Some(before) = forwarded.pop().and_then(read_address)
        {
            client = before.to_canonical();
        }
        client.into()
    }
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

/// Reads an address, with or without a port.
fn read_address(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?.trim();
    text.parse().ok().or_else(|| text.parse().ok().map(|address: SocketAddr| address.ip()))
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
                headers.append(FORWARDED_FOR, value.parse().unwrap());
            }
            assert_eq!(proxies.client(peer.parse().unwrap(), &headers), address(client), "{forwarded:?}");
        }
    }

    #[test]
    fn bytes_of_a_client_do_not_hide_the_address_from_the_proxy() {
        let proxies: TrustedProxies = "10.0.0.1".parse().unwrap();
        let mut headers = HeaderMap::new();
        headers.append(FORWARDED_FOR, HeaderValue::from_bytes(b"\xe9, 1.1.1.1").unwrap());
        assert_eq!(proxies.client("10.0.0.1".parse().unwrap(), &headers), address("1.1.1.1"));
    }

    #[test]
    fn a_faulty_network_is_named() {
        for (text, part) in [("10.0.0.1, 10.0.0.0/33", "10.0.0.0/33"), ("proxy", "proxy"), ("*", "*")] {
            assert_eq!(text.parse::<TrustedProxies>(), Err(TrustedProxiesError(part.to_owned())));
        }
    }
}
