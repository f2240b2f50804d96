//! The bytes of a body as they arrive, decompressed. However much a few of them may come to, no more than the limit is
//! ever passed on.

use std::io::{self, Write};

use axum::http::HeaderMap;
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use device_stats_domain::limits::ZSTD_WINDOW_LOG_MAX;
use flate2::write::MultiGzDecoder;
use zstd::stream::write::Decoder as ZstdDecoder;

use super::Size;
use crate::errors::ApiError;
use device_stats_formats::memory::Receive;

/// Takes the bytes of a body, and passes them on.
pub(super) struct Collector<T: Receive> {
    sink: Sink<T>,
    bytes_max: usize,
}

/// By the coding that the head names.
enum Sink<T: Receive> {
    Plain(Bounded<T>),
    Gzip(Box<MultiGzDecoder<Bounded<T>>>),
    Zstd(Box<ZstdDecoder<'static, Bounded<T>>>),
}

impl<T: Receive> Collector<T> {
    /// Reads the head.
    ///
    /// # Errors
    /// Larger than allowed by its own account, or compressed in an unknown way.
    pub(super) fn new(head: &HeaderMap, size: Size, receiver: T) -> Result<Self, ApiError> {
        let bytes_max = size.bytes_max();
        let length = head.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        if length.is_some_and(|length| length > bytes_max as u64) {
            return Err(ApiError::LargeBody { bytes_max });
        }
        let bounded = Bounded { receiver, bytes_left: bytes_max };
        let may_be_coded = size != Size::Single;
        let mut codings = head.get_all(CONTENT_ENCODING).iter();
        let coding = codings.next().map(|coding| coding.as_bytes().to_ascii_lowercase());
        let sink = match (coding.as_deref(), codings.next()) {
            (None | Some(b"" | b"identity"), None) => Sink::Plain(bounded),
            (Some(b"gzip" | b"x-gzip"), None) if may_be_coded => {
                Sink::Gzip(Box::new(MultiGzDecoder::new(bounded)))
            }
            (Some(b"zstd"), None) if may_be_coded => {
                Sink::Zstd(Box::new(zstd_decoder(bounded).map_err(ApiError::NoDecoder)?))
            }
            _ => return Err(ApiError::UnknownCoding { may_be_coded }),
        };
        Ok(Self { sink, bytes_max })
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// Too many, or not what the coding is.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), ApiError> {
        let bytes_max = self.bytes_max;
        match &mut self.sink {
            Sink::Plain(bounded) => bounded.write_all(bytes).map_err(|_| ApiError::LargeBody { bytes_max }),
            Sink::Gzip(decoder) => {
                decoder.write_all(bytes).map_err(|error| coding_error(&error, "gzip", bytes_max))
            }
            Sink::Zstd(decoder) => {
                decoder.write_all(bytes).map_err(|error| coding_error(&error, "zstd", bytes_max))
            }
        }
    }

    /// How much memory takes what has received them, in bytes.
    pub(super) fn held_bytes(&self) -> usize {
        let bounded = match &self.sink {
            Sink::Plain(bounded) => bounded,
            Sink::Gzip(decoder) => decoder.get_ref(),
            Sink::Zstd(decoder) => decoder.get_ref(),
        };
        bounded.receiver.held_bytes()
    }

    /// What has received all bytes, after the last ones.
    ///
    /// # Errors
    /// Too many, since a decoder may hold some back, or not all.
    pub(super) fn finish(self) -> Result<T, ApiError> {
        let bytes_max = self.bytes_max;
        let finished = match self.sink {
            Sink::Plain(bounded) => Ok(bounded),
            Sink::Gzip(decoder) => decoder.finish().map_err(|error| coding_error(&error, "gzip", bytes_max)),
            Sink::Zstd(decoder) => decoder.finish().map_err(|error| coding_error(&error, "zstd", bytes_max)),
        };
        finished.map(|bounded| bounded.receiver)
    }
}

/// A decoder that refuses what would need more memory than any body.
fn zstd_decoder<T: Receive>(bounded: Bounded<T>) -> io::Result<ZstdDecoder<'static, Bounded<T>>> {
    let mut decoder = ZstdDecoder::new(bounded)?;
    decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
    Ok(decoder)
}

fn coding_error(error: &io::Error, coding: &'static str, bytes_max: usize) -> ApiError {
    match error.kind() {
        io::ErrorKind::FileTooLarge => ApiError::LargeBody { bytes_max },
        _ => ApiError::BrokenCoding { coding },
    }
}

/// Passes on bytes up to a limit; one more is an error of kind `FileTooLarge`.
struct Bounded<T> {
    receiver: T,
    bytes_left: usize,
}

impl<T: Receive> Write for Bounded<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes_left = self.bytes_left.checked_sub(bytes.len()).ok_or(io::ErrorKind::FileTooLarge)?;
        self.receiver.receive(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
