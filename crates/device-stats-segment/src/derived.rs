//! Derived segments: the magnitudes of the readings of a segment, stored as another segment. So the code that
//! analyzes an axis of a segment also analyzes magnitudes.
//!
//! The reading at position *n* of a segment has the time *n*, the id *n* and the values (magnitude, 0, 0) in
//! its derived segment. So a part of a segment is valid for its derived segment, too. The other columns
//! compress to almost nothing, so a derived segment needs about the space of its magnitudes, which rarely
//! repeat.

use device_stats_domain::{Axes, Axis};
use device_stats_exact::magnitude;

use crate::format::codec::Effort;
use crate::format::encode_error::EncodeError;
use crate::format::fault::{Fault, Section};
use crate::format::head::Head;
use crate::format::row::Row;
use crate::format::segment::Segment;

/// The axis of a derived segment that has the magnitudes.
pub const MAGNITUDE: Axis = Axis::X;

/// Reason why a segment cannot be derived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeriveError {
    /// The segment cannot be read.
    #[error(transparent)]
    Unreadable(#[from] Fault),
    /// The magnitudes cannot be encoded; a bug.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

impl Segment {
    /// Returns the derived segment of this segment: the magnitude of each reading as its [`MAGNITUDE`] axis.
    ///
    /// ```
    /// use device_stats_domain::Axes;
    /// use device_stats_segment::{Effort, Head, MAGNITUDE, Row, Segment};
    ///
    /// let row = |time_us| Row { time_us, id: 7 * time_us, values: Axes { x: 2.0, y: -3.0, z: 6.0 } };
    /// let segment = Segment::encode(&[row(5), row(9)], Effort::Fast)?;
    /// let derived = Head::open(&segment.derive(Effort::Fast)?.head)?;
    /// assert_eq!((derived.first_us(), derived.last_us()), (0, 1));
    /// assert_eq!(derived.totals(MAGNITUDE).max, 7.0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`DeriveError`].
    pub fn derive(&self, effort: Effort) -> Result<Self, DeriveError> {
        Ok(Self::encode(&derived_rows(&self.rows()?), effort)?)
    }

    /// Checks `derived` with [`Segment::verify`], and compares each of its magnitudes with the reading of
    /// this segment.
    ///
    /// # Errors
    /// The first [`Fault`] found in `derived`, or the [`Fault`] of this segment if it cannot be read.
    pub fn verify_derived(&self, derived: &Self) -> Result<(), Fault> {
        derived.verify()?;
        // All numbers are positive or zero, so equal numbers have equal bits.
        if derived.rows()? == derived_rows(&self.rows()?) {
            return Ok(());
        }
        Err(Fault::Inconsistent { section: Section::Segment, reason: "it is derived from other readings" })
    }
}

impl Head {
    /// Checks that this head can be the head of the derived segment of a segment with `readings` readings.
    ///
    /// # Errors
    /// [`Fault::Inconsistent`].
    pub fn check_derived(&self, readings: u32) -> Result<(), Fault> {
        if (self.first_us(), self.last_us(), self.readings()) == (0, i64::from(readings) - 1, readings) {
            return Ok(());
        }
        Err(Fault::in_head("it is derived from another segment"))
    }
}

/// Returns the rows of the derived segment of rows.
fn derived_rows(rows: &[Row]) -> Vec<Row> {
    let derived = (0..).zip(rows).map(|(position, row)| {
        let Axes { x, y, z } = row.values;
        Row { time_us: position, id: position, values: Axes { x: magnitude(x, y, z), y: 0.0, z: 0.0 } }
    });
    derived.collect()
}

/// Returns the magnitudes of hot readings as their [`MAGNITUDE`] axis. The other axes are empty.
pub fn hot_magnitudes(hot: &Axes<Vec<f64>>) -> Axes<Vec<f64>> {
    let numbers = hot.x.iter().zip(&hot.y).zip(&hot.z);
    Axes { x: numbers.map(|((x, y), z)| magnitude(*x, *y, *z)).collect(), y: Vec::new(), z: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::segment::tests::plausible_rows;

    #[test]
    fn a_derived_segment_has_the_magnitudes_in_order_of_time() {
        let rows = plausible_rows(10_000);
        let segment = Segment::encode(&rows, Effort::Small).unwrap();
        let derived = segment.derive(Effort::Small).unwrap();
        assert_eq!(segment.verify_derived(&derived), Ok(()));
        assert_eq!(Head::open(&derived.head).unwrap().check_derived(10_000), Ok(()));
        for ((position, row), derived) in (0..).zip(&rows).zip(derived.rows().unwrap()) {
            let Axes { x, y, z } = row.values;
            let expected = magnitude(x, y, z);
            assert_eq!(
                derived,
                Row { time_us: position, id: position, values: Axes { x: expected, y: 0.0, z: 0.0 } }
            );
        }
    }

    /// Only the magnitudes need space: times, ids and the other axes compress to almost nothing.
    #[test]
    fn columns_without_information_need_almost_no_space() {
        let row = |n: i64| Row { time_us: n * n, id: n * 3, values: Axes { x: 3.0, y: 4.0, z: 0.0 } };
        let segment = Segment::encode(&(0..100_000).map(row).collect::<Vec<_>>(), Effort::Small).unwrap();
        let derived = segment.derive(Effort::Small).unwrap();
        let bytes: usize = derived.blocks.iter().map(Vec::len).sum();
        assert!(bytes < 2_000, "{bytes} bytes");
    }

    #[test]
    fn the_derived_segment_of_other_readings_is_a_fault() {
        let segment = |count| Segment::encode(&plausible_rows(count), Effort::Fast).unwrap();
        let derived = segment(100).derive(Effort::Fast).unwrap();
        let mut rows = plausible_rows(100);
        rows[50].values.z += 1.0;
        let other = Segment::encode(&rows, Effort::Fast).unwrap();
        for wrong in [other.verify_derived(&derived), segment(99).verify_derived(&derived)] {
            let reason = "the segment is inconsistent: it is derived from other readings";
            assert_eq!(wrong.unwrap_err().to_string(), reason);
        }
        let head = Head::open(&derived.head).unwrap();
        assert_eq!(
            head.check_derived(99).unwrap_err().to_string(),
            "the head is inconsistent: it is derived from another segment"
        );
        let mut broken = derived;
        broken.blocks[0][0] ^= 1;
        assert!(segment(100).verify_derived(&broken).is_err());
    }
}
