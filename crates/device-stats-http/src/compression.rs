//! Compression of JSON responses, for clients that send `Accept-Encoding`.
//!
//! Exports compress themselves (`routes/exports.rs`). Live streams must not be compressed: an event would
//! wait in the encoder. A response with a strong `ETag` is not compressed either, because a tag names one
//! sequence of bytes (RFC 9110, section 8.8.3.3), and clients need the tag unchanged for `If-Match`.

use axum::http::header::{CONTENT_TYPE, ETAG};
use axum::http::{Extensions, HeaderMap, StatusCode, Version};
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{And, Predicate as _, SizeAbove};

use crate::limits::COMPRESSED_BYTES_MIN;

type Condition = fn(StatusCode, Version, &HeaderMap, &Extensions) -> bool;

/// Returns the layer that compresses JSON responses with gzip or zstd.
pub(crate) fn compression() -> CompressionLayer<And<SizeAbove, Condition>> {
    let condition: Condition = is_compressible;
    let layer = CompressionLayer::new().quality(CompressionLevel::Fastest);
    layer.compress_when(SizeAbove::new(COMPRESSED_BYTES_MIN).and(condition))
}

fn is_compressible(_: StatusCode, _: Version, headers: &HeaderMap, _: &Extensions) -> bool {
    let media_type = headers.get(CONTENT_TYPE).map_or(&b""[..], |value| value.as_bytes());
    let is_json = media_type.starts_with(b"application/json") || media_type.ends_with(b"+json");
    is_json && !headers.contains_key(ETAG)
}
