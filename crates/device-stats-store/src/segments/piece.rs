//! Pieces: the stored units of a segment.

use std::fmt;

use device_stats_domain::DeviceKey;
use device_stats_segment::{Fault, Section};

use crate::{SegmentId, StoreError};

/// Names a piece of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PieceKey {
    /// Device of the segment.
    pub device: DeviceKey,
    /// The segment.
    pub segment: SegmentId,
    /// The piece of that segment.
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

impl From<Piece> for Section {
    fn from(piece: Piece) -> Self {
        match piece {
            Piece::Head => Self::Head,
            Piece::Block(number) => Self::Block(number),
        }
    }
}

impl fmt::Display for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Section::from(*self).fmt(f)
    }
}

impl PieceKey {
    /// Returns the error for a fault of the piece, or of something in it.
    pub fn corrupt(&self, fault: Fault) -> StoreError {
        StoreError::Corrupt { device: self.device, segment: self.segment, fault }
    }

    /// Returns the error for a piece that contradicts the rest of the database.
    pub fn inconsistent(&self, reason: &'static str) -> StoreError {
        self.corrupt(Fault::Inconsistent { section: self.piece.into(), reason })
    }

    /// Returns the error for a piece that is shorter than the segment says.
    pub fn too_short(&self) -> StoreError {
        self.corrupt(Fault::WrongLength { section: self.piece.into() })
    }
}
