//! Splits bodies into pieces, for tests.

/// Splits a body into pieces of these lengths. The lengths are used again and again until the body ends.
pub(crate) fn split<'a>(mut body: &'a [u8], lengths: &[usize]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    for length in lengths.iter().cycle() {
        if body.is_empty() {
            break;
        }
        let (piece, rest) = body.split_at((*length).min(body.len()));
        pieces.push(piece);
        body = rest;
    }
    pieces
}
