//! Decompression of a body while it arrives. The receiver never gets more bytes than the limit, even if the
//! compressed body is small. The memory of a decoder is reserved before it is allocated.

use std::io::{self, Write};

use axum::http::HeaderMap;
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use device_stats_formats::BodyReceiver;
use device_stats_service::BodyPermit;
use flate2::write::MultiGzDecoder;

use super::bounded::Bounded;
use super::kind::BodyKind;
use super::zstd_decoder::ZstdDecoder;
use crate::errors::ApiError;

/// Memory of a gzip decoder, in bytes: its window, its tables and its buffer for decompressed bytes.
const GZIP_BYTES: usize = 96 * 1024;

/// Decompresses the bytes of a body and passes them to a receiver.
pub(super) enum Decompressor<T: BodyReceiver> {
    Identity(Bounded<T>),
    Gzip(Box<MultiGzDecoder<Bounded<T>>>),
    Zstd(ZstdDecoder, Bounded<T>),
}

impl<T: BodyReceiver> Decompressor<T> {
    /// Creates a decompressor for a body with the given headers.
    ///
    /// # Errors
    /// `Content-Length` is above the limit, the content coding is not supported, or all bodies together hold
    /// too much memory.
    pub(super) fn new(
        headers: &HeaderMap,
        kind: BodyKind,
        receiver: T,
        permit: BodyPermit,
    ) -> Result<Self, ApiError> {
        let bytes_max = kind.bytes_max();
        let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        if length.is_some_and(|length| length > bytes_max as u64) {
            return Err(ApiError::LargeBody { bytes_max });
        }
        let mut bounded = Bounded::new(receiver, bytes_max, permit);
        let compression_supported = kind.supports_compression();
        let mut codings = headers.get_all(CONTENT_ENCODING).iter();
        let coding = codings.next().map(|coding| coding.as_bytes().to_ascii_lowercase());
        Ok(match (coding.as_deref(), codings.next()) {
            (None | Some(b"" | b"identity"), None) => Self::Identity(bounded),
            (Some(b"gzip" | b"x-gzip"), None) if compression_supported => {
                bounded.reserve_decoder(GZIP_BYTES)?;
                Self::Gzip(Box::new(MultiGzDecoder::new(bounded)))
            }
            (Some(b"zstd"), None) if compression_supported => Self::Zstd(ZstdDecoder::default(), bounded),
            _ => return Err(ApiError::UnsupportedCoding { compression_supported }),
        })
    }

    /// Returns whether the body is compressed.
    pub(super) fn is_compressed(&self) -> bool {
        !matches!(self, Self::Identity(_))
    }

    /// Decompresses the next bytes.
    ///
    /// # Errors
    /// The decompressed body is too large, the bytes are not valid in their coding, the receiver refuses
    /// them, or all bodies together hold too much memory.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), ApiError> {
        let written = match self {
            Self::Identity(bounded) => bounded.write_all(bytes),
            Self::Gzip(decoder) => decoder.write_all(bytes),
            Self::Zstd(decoder, bounded) => decoder.write(bytes, bounded),
        };
        written.map_err(|error| self.to_error(error))
    }

    /// Reserves the memory of bytes that wait to be decompressed.
    ///
    /// # Errors
    /// With these bytes, the body is too large although it is not compressed, or all bodies together hold too
    /// much memory.
    pub(super) fn reserve_waiting(&mut self, bytes: usize) -> Result<(), ApiError> {
        if let Self::Identity(bounded) = self {
            bounded.check_size(bytes)?;
        }
        self.bounded_mut().reserve_waiting(bytes)
    }

    /// Returns the memory reserved for the body, in bytes.
    pub(super) fn reserved_bytes(&mut self) -> usize {
        self.bounded_mut().reserved_bytes()
    }

    /// Finishes the body and returns the receiver and the permit for its memory.
    ///
    /// # Errors
    /// The compressed body is incomplete, and the errors of [`Self::write`]. A decoder may hold back the last
    /// bytes until this call.
    pub(super) fn finish(mut self) -> Result<(T, BodyPermit), ApiError> {
        let finished = match &mut self {
            Self::Identity(_) => Ok(()),
            Self::Gzip(decoder) => decoder.try_finish(),
            Self::Zstd(decoder, _) => decoder.finish(),
        };
        finished.map_err(|error| self.to_error(error))?;
        match self {
            Self::Identity(bounded) | Self::Zstd(_, bounded) => Ok(bounded.into_parts()),
            Self::Gzip(decoder) => match decoder.finish() {
                Ok(bounded) => Ok(bounded.into_parts()),
                Err(_) => Err(ApiError::InvalidCoding { coding: "gzip" }),
            },
        }
    }

    fn bounded_mut(&mut self) -> &mut Bounded<T> {
        match self {
            Self::Identity(bounded) | Self::Zstd(_, bounded) => bounded,
            Self::Gzip(decoder) => decoder.get_mut(),
        }
    }

    /// Returns the error of the receiver, or of the decoder.
    fn to_error(&self, error: io::Error) -> ApiError {
        let coding = match self {
            Self::Identity(_) => "identity",
            Self::Gzip(_) => "gzip",
            Self::Zstd(..) => "zstd",
        };
        error.downcast::<ApiError>().unwrap_or(ApiError::InvalidCoding { coding })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use allocation_counter::measure;
    use axum::http::HeaderValue;
    use device_stats_service::{Service, ServiceSettings};
    use device_stats_sqlite::SqliteStore;
    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    #[test]
    fn the_memory_of_a_gzip_decoder_is_not_larger_than_reserved() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("test.db"), true).unwrap();
        let service = Service::new(Arc::new(store), ServiceSettings::default()).unwrap();
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&(0..=u8::MAX).cycle().take(1_000_000).collect::<Vec<u8>>()).unwrap();
        let body = encoder.finish().unwrap();
        let headers = HeaderMap::from_iter([(CONTENT_ENCODING, HeaderValue::from_static("gzip"))]);
        let receiver = Vec::with_capacity(1_000_000);
        let permit = service.body_permit();
        let memory = measure(|| {
            let mut decompressor = Decompressor::new(&headers, BodyKind::Batch, receiver, permit).unwrap();
            decompressor.write(&body).unwrap();
        });
        assert!(memory.bytes_max <= GZIP_BYTES as u64, "{memory:?}");
    }
}
