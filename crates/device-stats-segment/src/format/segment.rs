//! A segment as bytes: encoded from rows, read back whole, verified. Partial reads go through
//! [`Head`](crate::Head).

pub(crate) mod contents;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod verify;
pub(crate) mod write;

/// The bytes of a segment. A store keeps the head in its catalogue, and each block as a row of its own.
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The head, for [`Head::open`](crate::Head::open).
    pub head: Vec<u8>,
    /// The pages, several per block.
    pub blocks: Vec<Vec<u8>>,
}
