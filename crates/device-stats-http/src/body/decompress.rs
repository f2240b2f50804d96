//! Decompression of a body while it arrives. The receiver never gets more bytes than the limit, even if the
//! compressed body is small.

use std::io::{self, Write};

use axum::http::HeaderMap;
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use device_stats_formats::BodyReceiver;
use flate2::write::MultiGzDecoder;
use zstd::stream::write::Decoder as ZstdDecoder;

use super::kind::BodyKind;
use crate::errors::ApiError;
use crate::limits::ZSTD_WINDOW_LOG_MAX;

/// Decompresses the bytes of a body and passes them to a receiver.
pub(super) struct Decompressor<T: BodyReceiver> {
    decoder: Decoder<T>,
    bytes_max: usize,
}

/// The decoder for the content coding of a body.
enum Decoder<T: BodyReceiver> {
    Identity(Bounded<T>),
    Gzip(Box<MultiGzDecoder<Bounded<T>>>),
    Zstd(Box<ZstdDecoder<'static, Bounded<T>>>),
}

impl<T: BodyReceiver> Decompressor<T> {
    /// Creates a decompressor for a body with the given headers.
    ///
    /// # Errors
    /// `Content-Length` is above the limit, or the content coding is not supported.
    pub(super) fn new(headers: &HeaderMap, kind: BodyKind, receiver: T) -> Result<Self, ApiError> {
        let bytes_max = kind.bytes_max();
        let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        if length.is_some_and(|length| length > bytes_max as u64) {
            return Err(ApiError::LargeBody { bytes_max });
        }
        let bounded = Bounded { receiver, bytes_left: bytes_max };
        let compression_supported = kind.supports_compression();
        let mut codings = headers.get_all(CONTENT_ENCODING).iter();
        let coding = codings.next().map(|coding| coding.as_bytes().to_ascii_lowercase());
        let decoder = match (coding.as_deref(), codings.next()) {
            (None | Some(b"" | b"identity"), None) => Decoder::Identity(bounded),
            (Some(b"gzip" | b"x-gzip"), None) if compression_supported => {
                Decoder::Gzip(Box::new(MultiGzDecoder::new(bounded)))
            }
            (Some(b"zstd"), None) if compression_supported => {
                Decoder::Zstd(Box::new(zstd_decoder(bounded).map_err(ApiError::NoDecoder)?))
            }
            _ => return Err(ApiError::UnsupportedCoding { compression_supported }),
        };
        Ok(Self { decoder, bytes_max })
    }

    /// Decompresses the next bytes.
    ///
    /// # Errors
    /// The decompressed body is too large, or the bytes are not valid in their coding.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), ApiError> {
        let (coding, written) = match &mut self.decoder {
            Decoder::Identity(bounded) => ("identity", bounded.write_all(bytes)),
            Decoder::Gzip(decoder) => ("gzip", decoder.write_all(bytes)),
            Decoder::Zstd(decoder) => ("zstd", decoder.write_all(bytes)),
        };
        written.map_err(|error| coding_error(&error, coding, self.bytes_max))
    }

    /// Returns the memory held by the receiver, in bytes.
    pub(super) fn held_bytes(&self) -> usize {
        let bounded = match &self.decoder {
            Decoder::Identity(bounded) => bounded,
            Decoder::Gzip(decoder) => decoder.get_ref(),
            Decoder::Zstd(decoder) => decoder.get_ref(),
        };
        bounded.receiver.held_bytes()
    }

    /// Finishes the body and returns the receiver.
    ///
    /// # Errors
    /// The compressed body is incomplete, or the decompressed body is too large. A decoder may hold back the
    /// last bytes until this call.
    pub(super) fn finish(self) -> Result<T, ApiError> {
        let (coding, finished) = match self.decoder {
            Decoder::Identity(bounded) => ("identity", Ok(bounded)),
            Decoder::Gzip(decoder) => ("gzip", decoder.finish()),
            Decoder::Zstd(decoder) => ("zstd", decoder.finish()),
        };
        let bounded = finished.map_err(|error| coding_error(&error, coding, self.bytes_max))?;
        Ok(bounded.receiver)
    }
}

/// Creates a decoder that refuses a frame with a window above [`ZSTD_WINDOW_LOG_MAX`].
fn zstd_decoder<T: BodyReceiver>(bounded: Bounded<T>) -> io::Result<ZstdDecoder<'static, Bounded<T>>> {
    let mut decoder = ZstdDecoder::new(bounded)?;
    decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
    Ok(decoder)
}

fn coding_error(error: &io::Error, coding: &'static str, bytes_max: usize) -> ApiError {
    match error.kind() {
        io::ErrorKind::FileTooLarge => ApiError::LargeBody { bytes_max },
        _ => ApiError::InvalidCoding { coding },
    }
}

/// Passes bytes to a receiver, up to a limit. More bytes are an error of kind `FileTooLarge`.
struct Bounded<T> {
    receiver: T,
    bytes_left: usize,
}

impl<T: BodyReceiver> Write for Bounded<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes_left = self.bytes_left.checked_sub(bytes.len()).ok_or(io::ErrorKind::FileTooLarge)?;
        self.receiver.receive(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
