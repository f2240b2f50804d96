//! Bodies that arrive in pieces, for tests.

use std::fmt::Debug;

use crate::batch::BatchRows;
use crate::body_error::BodyError;
use crate::body_receiver::BodyReceiver;
use crate::faults::Faults;

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

/// Gives the pieces of a body to a reader. Describes the rows and their locations, or the faults.
pub(crate) fn outcome<T: BodyReceiver, R: Debug>(
    mut reader: T,
    pieces: &[&[u8]],
    finish: impl FnOnce(T, &mut Faults) -> Result<Option<BatchRows<R>>, BodyError>,
) -> String {
    for piece in pieces {
        if let Err(error) = reader.receive(piece) {
            return format!("{error:?}");
        }
    }
    let mut faults = Faults::default();
    match finish(reader, &mut faults) {
        Ok(Some(rows)) => format!("{:?} {:?}", rows.rows, rows.locations),
        Ok(None) => format!("{:?}", faults.into_vec()),
        Err(error) => format!("{error:?}"),
    }
}
