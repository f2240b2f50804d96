//! A reader of little-endian numbers that checks every length.

use super::fault::{Fault, Section};

/// Reads the bytes of a section from front to back.
pub(crate) struct ByteReader<'b> {
    rest: &'b [u8],
    section: Section,
}

impl<'b> ByteReader<'b> {
    /// Creates a reader of `bytes`. Its faults name `section`.
    pub(crate) fn new(bytes: &'b [u8], section: Section) -> Self {
        Self { rest: bytes, section }
    }

    /// Reads `count` bytes.
    pub(crate) fn bytes(&mut self, count: usize) -> Result<&'b [u8], Fault> {
        let (bytes, rest) = self.rest.split_at_checked(count).ok_or_else(|| self.wrong_length())?;
        self.rest = rest;
        Ok(bytes)
    }

    /// Reads `SIZE` bytes.
    fn array<const SIZE: usize>(&mut self) -> Result<[u8; SIZE], Fault> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or_else(|| self.wrong_length())?;
        self.rest = rest;
        Ok(*bytes)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Fault> {
        self.array().map(u8::from_le_bytes)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, Fault> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Fault> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn i32(&mut self) -> Result<i32, Fault> {
        self.array().map(i32::from_le_bytes)
    }

    pub(crate) fn i64(&mut self) -> Result<i64, Fault> {
        self.array().map(i64::from_le_bytes)
    }

    pub(crate) fn f64(&mut self) -> Result<f64, Fault> {
        self.array().map(f64::from_le_bytes)
    }

    /// Reads `count` values of `SIZE` bytes. Allocates only after checking that the bytes exist.
    pub(crate) fn many<T, const SIZE: usize>(
        &mut self,
        count: usize,
        decode: impl Fn([u8; SIZE]) -> T,
    ) -> Result<Box<[T]>, Fault> {
        let size = count.checked_mul(SIZE).ok_or_else(|| self.wrong_length())?;
        let (values, _) = self.bytes(size)?.as_chunks::<SIZE>();
        Ok(values.iter().map(|bytes| decode(*bytes)).collect())
    }

    /// Returns the unread bytes.
    pub(crate) fn rest(&self) -> &'b [u8] {
        self.rest
    }

    /// Checks that no byte is left.
    pub(crate) fn end(&self) -> Result<(), Fault> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.wrong_length()) }
    }

    fn wrong_length(&self) -> Fault {
        Fault::WrongLength { section: self.section }
    }
}
