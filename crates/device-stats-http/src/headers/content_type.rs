//! `Content-Type`: the format of a body.

use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use device_stats_formats::MediaType;

/// Returns the media type of a body.
pub(crate) fn media_type(headers: &HeaderMap) -> MediaType {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    MediaType::from_content_type(value.unwrap_or_default())
}
