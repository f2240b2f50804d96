//! Several segments of one device made one.

use crate::{Effort, EncodeError, Fault, READINGS_MAX, Row, Segment};

/// Why segments cannot become one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// A segment cannot be read.
    #[error("segment {index} cannot be read")]
    Unreadable {
        /// Which of the segments, from 0 up.
        index: usize,
        /// What is wrong with it.
        source: Fault,
    },
    /// Two segments have a reading of the same time.
    #[error("two segments have a reading at {time_us} µs")]
    SameTime {
        /// The time, in microseconds since 1970 UTC.
        time_us: i64,
    },
    /// There is no segment.
    #[error("there is no segment to merge")]
    Empty,
    /// There are too many readings.
    #[error("a segment has at most {READINGS_MAX} readings")]
    TooMany,
    /// The compressor failed, which it does only for columns that no segment has.
    #[error("the compressor refused a column")]
    Compressor,
}

/// Makes one segment of several, which may overlap in time: the same bytes as if all their readings had been encoded
/// together. Every checksum of what is read is checked.
///
/// # Errors
/// [`MergeError`].
pub fn merge(segments: &[Segment], effort: Effort) -> Result<Segment, MergeError> {
    let mut rows: Vec<Row> = Vec::new();
    for (index, segment) in segments.iter().enumerate() {
        rows.extend(segment.rows().map_err(|source| MergeError::Unreadable { index, source })?);
        if rows.len() > READINGS_MAX as usize {
            return Err(MergeError::TooMany);
        }
    }
    rows.sort_by_key(|row| row.time_us);
    Segment::encode(&rows, effort).map_err(|error| match error {
        EncodeError::TimesDoNotAscend(row) => {
            MergeError::SameTime { time_us: rows.get(row).map_or(0, |row| row.time_us) }
        }
        EncodeError::Empty => MergeError::Empty,
        EncodeError::TooMany => MergeError::TooMany,
        EncodeError::NotFinite(_) | EncodeError::Compressor => MergeError::Compressor,
    })
}
