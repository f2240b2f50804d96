//! Receivers of a body that arrives in pieces, and the memory that they hold.

use crate::body_error::BodyError;

/// Receives a body as it arrives, decompressed.
pub trait BodyReceiver: Send {
    /// Takes the next bytes.
    ///
    /// # Errors
    /// The body is refused, whatever follows.
    fn receive(&mut self, bytes: &[u8]) -> Result<(), BodyError>;

    /// Memory held by the receiver, in bytes.
    fn held_bytes(&self) -> usize;
}

impl BodyReceiver for Vec<u8> {
    fn receive(&mut self, bytes: &[u8]) -> Result<(), BodyError> {
        self.extend_from_slice(bytes);
        Ok(())
    }

    fn held_bytes(&self) -> usize {
        vec_bytes(self)
    }
}

/// Memory held by a vector, in bytes, without the memory that its elements refer to.
pub(crate) fn vec_bytes<T>(vector: &Vec<T>) -> usize {
    vector.capacity() * size_of::<T>()
}
