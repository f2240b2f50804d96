//! A body of text.

use axum::body::Body;
use axum::http::HeaderMap;
use device_stats_formats::{MediaType, Utf8Decoder};
use device_stats_service::BodyPermit;

use super::kind::BodyKind;
use super::receive::receive;
use crate::errors::ApiError;
use crate::headers::content_type::media_type;

/// A complete body of text.
#[derive(Debug)]
pub(crate) struct TextBody {
    pub(crate) media_type: MediaType,
    /// The text, without a byte order mark.
    pub(crate) text: String,
}

/// Reads a body to its end. Returns `None` if it is empty.
///
/// # Errors
/// The errors of [`receive`], or the body is not UTF-8.
pub(crate) async fn read_text(
    headers: &HeaderMap,
    body: Body,
    kind: BodyKind,
    permit: BodyPermit,
) -> Result<Option<TextBody>, ApiError> {
    let (bytes, _permit) = receive(headers, body, kind, Vec::new(), permit).await?;
    let (mut decoder, mut text) = (Utf8Decoder::default(), String::new());
    decoder.receive(&bytes, |characters| text.push_str(characters));
    let is_empty = decoder.finish(|characters| text.push_str(characters))?;
    Ok((!is_empty).then_some(TextBody { media_type: media_type(headers), text }))
}
