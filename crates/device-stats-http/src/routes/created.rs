//! The response to a request that has created a user or a device.

use axum::Json;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC};
use serde::Serialize;

/// The characters of a path segment that are percent-encoded: all except letters, digits and `-._~`.
pub(super) const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Response 201 with the path of the new user or device.
pub(super) struct Created<B> {
    /// Path of the user or device, percent-encoded.
    pub(super) location: String,
    pub(super) body: B,
}

impl<B: Serialize> IntoResponse for Created<B> {
    fn into_response(self) -> Response {
        (StatusCode::CREATED, [(LOCATION, self.location)], Json(self.body)).into_response()
    }
}
