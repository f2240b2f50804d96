//! Pieces: the stored units of a segment.

use device_stats_domain::DeviceKey;
use device_stats_segment::{Fault, Head, Page, PageId, Section};

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

impl PieceKey {
    /// Returns the error for a fault of the piece, or of something in it.
    pub fn corrupt(&self, fault: Fault) -> StoreError {
        StoreError::Corrupt { device: self.device, segment: self.segment, fault }
    }

    /// Returns the error for a piece that contradicts the rest of the database.
    pub fn inconsistent(&self, reason: &'static str) -> StoreError {
        self.corrupt(Fault::Inconsistent { section: self.piece.into(), reason })
    }

    /// Decodes a page of this piece, which is a block. `head` is the head of its segment, `block` its bytes.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if the bytes do not belong to that page.
    pub fn decode(&self, head: &Head, page: PageId, block: &[u8]) -> Result<Page, StoreError> {
        let decoded = head.block_range(page).and_then(|range| {
            let too_short = || Fault::WrongLength { section: self.piece.into() };
            head.decode(page, block.get(range.bytes).ok_or_else(too_short)?)
        });
        decoded.map_err(|fault| self.corrupt(fault))
    }
}
