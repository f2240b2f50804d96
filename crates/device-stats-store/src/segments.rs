//! Segments as a store names, seals and searches them.

mod entry;
mod piece;
mod sealed_rows;
mod sealed_times;

pub use entry::{HotDevice, Replaced, SegmentEntry, SegmentId};
pub use piece::{Piece, PieceKey};
pub use sealed_rows::{SealedRows, open_head};
pub use sealed_times::{Lookup, MissingPiece, SealedTimes};
