//! What can be wrong with the bytes of a segment.

/// Why bytes are no segment, or not the part of it that they should be. Whatever was changed or cut off, reading ends
/// with one of these, never with other numbers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The bytes do not begin like a segment.
    #[error("not a segment")]
    NotASegment,
    /// The format is newer than this code, or never existed.
    #[error("format version {0} is not known")]
    UnknownVersion(u16),
    /// A part ends before its end, or goes on behind it.
    #[error("{part} has the wrong length")]
    WrongLength {
        /// Which part.
        part: String,
    },
    /// The checksum of a part is not that of its bytes.
    #[error("{part} does not match its checksum")]
    WrongChecksum {
        /// Which part.
        part: String,
    },
    /// A part has the right checksum, and says what cannot be.
    #[error("{part} is inconsistent: {what}")]
    Inconsistent {
        /// Which part.
        part: String,
        /// What cannot be.
        what: &'static str,
    },
    /// A page was asked for that the segment does not have.
    #[error("there is no {page}")]
    NoSuchPage {
        /// Which one.
        page: String,
    },
}
