//! Receivers of bytes that arrive in parts, and the memory they hold.

/// Receives the bytes of a body as they arrive, decompressed.
pub trait Receive: Send {
    /// Takes the next bytes.
    fn receive(&mut self, bytes: &[u8]);

    /// Memory held by the receiver, in bytes.
    fn held_bytes(&self) -> usize;
}

impl Receive for Vec<u8> {
    fn receive(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }

    fn held_bytes(&self) -> usize {
        list_bytes(self)
    }
}

/// Memory held by a list, in bytes, without the memory that its elements refer to.
pub fn list_bytes<T>(list: &Vec<T>) -> usize {
    list.capacity() * size_of::<T>()
}
