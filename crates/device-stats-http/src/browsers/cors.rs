//! The headers with which a browser lets web pages of other origins use the service (Fetch Standard, "CORS
//! protocol").

use std::time::Duration;

use axum::http::header::{CONTENT_DISPOSITION, ETAG, LINK, LOCATION, RETRY_AFTER};
use axum::http::{HeaderName, HeaderValue, Method};
use tower_http::cors::{AllowHeaders, CorsLayer};

use super::origins::CorsOrigins;
use crate::headers::rate_limit::{RATE_LIMIT, RATE_LIMIT_POLICY};
use crate::headers::request_id::REQUEST_ID;
use crate::routes::CONFLICTS;

const METHODS: [Method; 5] = [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::DELETE];
/// Headers that a page may read.
const RESPONSE_HEADERS: [HeaderName; 9] = [
    CONFLICTS,
    CONTENT_DISPOSITION,
    ETAG,
    LINK,
    LOCATION,
    RATE_LIMIT,
    RATE_LIMIT_POLICY,
    REQUEST_ID,
    RETRY_AFTER,
];
/// Time for which a browser remembers which requests a page may send.
const PREFLIGHT_MAX_AGE: Duration = Duration::from_mins(10);

/// Returns the layer that answers browsers for pages of the origins; `None` if there are no origins. These
/// pages send tokens. The cookie of a session is only for pages of the service itself, so other pages may not
/// send cookies.
#[expect(clippy::expect_used, reason = "an origin is visible ASCII")]
pub(super) fn cors(origins: &CorsOrigins) -> Option<CorsLayer> {
    let value = |origin: &str| HeaderValue::from_str(origin).expect("an origin is a valid header");
    let values: Vec<HeaderValue> = origins.iter().map(value).collect();
    let layer = || {
        CorsLayer::new()
            .allow_origin(values)
            .allow_methods(METHODS)
            .allow_headers(AllowHeaders::mirror_request())
            .expose_headers(RESPONSE_HEADERS)
            .max_age(PREFLIGHT_MAX_AGE)
    };
    (!origins.is_empty()).then(layer)
}
