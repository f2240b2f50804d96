//! The response to a request that has created a user or a device.

use axum::Json;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// 201 with the path of what was created.
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
