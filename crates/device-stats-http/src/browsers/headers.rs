//! The headers that restrict what browsers may do with a response: a page runs only scripts of this service,
//! uses no camera, USB or other feature of the machine and is shown in no frame, other sites cannot embed a
//! response, and no cache keeps it.

use axum::http::HeaderValue;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::response::Response;

const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// What a page may load: scripts, styles and data of this service, and images that its styles contain.
const PAGE_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
     connect-src 'self'; base-uri 'none'; form-action 'self'; object-src 'none'; frame-ancestors 'none'",
);
/// Features of browsers that no page uses, each with an empty list of origins (Permissions Policy, W3C).
/// There is no name for all features, and Chromium logs an error for names that it does not know.
const NO_PERMISSIONS: HeaderValue = HeaderValue::from_static(
    "accelerometer=(), camera=(), clipboard-read=(), display-capture=(), encrypted-media=(), geolocation=(), \
     gyroscope=(), hid=(), magnetometer=(), microphone=(), midi=(), payment=(), \
     publickey-credentials-get=(), screen-wake-lock=(), serial=(), usb=(), xr-spatial-tracking=()",
);
/// What a response that is not a page may load: nothing.
const DATA_POLICY: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");

/// Adds the headers to a response. Keeps those that it has, such as the `Cache-Control` of a live stream.
pub(super) fn restrict(mut response: Response) -> Response {
    let headers = response.headers_mut();
    let is_page = headers.get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"text/html"));
    let own = HeaderValue::from_static("same-origin");
    if is_page {
        headers.entry(OPENER_POLICY).or_insert(own.clone());
        headers.entry(PERMISSIONS_POLICY).or_insert(NO_PERMISSIONS);
    }
    let policy = if is_page { PAGE_POLICY } else { DATA_POLICY };
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, policy),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        // Pages of configured origins use CORS, to which this policy does not apply (Fetch Standard,
        // "Cross-Origin-Resource-Policy header").
        (RESOURCE_POLICY, own),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ] {
        headers.entry(name).or_insert(value);
    }
    response
}
