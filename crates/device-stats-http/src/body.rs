//! The body of a request: received within its limits of size and time, decompressed where a batch may be compressed, and
//! taken for the format its head names. Batches are read while they arrive, so what is held is their rows.

mod decompress;

use std::time::Duration;

use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use bytes::Bytes;
use device_stats_domain::limits::{BATCH_BYTES_MAX, BODY_BYTES_MAX, BODY_TIMEOUT, DRAIN_BYTES_MAX};
use http_body_util::BodyExt;

use crate::errors::ApiError;
use decompress::Collector;
use device_stats_formats::media_type::MediaType;
use device_stats_formats::memory::Receive;
use device_stats_formats::utf8::Characters;
use device_stats_service::admission::Held;

/// A body of characters that has arrived as a whole.
#[derive(Debug)]
pub(crate) struct Text {
    /// What the head says it is.
    pub(crate) media_type: MediaType,
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
    Ok((!is_empty).then_some(Text { media_type: media_type(head), text }))
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
pub(crate) fn media_type(head: &HeaderMap) -> MediaType {
    let value = head.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    MediaType::from_content_type(value)
}

/// A time in whole seconds, for people.
pub(crate) fn seconds(time: Duration) -> u64 {
    time.as_secs()
}
