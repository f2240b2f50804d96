//! Segments as a store names them.

mod entry;

pub use entry::{HotDevice, Piece, PieceKey, Replaced, SegmentEntry, SegmentId};
