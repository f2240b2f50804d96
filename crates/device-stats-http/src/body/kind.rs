//! The kinds of bodies, and their limits.

use device_stats_formats::limits::BATCH_BYTES_MAX;

use crate::limits::BODY_BYTES_MAX;

/// The kind of body that an operation accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyKind {
    /// One JSON value, not compressed.
    Single,
    /// A batch, which may be compressed.
    Batch,
}

impl BodyKind {
    /// Returns the maximum size after decompression, in bytes.
    pub(crate) fn bytes_max(self) -> usize {
        match self {
            Self::Single => BODY_BYTES_MAX,
            Self::Batch => BATCH_BYTES_MAX,
        }
    }

    /// Returns whether the body may be compressed.
    pub(crate) fn supports_compression(self) -> bool {
        self == Self::Batch
    }
}
