//! Little-endian numbers in bytes: written one after another, and read back with every length checked.

use crate::Fault;

/// Bytes that are read from the front.
pub(crate) struct Reader<'b> {
    rest: &'b [u8],
    part: &'static str,
}

impl<'b> Reader<'b> {
    /// Reads the bytes of what a fault will call `part`.
    pub(crate) fn new(bytes: &'b [u8], part: &'static str) -> Self {
        Self { rest: bytes, part }
    }

    /// The next `count` bytes.
    pub(crate) fn bytes(&mut self, count: usize) -> Result<&'b [u8], Fault> {
        let (bytes, rest) = self.rest.split_at_checked(count).ok_or_else(|| self.wrong_length())?;
        self.rest = rest;
        Ok(bytes)
    }

    /// The next `SIZE` bytes.
    fn array<const SIZE: usize>(&mut self) -> Result<[u8; SIZE], Fault> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or_else(|| self.wrong_length())?;
        self.rest = rest;
        Ok(*bytes)
    }

    /// The next byte.
    pub(crate) fn u8(&mut self) -> Result<u8, Fault> {
        self.array().map(u8::from_le_bytes)
    }

    /// The next number of two bytes.
    pub(crate) fn u16(&mut self) -> Result<u16, Fault> {
        self.array().map(u16::from_le_bytes)
    }

    /// The next number of four bytes.
    pub(crate) fn u32(&mut self) -> Result<u32, Fault> {
        self.array().map(u32::from_le_bytes)
    }

    /// The next number of four bytes, signed.
    pub(crate) fn i32(&mut self) -> Result<i32, Fault> {
        self.array().map(i32::from_le_bytes)
    }

    /// The next number of eight bytes, signed.
    pub(crate) fn i64(&mut self) -> Result<i64, Fault> {
        self.array().map(i64::from_le_bytes)
    }

    /// The next double.
    pub(crate) fn f64(&mut self) -> Result<f64, Fault> {
        self.array().map(f64::from_le_bytes)
    }

    /// The next `count` values of `SIZE` bytes. Allocates no more than the bytes that are there ask for.
    pub(crate) fn many<T, const SIZE: usize>(
        &mut self,
        count: usize,
        decode: impl Fn([u8; SIZE]) -> T,
    ) -> Result<Box<[T]>, Fault> {
        let size = count.checked_mul(SIZE).ok_or_else(|| self.wrong_length())?;
        let (values, _) = self.bytes(size)?.as_chunks::<SIZE>();
        Ok(values.iter().map(|bytes| decode(*bytes)).collect())
    }

    /// All that is left.
    pub(crate) fn rest(&self) -> &'b [u8] {
        self.rest
    }

    /// That nothing is left.
    pub(crate) fn end(&self) -> Result<(), Fault> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.wrong_length()) }
    }

    fn wrong_length(&self) -> Fault {
        Fault::WrongLength { part: self.part.to_owned() }
    }
}
