//! `Accept` and `Accept-Encoding`: the formats that a client asks for.

use axum::http::header::{ACCEPT, ACCEPT_ENCODING, HeaderName};
use axum::http::{HeaderMap, HeaderValue};

/// Media type of an error in the form of RFC 9457.
pub(crate) const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

/// Returns whether the client asks for errors in the form of RFC 9457.
pub(crate) fn accepts_problem_json(headers: &HeaderMap) -> bool {
    names_one_of(headers, ACCEPT, &["application/problem+json"])
}

/// Returns whether the client asks for metrics as OpenMetrics.
pub(crate) fn accepts_openmetrics(headers: &HeaderMap) -> bool {
    names_one_of(headers, ACCEPT, &["application/openmetrics-text"])
}

/// Returns whether the client asks for gzip.
pub(crate) fn accepts_gzip(headers: &HeaderMap) -> bool {
    names_one_of(headers, ACCEPT_ENCODING, &["gzip", "x-gzip"])
}

/// Returns whether the client asks for Brotli.
pub(crate) fn accepts_brotli(headers: &HeaderMap) -> bool {
    names_one_of(headers, ACCEPT_ENCODING, &["br"])
}

/// Returns whether a header lists one of some formats, with a weight other than 0 (RFC 9110, section 12.4.2).
fn names_one_of(headers: &HeaderMap, header: HeaderName, formats: &[&str]) -> bool {
    let values = headers.get_all(header).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|element| {
        let (name, parameters) = element.split_once(';').unwrap_or((element, ""));
        let is_meant = formats.iter().any(|format| name.trim().eq_ignore_ascii_case(format));
        let mut parameters = parameters.split(';').map(str::trim);
        let weight = parameters.find_map(|text| text.strip_prefix("q=").or_else(|| text.strip_prefix("Q=")));
        is_meant && weight.is_none_or(|weight| weight.parse().is_ok_and(|weight: f32| weight > 0.0))
    })
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

    /// A weight of 0 and a longer name used to count as the media type.
    #[test]
    fn problem_json_is_accepted_if_its_weight_is_above_zero() {
        for (value, expected) in [
            ("application/problem+json", true),
            ("application/json, Application/Problem+JSON; charset=utf-8; q=0.9", true),
            ("application/problem+json;q=0, */*", false),
            ("application/problem+jsonx", false),
            ("application/*", false),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT, value.parse().unwrap())]);
            assert_eq!(accepts_problem_json(&headers), expected, "{value:?}");
        }
    }
}
