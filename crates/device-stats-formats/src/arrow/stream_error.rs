//! Errors of an Arrow stream.

use std::io;

use arrow_schema::ArrowError;
use tracing::debug;

use crate::body_error::BodyError;

/// Reason why a stream cannot be read to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ArrowStreamError {
    /// The bytes cannot be read.
    #[error("the stream cannot be read")]
    Unreadable(#[source] io::Error),
    /// The bytes are not a stream, or not a complete one.
    #[error("{0}")]
    Broken(String),
    /// The arrays are too large after decompression.
    #[error("the columns take more than {bytes_max} bytes")]
    TooLarge {
        /// Maximum size of all arrays, in bytes.
        bytes_max: usize,
    },
}

impl ArrowStreamError {
    /// Creates an error for a broken stream.
    pub(super) fn broken(words: impl Into<String>) -> Self {
        Self::Broken(words.into())
    }
}

impl From<ArrowError> for ArrowStreamError {
    /// Converts an error of `arrow-ipc`, which does no input or output here. Its words describe internals of
    /// the library and are only logged.
    fn from(error: ArrowError) -> Self {
        debug!(cause = %error, "an Arrow message cannot be read");
        Self::broken("the content of a message is malformed, or its type is not supported")
    }
}

impl From<io::Error> for ArrowStreamError {
    /// Converts an error of the input.
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::broken("the stream is cut off"),
            _ => Self::Unreadable(error),
        }
    }
}

impl From<ArrowStreamError> for BodyError {
    fn from(error: ArrowStreamError) -> Self {
        match error {
            ArrowStreamError::TooLarge { bytes_max } => Self::TooLarge { bytes_max },
            ArrowStreamError::Broken(words) => Self::NotArrow(words),
            ArrowStreamError::Unreadable(error) => Self::NotArrow(error.to_string()),
        }
    }
}
