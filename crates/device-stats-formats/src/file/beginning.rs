//! The first bytes of a file, which are read before its rest.

use std::io::{self, Chain, Cursor, Read};

use crate::utf8_decoder::BYTE_ORDER_MARK;

/// First bytes of a file, and its rest.
pub(super) type Rejoined<R> = Chain<Cursor<Vec<u8>>, R>;

/// Returns the input without the byte order mark of UTF-8.
///
/// # Errors
/// If the first bytes cannot be read.
pub(super) fn without_byte_order_mark<R: Read>(mut input: R) -> io::Result<Rejoined<R>> {
    let mut begin = first_bytes(&mut input, BYTE_ORDER_MARK.len())?;
    if begin == BYTE_ORDER_MARK {
        begin.clear();
    }
    Ok(Cursor::new(begin).chain(input))
}

/// Reads the first bytes; fewer if the input ends before.
///
/// # Errors
/// If they cannot be read.
pub(super) fn first_bytes(input: &mut impl Read, count: usize) -> io::Result<Vec<u8>> {
    let mut begin = Vec::new();
    input.by_ref().take(count as u64).read_to_end(&mut begin)?;
    Ok(begin)
}
