//! `x-request-id`: the id of a request, in its response and in every log line about it.

use std::fmt;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Maximum size of an id from a client, in bytes. A longer id is ignored.
const BYTES_MAX: usize = 128;

/// The id of a request: visible ASCII, so it is safe in a log line.
#[derive(Clone, Debug)]
pub(crate) struct RequestId(String);

impl RequestId {
    /// Returns the id from the client if it is valid, or a new UUID.
    pub(crate) fn from_headers(headers: &HeaderMap) -> Self {
        let id = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok());
        let id = id.filter(|id| {
            !id.is_empty() && id.len() <= BYTES_MAX && id.bytes().all(|byte| byte.is_ascii_graphic())
        });
        Self(id.map_or_else(|| Uuid::now_v7().to_string(), str::to_owned))
    }

    #[expect(clippy::expect_used, reason = "visible ASCII is a valid header")]
    pub(crate) fn to_header(&self) -> HeaderValue {
        HeaderValue::from_str(&self.0).expect("a request id is visible ASCII")
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
