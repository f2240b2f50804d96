//! Changes of data by web pages of other sites. A page can post a form to any address, also to one that only
//! the person in front of the browser can reach.
//!
//! Browsers state where such a request comes from, in `Sec-Fetch-Site` and `Origin`. Other clients send
//! neither header.

use axum::response::{IntoResponse, Response};
use tower_http::csrf::{CsrfLayer, ProtectionError};

use super::origins::CorsOrigins;
use crate::errors::ApiError;

/// The response to a refused request.
type Refusal = fn(ProtectionError) -> Response;

/// Returns the layer that refuses changes by pages of other sites. It allows pages of the configured origins.
#[expect(clippy::expect_used, reason = "the origins are valid")]
pub(super) fn refuse_cross_site_changes(origins: &CorsOrigins) -> CsrfLayer<Refusal> {
    let refuse: Refusal = |_| ApiError::CrossSite.into_response();
    let trust = |layer: CsrfLayer, origin| layer.add_trusted_origin(origin).expect("a valid origin");
    origins.iter().fold(CsrfLayer::new(), trust).with_rejection_response(refuse)
}
