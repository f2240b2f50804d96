//! The headers that restrict what browsers may do with a response: a page runs only scripts of this service,
//! uses no camera, USB or other feature of the machine and is shown in no frame, other sites cannot embed a
//! response, and no cache keeps it, unless the response says otherwise.

use axum::http::HeaderValue;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::response::Response;

const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// What a page may load: scripts, workers, styles, fonts and data of this service, and images that its styles
/// contain.
const PAGE_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; img-src 'self' data:; \
     font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; \
     object-src 'none'; frame-ancestors 'none'",
);
/// What a script may load if it runs as a worker: scripts and data of this service. Its own policy applies to
/// a worker, not that of the page (HTML Standard, "run a worker").
const SCRIPT_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; connect-src 'self'; frame-ancestors 'none'",
);
/// Features of browsers that no page uses, each with an empty list of origins (Permissions Policy, W3C).
/// There is no name for all features, and Chromium logs an error for names that it does not know.
const NO_PERMISSIONS: HeaderValue = HeaderValue::from_static(
    "accelerometer=(), camera=(), clipboard-read=(), display-capture=(), encrypted-media=(), geolocation=(), \
     gyroscope=(), hid=(), magnetometer=(), microphone=(), midi=(), payment=(), \
     publickey-credentials-get=(), screen-wake-lock=(), serial=(), usb=(), xr-spatial-tracking=()",
);
/// What any other response may load: nothing.
const DATA_POLICY: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");

/// Adds the headers to a response. Keeps those that it has, such as the `Cache-Control` of a live stream.
pub(super) fn restrict(mut response: Response) -> Response {
    let headers = response.headers_mut();
    let media_type = headers.get(CONTENT_TYPE).map_or(&b""[..], |value| value.as_bytes());
    let is_page = media_type.starts_with(b"text/html");
    let policy = match media_type {
        _ if is_page => PAGE_POLICY,
        _ if media_type.starts_with(b"text/javascript") => SCRIPT_POLICY,
        _ => DATA_POLICY,
    };
    let own = HeaderValue::from_static("same-origin");
    if is_page {
        headers.entry(OPENER_POLICY).or_insert(own.clone());
        headers.entry(PERMISSIONS_POLICY).or_insert(NO_PERMISSIONS);
    }
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
