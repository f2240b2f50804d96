//! Reasons why a body cannot be read at all. The faults of single rows are in `faults`.

use crate::json::JsonError;

/// Reason why a body cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// The body is not JSON.
    #[error("the body is not JSON")]
    NotJson(JsonError),
    /// The body is not an Arrow IPC stream.
    #[error("the body is not an Arrow IPC stream: {0}")]
    NotArrow(String),
    /// The body is UTF-16.
    #[error("the body is UTF-16")]
    Utf16,
    /// The body is not UTF-8.
    #[error("the body is not UTF-8")]
    NotUtf8 {
        /// Line number of the first byte that is not UTF-8, from 1.
        line: u64,
    },
    /// The body is too large after decompression.
    #[error("the body is larger than {bytes_max} bytes")]
    TooLarge {
        /// Maximum size, in bytes.
        bytes_max: usize,
    },
    /// The body holds too many readings.
    #[error("the body holds more than {readings_max} readings")]
    TooManyReadings {
        /// Maximum number of readings.
        readings_max: usize,
    },
    /// All bodies together hold too much memory.
    #[error("all bodies together hold too much memory")]
    OutOfMemory,
    /// No batch has this media type.
    #[error("the media type is not supported")]
    UnknownMediaType,
}
