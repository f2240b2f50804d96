//! The headers `RateLimit-Policy` and `RateLimit`, by which a client paces its requests
//! (draft-ietf-httpapi-ratelimit-headers).

use std::fmt::Write as _;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use device_stats_service::{RatePolicy, RateState};

/// Header of the quotas that apply to a request.
pub(crate) const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// Header of the rest of these quotas.
pub(crate) const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// Writes the headers for the rates to which a request was charged. Without a rate, there are no headers.
pub(crate) fn write_rate_limits(headers: &mut HeaderMap, states: &[RateState]) {
    let (mut policies, mut limits) = (String::new(), String::new());
    for state in states {
        let RateState { policy, quota, window_s, remaining, wait_s } = state;
        let separator = if policies.is_empty() { "" } else { ", " };
        let name = policy.name();
        // The unit is requests unless it is named.
        let unit = if *policy == RatePolicy::Readings { ";qu=\"readings\"" } else { "" };
        let _ = write!(policies, "{separator}\"{name}\";q={quota}{unit};w={window_s}");
        let _ = write!(limits, "{separator}\"{name}\";r={remaining};t={wait_s}");
    }
    for (name, value) in [(RATE_LIMIT_POLICY, policies), (RATE_LIMIT, limits)] {
        if !value.is_empty()
            && let Ok(value) = HeaderValue::from_str(&value)
        {
            headers.insert(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rate_is_an_item_of_both_headers() {
        let requests =
            RateState { policy: RatePolicy::Requests, quota: 200, window_s: 10, remaining: 150, wait_s: 1 };
        let readings = RateState {
            policy: RatePolicy::Readings,
            quota: 5_000_000,
            window_s: 10,
            remaining: 4_999_000,
            wait_s: 1,
        };
        let write = |states: &[RateState]| {
            let mut headers = HeaderMap::new();
            write_rate_limits(&mut headers, states);
            headers
        };
        assert_eq!(write(&[]), HeaderMap::new());
        let headers = write(&[requests]);
        assert_eq!(headers["ratelimit-policy"], r#""requests";q=200;w=10"#);
        assert_eq!(headers["ratelimit"], r#""requests";r=150;t=1"#);
        let headers = write(&[requests, readings]);
        let policies = r#""requests";q=200;w=10, "readings";q=5000000;qu="readings";w=10"#;
        assert_eq!(headers["ratelimit-policy"], policies);
        assert_eq!(headers["ratelimit"], r#""requests";r=150;t=1, "readings";r=4999000;t=1"#);
    }
}
