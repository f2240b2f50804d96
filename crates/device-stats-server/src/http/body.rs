//! The body of a request: received within its limits of size and time, decompressed where a batch may be compressed, and
//! taken for the format its head names. Batches are read while they arrive, so what is held is their rows.

mod characters;
mod coding;
mod columns;
mod held;

use std::time::Duration;

use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use bytes::Bytes;
use device_stats_domain::limits::{BATCH_BYTES_MAX, BODY_BYTES_MAX, BODY_TIMEOUT, DRAIN_BYTES_MAX};
use http_body_util::BodyExt;

use super::error::ApiError;
pub(crate) use characters::Characters;
use coding::Collector;
pub(crate) use columns::Columns;
pub(crate) use held::{Held, list_bytes};

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

/// Takes the bytes of a body as they arrive, decompressed.
pub(crate) trait Receive: Send {
    /// Takes the next ones.
    fn receive(&mut self, bytes: &[u8]);

    /// How much memory it takes by now, in bytes.
    fn held_bytes(&self) -> usize;
}

impl Receive for Vec<u8> {
    fn receive(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }

    fn held_bytes(&self) -> usize {
        list_bytes(self)
    }
}

/// A body of characters that has arrived as a whole.
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
/// As [`receive`], and no UTF-8.
pub(crate) async fn read(head: &HeaderMap, body: Body, size: Size) -> Result<Option<Text>, ApiError> {
    let (bytes, _held) = receive(head, body, size, Vec::new()).await?;
    let (mut characters, mut text) = (Characters::default(), String::new());
    characters.take(&bytes, |characters| text.push_str(characters));
    let is_empty = characters.finish(|characters| text.push_str(characters))?;
    Ok((!is_empty).then_some(Text { format: format(head), text }))
}

/// Passes on the body to its end; returns the room that what was made of it takes.
///
/// # Errors
/// Too large, too slow, compressed in an unknown way, or broken off; or no room.
pub(crate) async fn receive<T: Receive>(
    head: &HeaderMap,
    mut body: Body,
    size: Size,
    receiver: T,
) -> Result<(T, Held), ApiError> {
    let outcome = match Collector::new(head, size, receiver) {
        Ok(collector) => collect(collector, &mut body).await,
        Err(error) => Err(error),
    };
    if outcome.is_err() {
        // The answer goes out at once; what the client still sends is thrown away meanwhile, since a connection closed
        // on unread bytes is reset, and the client would never see the answer.
        tokio::spawn(tokio::time::timeout(BODY_TIMEOUT, drain(body)));
    }
    outcome
}

async fn collect<T: Receive>(mut collector: Collector<T>, body: &mut Body) -> Result<(T, Held), ApiError> {
    let read = async {
        let mut held = Held::default();
        while let Some(frame) = body.frame().await {
            if let Ok(data) = frame.map_err(|_| ApiError::BrokenBody)?.into_data() {
                collector.write(&data)?;
                held.grow_to(collector.held_bytes())?;
            }
        }
        Ok((collector.finish()?, held))
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

/// What the head says the body is.
pub(crate) fn format(head: &HeaderMap) -> Format {
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
