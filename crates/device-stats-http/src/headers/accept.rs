//! `Accept` and `Accept-Encoding`: the formats that a client asks for.

use axum::http::header::{ACCEPT, ACCEPT_ENCODING, AsHeaderName};
use axum::http::{HeaderMap, HeaderValue};

/// Media type of an error in the form of RFC 9457.
pub(crate) const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

/// Returns whether the client asks for errors in the form of RFC 9457.
pub(crate) fn accepts_problem_json(headers: &HeaderMap) -> bool {
    elements(headers, ACCEPT).any(|element| element.trim().starts_with("application/problem+json"))
}

/// Returns whether the client names gzip, with a weight other than 0 (RFC 9110, section 12.5.3).
pub(crate) fn accepts_gzip(headers: &HeaderMap) -> bool {
    elements(headers, ACCEPT_ENCODING).any(|element| {
        let (name, parameters) = element.split_once(';').unwrap_or((element, ""));
        let is_gzip = ["gzip", "x-gzip"].iter().any(|gzip| name.trim().eq_ignore_ascii_case(gzip));
        let mut parameters = parameters.split(';').map(str::trim);
        let weight = parameters.find_map(|text| text.strip_prefix("q=").or_else(|| text.strip_prefix("Q=")));
        is_gzip && weight.is_none_or(|weight| weight.parse().is_ok_and(|weight: f32| weight > 0.0))
    })
}

/// Returns the elements of a header that holds a list.
fn elements(headers: &HeaderMap, name: impl AsHeaderName) -> impl Iterator<Item = &str> {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(','))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_accepted_if_its_weight_is_above_zero() {
        for (value, expected) in [
            ("gzip", true),
            ("br, GZIP;q=0.5", true),
            ("x-gzip", true),
            ("deflate , gzip ; q=1.000", true),
            ("gzip;q=0", false),
            ("gzip;q=0.000, br", false),
            ("gzip;q=x", false),
            ("identity", false),
            ("*", false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT_ENCODING, value.parse().unwrap())]);
            assert_eq!(accepts_gzip(&headers), expected, "{value:?}");
        }
        assert!(!accepts_gzip(&HeaderMap::new()));
    }
}
