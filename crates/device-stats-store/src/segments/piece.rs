//! Pieces: the stored units of a segment.

use std::fmt;

use device_stats_domain::DeviceKey;
use device_stats_segment::Fault;

use crate::{SegmentId, StoreError};

/// Names a piece of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PieceKey {
    /// Device of the segment.
    pub device: DeviceKey,
    /// The segment.
    pub segment: SegmentId,
    /// Which piece of it.
    pub piece: Piece,
}

/// A piece of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Piece {
    /// The head.
    Head,
    /// A block, counted from 0.
    Block(u32),
}

impl fmt::Display for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Head => f.write_str("the head"),
            Self::Block(number) => write!(f, "block {number}"),
        }
    }
}

impl PieceKey {
    /// Returns the error for a fault of the piece, or of something in it.
    pub fn corrupt(&self, fault: Fault) -> StoreError {
        StoreError::Corrupt { device: self.device, segment: self.segment, fault }
    }

    /// Returns the error for a piece that contradicts the rest of the database.
    pub fn inconsistent(&self, what: &'static str) -> StoreError {
        self.corrupt(Fault::Inconsistent { part: self.piece.to_string(), what })
    }

    /// Returns the error for a piece that is shorter than the segment says.
    pub fn too_short(&self) -> StoreError {
        self.corrupt(Fault::WrongLength { part: self.piece.to_string() })
    }
}
