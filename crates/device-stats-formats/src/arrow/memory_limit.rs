//! Limit on the memory of the arrays of a stream.

use super::stream_error::ArrowStreamError;

/// Maximum number of bytes copied to extend dictionaries, as a multiple of the limit of the stream.
const DICTIONARY_COPIES_MAX: usize = 16;

/// Limit on the memory of the arrays of a stream.
#[derive(Debug)]
pub(super) struct ArrayMemoryLimit {
    bytes_max: usize,
    /// Size of the arrays so far, in bytes.
    taken: usize,
    /// Bytes copied to extend dictionaries.
    copied: usize,
}

impl ArrayMemoryLimit {
    /// Creates a limit of this number of bytes.
    pub(super) fn new(bytes_max: usize) -> Self {
        Self { bytes_max, taken: 0, copied: 0 }
    }

    /// Adds the size of an array.
    pub(super) fn take(&mut self, bytes: usize) -> Result<(), ArrowStreamError> {
        self.taken = self.taken.saturating_add(bytes);
        self.check(self.taken, self.bytes_max)
    }

    /// Adds the size of a dictionary that is copied to extend it.
    pub(super) fn copy(&mut self, bytes: usize) -> Result<(), ArrowStreamError> {
        self.copied = self.copied.saturating_add(bytes);
        self.check(self.copied, self.bytes_max.saturating_mul(DICTIONARY_COPIES_MAX))
    }

    fn check(&self, bytes: usize, bytes_max: usize) -> Result<(), ArrowStreamError> {
        if bytes > bytes_max {
            return Err(ArrowStreamError::TooLarge { bytes_max: self.bytes_max });
        }
        Ok(())
    }

    /// Sets both counts back to 0.
    pub(super) fn reset(&mut self) {
        *self = Self::new(self.bytes_max);
    }
}
