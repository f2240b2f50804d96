//! The sizes of a store, for its operator.

/// The database of a store, and its sizes at about one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreFigures {
    /// Name of the database, such as `sqlite`.
    pub database: &'static str,
    /// Version of the database.
    pub version: String,
    /// Number of segments, including those of deleted devices that are not purged yet. A store that several
    /// nodes share may estimate a number above [`SEGMENTS_COUNTED_MAX`](crate::limits::SEGMENTS_COUNTED_MAX).
    pub segments: u64,
    /// Number of readings in these segments. It is estimated if their number is.
    pub sealed_readings: u64,
    /// Space of these segments in the database, approximately, in bytes. Derived segments do not count.
    pub segment_bytes: u64,
    /// Size of the database with everything in it, in bytes.
    pub database_bytes: u64,
    /// Free space for the database, in bytes; `None` if the store does not know it.
    pub free_bytes: Option<u64>,
}

impl StoreFigures {
    /// Returns the space of a sealed reading, in bytes; `None` if there are none.
    pub fn bytes_per_reading(&self) -> Option<f64> {
        (self.sealed_readings > 0).then(|| number(self.segment_bytes) / number(self.sealed_readings))
    }
}

#[expect(clippy::cast_precision_loss, reason = "the last digits of a size do not matter")]
fn number(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_without_segments_has_no_bytes_per_reading() {
        let none = StoreFigures { segment_bytes: 8_192, ..StoreFigures::default() };
        assert_eq!(none.bytes_per_reading(), None);
        let some = StoreFigures { sealed_readings: 1_000, segment_bytes: 10_500, ..none };
        assert_eq!(some.bytes_per_reading(), Some(10.5));
    }
}
