//! The header `Forwarded` (RFC 7239): the address of a client, and its scheme, in an element of its list.
//!
//! The list is read from its end, because the last proxy has written the last element. A client can write any
//! bytes before it, such as a quotation mark without its counterpart. Reading from the start, such a mark
//! would hide the elements of the proxies.

use std::net::{IpAddr, SocketAddr};

/// Name of the parameter with the address of the client (RFC 7239, section 5.2).
pub(super) const FOR: &[u8] = b"for";
/// Name of the parameter with the scheme that the client has used (RFC 7239, section 5.4).
pub(super) const PROTO: &[u8] = b"proto";

/// Returns the elements of a list, the last one first.
pub(super) fn elements_from_end(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(list);
    std::iter::from_fn(move || {
        let list = rest?;
        let (before, element) = split_last(list, b',');
        rest = before;
        Some(element)
    })
}

/// Returns the value of a parameter in an element. Returns `None` if the element has none or several.
pub(super) fn value_of(parameter: &[u8], element: &[u8]) -> Option<Vec<u8>> {
    let (mut rest, mut found) = (Some(element), None);
    while let Some(pairs) = rest {
        let (before, pair) = split_last(pairs, b';');
        rest = before;
        let Some(equals) = pair.iter().position(|byte| *byte == b'=') else { continue };
        let (name, value) = (pair.get(..equals)?, pair.get(equals + 1..)?);
        if name.trim_ascii().eq_ignore_ascii_case(parameter) && found.replace(unquoted(value)).is_some() {
            return None;
        }
    }
    found
}

/// Reads an address, with or without a port. An IPv6 address may have brackets, and a port may be obfuscated
/// (RFC 7239, section 6). Returns `None` for `unknown` and obfuscated addresses such as `_gateway`.
pub(super) fn read_address(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?.trim();
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Some(address.ip());
    }
    match text.strip_prefix('[') {
        Some(bracketed) => {
            let (address, port) = bracketed.split_once(']')?;
            (port.is_empty() || port.starts_with(":_")).then(|| address.parse().ok().map(IpAddr::V6))?
        }
        None => text.split_once(":_").and_then(|(address, _)| address.parse().ok().map(IpAddr::V4)),
    }
}

/// Splits a text at its last separator outside of quoted strings. The part after it must be well formed.
fn split_last(text: &[u8], separator: u8) -> (Option<&[u8]>, &[u8]) {
    let mut is_quoted = false;
    for (position, byte) in text.iter().enumerate().rev() {
        let before = text.get(..position).unwrap_or_default();
        if *byte == b'"' && !is_escaped(before) {
            is_quoted = !is_quoted;
        } else if *byte == separator && !is_quoted {
            return (Some(before), text.get(position + 1..).unwrap_or_default());
        }
    }
    (None, text)
}

/// Returns whether the byte after a text is escaped: an odd number of backslashes precedes it.
fn is_escaped(before: &[u8]) -> bool {
    before.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}

/// Returns the content of a quoted string. Returns other values unchanged.
fn unquoted(value: &[u8]) -> Vec<u8> {
    let value = value.trim_ascii();
    let Some(content) = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")) else {
        return value.to_owned();
    };
    let mut bytes = content.iter();
    let unescape = || match bytes.next() {
        Some(b'\\') => bytes.next().copied(),
        byte => byte.copied(),
    };
    std::iter::from_fn(unescape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(list: &str) -> Vec<Option<String>> {
        let read = |element: &[u8]| read_address(&value_of(FOR, element)?).map(|address| address.to_string());
        elements_from_end(list.as_bytes()).map(read).collect()
    }

    fn last(list: &str) -> Option<String> {
        addresses(list).swap_remove(0)
    }

    #[test]
    fn the_forms_of_addresses_are_read() {
        for (list, address) in [
            ("for=192.0.2.43", "192.0.2.43"),
            ("For=192.0.2.43", "192.0.2.43"),
            ("for=\"192.0.2.43:47011\"", "192.0.2.43"),
            ("for=192.0.2.43:47011", "192.0.2.43"),
            ("for=\"192.0.2.43:_port\"", "192.0.2.43"),
            ("for=\"[2001:db8:cafe::17]:4711\"", "2001:db8:cafe::17"),
            ("FOR=\"[2001:db8:cafe::17]\"", "2001:db8:cafe::17"),
            ("for=\"[2001:db8:cafe::17]:_p\"", "2001:db8:cafe::17"),
            ("for=\"\\1\\92.0.2.43\"", "192.0.2.43"),
            ("by=203.0.113.43;proto=http; for=192.0.2.60 ;host=a", "192.0.2.60"),
            ("host=\"a;for=1.1.1.1,for=1.1.1.1;\\\"\";for=192.0.2.60", "192.0.2.60"),
            ("for=192.0.2.60;host=\"a,for=1.1.1.1\"", "192.0.2.60"),
            // A form outside of the standard that some proxies write.
            ("for=2001:db8::1", "2001:db8::1"),
        ] {
            assert_eq!(last(list).as_deref(), Some(address), "{list}");
        }
    }

    #[test]
    fn hidden_and_unreadable_addresses_are_absent() {
        for list in [
            "",
            "for=unknown",
            "for=_hidden",
            "for=\"_hidden:80\"",
            "for=",
            "for",
            "proto=https;by=1.1.1.1",
            "for=1.1.1.1;for=2.2.2.2",
            "for=\"[2001:db8::1\"",
            "for=\"[2001:db8::1]x\"",
            "for=\"[1.1.1.1]\"",
            "for=\"1.1.1.1",
            "xfor=1.1.1.1",
            "for=1.1.1.1.1",
            "for=1.1.1.1,",
        ] {
            assert_eq!(last(list), None, "{list}");
        }
    }

    #[test]
    fn the_elements_come_from_the_end() {
        assert_eq!(
            addresses("for=1.1.1.1, for=unknown;by=\"a,b\" ,for=\"[::1]\""),
            [Some("::1".to_owned()), None, Some("1.1.1.1".to_owned())]
        );
    }

    /// Reading from the start, the mark of the client would enclose the element of the proxy.
    #[test]
    fn a_client_cannot_hide_the_element_of_the_proxy() {
        for client in
            ["for=9.9.9.9;x=\"", "\"", "x=\"\\", "\\", "for=\"9.9.9.9", "a=\"b\";c=\"\\\"", "\u{e9}"]
        {
            for proxy in ["for=1.1.1.1", "proto=https;for=\"1.1.1.1:80\";host=\"a\\\"b\""] {
                assert_eq!(last(&format!("{client}, {proxy}")).as_deref(), Some("1.1.1.1"), "{client}");
            }
        }
    }
}
