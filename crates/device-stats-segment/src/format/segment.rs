//! A segment as bytes: written from rows, read back whole, merged. Who wants only a part of it uses
//! [`Head`](crate::Head).

pub(crate) mod contents;
#[cfg(test)]
pub(crate) mod tests;
mod verify;
pub(crate) mod write;

use verify::verify;
use write::write;

use crate::format::columns::Columns;
use crate::format::page_layout::PageSizes;
use crate::{Fault, Head, Row};

/// The bytes of a segment.
///
/// ```
/// use device_stats_domain::Axes;
/// use device_stats_segment::{Effort, Row, Segment};
///
/// let row = |time_us, x| Row { time_us, id: time_us, values: Axes { x, y: 0.0, z: 1e300 } };
/// let rows = [row(1, 0.1), row(2, 0.2), row(7, 0.1)];
/// let mut segment = Segment::encode(&rows, Effort::Fast)?;
/// assert_eq!(segment.rows()?, rows);
///
/// segment.blocks[0][0] ^= 1;
/// assert!(segment.rows().is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// What stores keep: the head in its catalogue, each block as a row of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The head, to be read by [`Head::open`](crate::Head::open).
    pub head: Vec<u8>,
    /// The pages, several to a block.
    pub blocks: Vec<Vec<u8>>,
}

/// How hard the writer tries to make a segment small.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// For a path on which somebody waits.
    Fast,
    /// For work in the background.
    Small,
}

/// Why rows make no segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// There is no row.
    #[error("a segment has at least one row")]
    Empty,
    /// There are too many rows.
    #[error("a segment has at most {max} rows", max = crate::READINGS_MAX)]
    TooMany,
    /// The times do not ascend strictly.
    #[error("the time of row {0} is not after that of the row before it")]
    TimesDoNotAscend(usize),
    /// A number is infinite or not a number.
    #[error("row {0} has a number that is not finite")]
    NotFinite(usize),
    /// What was written is not what is read back: a fault of the compressor.
    #[error("the compressor did not give the readings back")]
    Compressor,
}

impl Segment {
    /// Writes rows, which ascend in time, as a segment, and reads it back to compare. The same rows and effort always
    /// give the same bytes.
    ///
    /// # Errors
    /// [`EncodeError`], with the position of the row at fault.
    pub fn encode(rows: &[Row], effort: Effort) -> Result<Self, EncodeError> {
        let sizes = PageSizes::TODAY;
        write(&Columns::of(rows, sizes.sum_run)?, sizes, effort)
    }

    /// Reads all rows, and checks every checksum on the way.
    ///
    /// # Errors
    /// A [`Fault`] where a byte is not as it was written.
    pub fn rows(&self) -> Result<Vec<Row>, Fault> {
        let head = Head::open(&self.head)?;
        Ok(self.read(&head)?.rows())
    }

    /// Reads everything and computes everything anew that the segment says of itself: checksums, totals, fences, sums.
    ///
    /// # Errors
    /// The first [`Fault`] found.
    pub fn verify(&self) -> Result<(), Fault> {
        let head = Head::open(&self.head)?;
        verify(&head, &self.read(&head)?)
    }
}
