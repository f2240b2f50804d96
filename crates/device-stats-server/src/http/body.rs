//! The body of a request: read within its limits of size and time, decompressed where a batch may be compressed, and
//! taken for the format its head names.

mod coding;
mod columns;

use std::time::Duration;

use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use bytes::Bytes;
use device_stats_domain::limits::{BATCH_BYTES_MAX, BODY_BYTES_MAX, BODY_TIMEOUT, DRAIN_BYTES_MAX};
use http_body_util::BodyExt;

use super::error::ApiError;
use coding::Collector;
pub(crate) use columns::Columns;

/// What the head says the body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// `application/json`, `application/*+json`.
    Json,
    /// `application/x-ndjson`, `application/ndjson`, `application/jsonl`.
    Ndjson,
    /// `text/csv`.
    Csv,
    /// `application/vnd.apache.arrow.stream`.
    Arrow,
    /// Anything else, or nothing.
    Other,
}

/// A body that has arrived.
#[derive(Debug)]
pub(crate) enum Content {
    /// Characters.
    Text(Text),
    /// A batch of columns.
    Columns(Columns),
}

/// A body of characters.
#[derive(Debug)]
pub(crate) struct Text {
    /// What the head says it is.
    pub(crate) format: Format,
    /// The characters, without a byte order mark.
    pub(crate) text: String,
}

/// Which bodies an operation takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    /// Up to [`BODY_BYTES_MAX`], not compressed.
    Single,
    /// Up to [`BATCH_BYTES_MAX`], perhaps compressed, in a format that the head names.
    Batch,
    /// The same in one format, whatever the head says.
    Points,
}

impl Size {
    fn bytes_max(self) -> usize {
        match self {
            Self::Single => BODY_BYTES_MAX,
            Self::Batch | Self::Points => BATCH_BYTES_MAX,
        }
    }
}

/// Reads the body to its end; `None` where there is nothing before it.
///
/// # Errors
/// Too large, too slow, compressed in an unknown way, broken off, no UTF-8, or no columns where the head says so.
pub(crate) async fn read(head: &HeaderMap, mut body: Body, size: Size) -> Result<Option<Content>, ApiError> {
    let collected = match Collector::new(head, size) {
        Ok(collector) => collect(collector, &mut body).await,
        Err(error) => Err(error),
    };
    if collected.is_err() {
        // The answer goes out at once; what the client still sends is thrown away meanwhile, since a connection closed
        // on unread bytes is reset, and the client would never see the answer.
        tokio::spawn(tokio::time::timeout(BODY_TIMEOUT, drain(body)));
    }
    let (bytes, format) = (collected?, format(head));
    if bytes.is_empty() {
        return Ok(None);
    }
    if (format, size) == (Format::Arrow, Size::Batch) {
        return Columns::read(&bytes).map(Content::Columns).map(Some);
    }
    let text = decode(bytes)?;
    Ok((!text.is_empty()).then_some(Content::Text(Text { format, text })))
}

async fn collect(mut collector: Collector, body: &mut Body) -> Result<Vec<u8>, ApiError> {
    let read = async {
        while let Some(frame) = body.frame().await {
            if let Ok(data) = frame.map_err(|_| ApiError::BrokenBody)?.into_data() {
                collector.write(&data)?;
            }
        }
        collector.finish()
    };
    tokio::time::timeout(BODY_TIMEOUT, read).await.unwrap_or(Err(ApiError::SlowBody(BODY_TIMEOUT)))
}

async fn drain(mut body: Body) {
    let mut drained = 0;
    while drained < DRAIN_BYTES_MAX
        && let Some(Ok(frame)) = body.frame().await
    {
        drained += frame.data_ref().map_or(0, Bytes::len);
    }
}

/// The characters of a body, without a byte order mark.
fn decode(mut bytes: Vec<u8>) -> Result<String, ApiError> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(ApiError::Utf16);
    }
    if bytes.starts_with(&[0xef, 0xbb, 0xbf]) {
        bytes.drain(..3);
    }
    String::from_utf8(bytes).map_err(|_| ApiError::NotUtf8)
}

fn format(head: &HeaderMap) -> Format {
    let value = head.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.split_once('/') {
        Some(("application", json)) if json == "json" || json.ends_with("+json") => Format::Json,
        Some(("application", "x-ndjson" | "ndjson" | "jsonl")) => Format::Ndjson,
        Some(("application", "vnd.apache.arrow.stream")) => Format::Arrow,
        Some(("text", "csv")) => Format::Csv,
        _ => Format::Other,
    }
}

/// A time in whole seconds, for people.
pub(crate) fn seconds(time: Duration) -> u64 {
    time.as_secs()
}
