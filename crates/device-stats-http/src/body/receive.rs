//! Reception of a body, within its limits of size and time. Small bodies are read on the thread of their
//! connection, large ones on threads for computations.

use axum::body::Body;
use axum::http::HeaderMap;
use bytes::Bytes;
use device_stats_formats::BodyReceiver;
use device_stats_service::{BodyPermit, Service};

use super::decompress::Decompressor;
use super::drain::{drain, drain_unread};
use super::kind::BodyKind;
use super::pace::Pace;
use crate::errors::ApiError;
use crate::limits::{BODY_BYTES_MAX, BODY_PIECE_BYTES, BODY_PIECE_FRAMES_MAX, BODY_SMALL_BYTES};

// Single readings do not wait for the threads that parse batches, unless they arrive in many frames.
const _: () = assert!(BODY_BYTES_MAX <= BODY_SMALL_BYTES);

/// Passes a complete body to a receiver, and the receiver to `finish`. Returns its result and the permit for
/// the memory of the body.
///
/// # Errors
/// The body is too large, too slow, incomplete or compressed in an unsupported way, the receiver refuses it,
/// or all bodies together hold too much memory.
pub(crate) async fn receive<T: BodyReceiver + 'static, R: Send + 'static>(
    service: &Service,
    headers: &HeaderMap,
    mut body: Body,
    kind: BodyKind,
    receiver: T,
    finish: impl FnOnce(T, &mut BodyPermit) -> R + Send + 'static,
) -> Result<(R, BodyPermit), ApiError> {
    let decompressor = match Decompressor::new(headers, kind, receiver, service.body_permit()) {
        Ok(decompressor) => decompressor,
        Err(error) => {
            drain_unread(headers, body);
            return Err(error);
        }
    };
    let arrived = read_to_end(service, decompressor, &mut body).await;
    let Arrived { decompressor, last, is_large } = arrived.inspect_err(|_| drain(body))?;
    let finish = move || {
        let (receiver, mut permit) = last.write_to(decompressor)?.finish()?;
        Ok((finish(receiver, &mut permit), permit))
    };
    if is_large { service.compute_body(finish).await? } else { finish() }
}

/// A body that has arrived.
struct Arrived<T: BodyReceiver> {
    decompressor: Decompressor<T>,
    /// The last piece, which has not been decompressed.
    last: Piece,
    /// Whether the body is read on threads for computations.
    is_large: bool,
}

/// Receives the whole body. A compressed body counts as large, because its size is not known.
async fn read_to_end<T: BodyReceiver + 'static>(
    service: &Service,
    mut decompressor: Decompressor<T>,
    body: &mut Body,
) -> Result<Arrived<T>, ApiError> {
    let (mut pace, mut piece) = (Pace::default(), Piece::default());
    let mut is_large = decompressor.is_compressed();
    while let Some(data) = pace.next(body, decompressor.reserved_bytes()).await? {
        piece.push(data);
        decompressor.reserve_waiting(piece.bytes)?;
        if piece.is_full() {
            is_large = true;
            let full = std::mem::take(&mut piece);
            decompressor = service.compute_body(move || full.write_to(decompressor)).await??;
        }
    }
    is_large |= piece.bytes > BODY_SMALL_BYTES;
    Ok(Arrived { decompressor, last: piece, is_large })
}

/// A part of a body that waits to be decompressed.
#[derive(Default)]
struct Piece {
    frames: Vec<Bytes>,
    bytes: usize,
}

impl Piece {
    fn push(&mut self, frame: Bytes) {
        self.bytes += frame.len();
        self.frames.push(frame);
    }

    /// Returns whether the piece should be decompressed before the next bytes arrive.
    fn is_full(&self) -> bool {
        self.bytes > BODY_PIECE_BYTES || self.frames.len() >= BODY_PIECE_FRAMES_MAX
    }

    fn write_to<T: BodyReceiver>(
        self,
        mut decompressor: Decompressor<T>,
    ) -> Result<Decompressor<T>, ApiError> {
        for frame in self.frames {
            decompressor.write(&frame)?;
        }
        decompressor.reserve_waiting(0)?;
        Ok(decompressor)
    }
}

#[cfg(test)]
mod tests;
