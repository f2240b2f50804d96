//! `x-request-id`: the id of a request, in its response, in every log line about it and in the audit log.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use device_stats_domain::RequestId;
use uuid::Uuid;

pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Returns the id from the client if it is valid, or a new UUID.
#[expect(clippy::expect_used, reason = "a UUID is 36 visible ASCII characters")]
pub(crate) fn request_id(headers: &HeaderMap) -> RequestId {
    let id = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok()?.parse().ok());
    id.unwrap_or_else(|| Uuid::now_v7().to_string().parse().expect("a valid id"))
}

/// Returns the value of the header.
#[expect(clippy::expect_used, reason = "visible ASCII is a valid header")]
pub(crate) fn to_header(id: &RequestId) -> HeaderValue {
    HeaderValue::from_str(id.as_str()).expect("a request id is visible ASCII")
}
