//! Passes the decompressed bytes of a body to its receiver, within the limit on its size. All memory of the
//! body is reserved: of the receiver, of the decoder, and of bytes that wait to be decompressed.

use std::io::{self, Write};

use device_stats_formats::BodyReceiver;
use device_stats_service::BodyPermit;

use crate::errors::ApiError;

/// A receiver of at most `bytes_max` bytes, and the permit for the memory of its body.
pub(super) struct Bounded<T> {
    receiver: T,
    bytes_max: usize,
    bytes_left: usize,
    /// Memory of the decoder, in bytes.
    decoder_bytes: usize,
    /// Size of the bytes that wait to be decompressed.
    waiting_bytes: usize,
    permit: BodyPermit,
}

impl<T: BodyReceiver> Bounded<T> {
    /// Creates a receiver of at most `bytes_max` bytes.
    pub(super) fn new(receiver: T, bytes_max: usize, permit: BodyPermit) -> Self {
        Self { receiver, bytes_max, bytes_left: bytes_max, decoder_bytes: 0, waiting_bytes: 0, permit }
    }

    /// Reserves the memory of a decoder, in bytes. Call it before the decoder allocates the memory.
    ///
    /// # Errors
    /// All bodies together hold too much memory.
    pub(super) fn reserve_decoder(&mut self, bytes: usize) -> Result<(), ApiError> {
        self.decoder_bytes = self.decoder_bytes.max(bytes);
        self.reserve()
    }

    /// Reserves the memory of bytes that wait to be decompressed.
    ///
    /// # Errors
    /// All bodies together hold too much memory.
    pub(super) fn reserve_waiting(&mut self, bytes: usize) -> Result<(), ApiError> {
        self.waiting_bytes = bytes;
        self.reserve()
    }

    /// Returns the receiver and its permit.
    pub(super) fn into_parts(self) -> (T, BodyPermit) {
        (self.receiver, self.permit)
    }

    /// Returns the memory reserved for the body, in bytes.
    pub(super) fn reserved_bytes(&self) -> usize {
        self.permit.reserved_bytes()
    }

    /// Checks that this number of further bytes is allowed, and returns how many are left then.
    ///
    /// # Errors
    /// [`ApiError::LargeBody`].
    pub(super) fn check_size(&self, bytes: usize) -> Result<usize, ApiError> {
        self.bytes_left.checked_sub(bytes).ok_or(ApiError::LargeBody { bytes_max: self.bytes_max })
    }

    fn receive(&mut self, bytes: &[u8]) -> Result<(), ApiError> {
        self.bytes_left = self.check_size(bytes.len())?;
        self.receiver.receive(bytes)?;
        self.reserve()
    }

    fn reserve(&mut self) -> Result<(), ApiError> {
        let bytes = self.receiver.held_bytes() + self.decoder_bytes + self.waiting_bytes;
        Ok(self.permit.grow_to(bytes)?)
    }
}

/// The errors hold an [`ApiError`].
impl<T: BodyReceiver> Write for Bounded<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.receive(bytes).map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
