//! The response to a request for a user or device: the header `ETag`, and 304 for a client that has the
//! state.

use axum::Json;
use axum::http::StatusCode;
use axum::http::header::ETAG;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::headers::entity_tag::EntityTag;

/// Response 200, or 304 without a body.
pub(super) struct Tagged<B> {
    pub(super) tag: EntityTag,
    /// Whether the client has the current state.
    pub(super) is_known: bool,
    pub(super) body: B,
}

impl<B: Serialize> IntoResponse for Tagged<B> {
    fn into_response(self) -> Response {
        let tag = [(ETAG, self.tag.to_header())];
        if self.is_known {
            (StatusCode::NOT_MODIFIED, tag).into_response()
        } else {
            (tag, Json(self.body)).into_response()
        }
    }
}
