//! The reasons why rows cannot be encoded.

use super::page_layout::READINGS_MAX;

/// Reason why rows cannot become a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// There is no row.
    #[error("a segment has at least one row")]
    Empty,
    /// There are too many rows.
    #[error("a segment has at most {READINGS_MAX} rows")]
    TooMany,
    /// The times do not ascend strictly.
    #[error("the time of row {0} is not after that of the row before it")]
    TimesDoNotAscend(usize),
    /// A number is infinite or not a number.
    #[error("row {0} has a number that is not finite")]
    NotFinite(usize),
    /// The readings read back differ from the readings written, which is a fault of the compressor.
    #[error("the compressor did not return the readings unchanged")]
    Compressor,
}
