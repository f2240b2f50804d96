//! `x-request-id`: the id of a request, in its response, in every log line about it and in the audit log.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use device_stats_domain::{RequestId, contains_token};
use uuid::Uuid;

pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Returns the id from the client if it is valid and contains no token, or a new UUID. The id is logged and
/// stored.
#[expect(clippy::expect_used, reason = "a UUID is 36 visible ASCII characters")]
pub(crate) fn request_id(headers: &HeaderMap) -> RequestId {
    let sent = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok());
    let id = sent.filter(|id| !contains_token(id)).and_then(|id| id.parse().ok());
    id.unwrap_or_else(|| Uuid::now_v7().to_string().parse().expect("a valid id"))
}

/// Returns the value of the header.
#[expect(clippy::expect_used, reason = "visible ASCII is a valid header")]
pub(crate) fn to_header(id: &RequestId) -> HeaderValue {
    HeaderValue::from_str(id.as_str()).expect("a request id is visible ASCII")
}
