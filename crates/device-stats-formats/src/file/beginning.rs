//! The first bytes of a file, which are read before its rest.

use std::io::{self, Chain, Cursor, Read};

/// First bytes of a file, and its rest.
pub(super) type Rejoined<R> = Chain<Cursor<Vec<u8>>, R>;

/// Reads the first bytes; fewer if the input ends before.
///
/// # Errors
/// If they cannot be read.
pub(super) fn first_bytes(input: &mut impl Read, count: usize) -> io::Result<Vec<u8>> {
    let mut begin = Vec::new();
    input.by_ref().take(count as u64).read_to_end(&mut begin)?;
    Ok(begin)
}
