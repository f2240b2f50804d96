//! Reception of a body, within its limits of size and time.

use axum::body::Body;
use axum::http::HeaderMap;
use bytes::Bytes;
use device_stats_formats::BodyReceiver;
use device_stats_service::BodyPermit;
use http_body_util::BodyExt;

use super::decompress::Decompressor;
use super::kind::BodyKind;
use crate::errors::ApiError;
use crate::limits::{BODY_TIMEOUT, DRAIN_BYTES_MAX};

/// Passes a complete body to a receiver. Returns the receiver and the permit for the memory that it holds.
///
/// # Errors
/// The body is too large, too slow, incomplete or compressed in an unsupported way, or all bodies together
/// hold too much memory.
pub(crate) async fn receive<T: BodyReceiver>(
    headers: &HeaderMap,
    mut body: Body,
    kind: BodyKind,
    receiver: T,
    permit: BodyPermit,
) -> Result<(T, BodyPermit), ApiError> {
    let outcome = match Decompressor::new(headers, kind, receiver) {
        Ok(decompressor) => read_to_end(decompressor, &mut body, permit).await,
        Err(error) => Err(error),
    };
    if outcome.is_err() {
        // The response is sent at once. The rest of the body is read and discarded: closing a connection with
        // unread bytes resets it, and the client would lose the response.
        tokio::spawn(tokio::time::timeout(BODY_TIMEOUT, drain(body)));
    }
    outcome
}

async fn read_to_end<T: BodyReceiver>(
    mut decompressor: Decompressor<T>,
    body: &mut Body,
    mut permit: BodyPermit,
) -> Result<(T, BodyPermit), ApiError> {
    let read = async {
        while let Some(frame) = body.frame().await {
            if let Ok(data) = frame.map_err(|_| ApiError::IncompleteBody)?.into_data() {
                decompressor.write(&data)?;
                permit.grow_to(decompressor.held_bytes())?;
            }
        }
        Ok((decompressor.finish()?, permit))
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
