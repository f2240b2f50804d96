//! The interface of all encoders.

use bytes::Bytes;
use device_stats_domain::{DeviceId, Reading};

/// Reason why readings cannot be encoded; always a bug.
pub type EncodeError = Box<dyn std::error::Error + Send + Sync>;

/// Encodes readings. The returned pieces, in this order, form the file.
pub trait Encoder: Send + 'static {
    /// Encodes the next readings of a device, in ascending order of time, and returns the bytes that are
    /// complete.
    ///
    /// # Errors
    /// [`EncodeError`], always a bug.
    fn encode(&mut self, device: &DeviceId, readings: &[Reading]) -> Result<Bytes, EncodeError>;

    /// Returns the rest of the file.
    ///
    /// # Errors
    /// [`EncodeError`], always a bug.
    fn finish(self: Box<Self>) -> Result<Bytes, EncodeError>;
}
