//! Faults in the bytes of a segment.

use std::fmt;

use super::page::PageId;

/// Reason why bytes are not a segment, or not the expected section of it. If any byte is changed or cut off,
/// reading ends with a fault, never with wrong numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The bytes do not begin like a segment.
    #[error("not a segment")]
    NotASegment,
    /// The version of the format is newer than this code, or never existed.
    #[error("format version {0} is not known")]
    UnknownVersion(u16),
    /// A section is too short or too long.
    #[error("{section} has the wrong length")]
    WrongLength {
        /// The section.
        section: Section,
    },
    /// The checksum of a section does not match its bytes.
    #[error("{section} does not match its checksum")]
    WrongChecksum {
        /// The section.
        section: Section,
    },
    /// A section has the right checksum but contradicts itself or another section.
    #[error("{section} is inconsistent: {reason}")]
    Inconsistent {
        /// The section.
        section: Section,
        /// The contradiction, as a clause about the section.
        reason: &'static str,
    },
    /// The segment does not have the requested page.
    #[error("there is no {0}")]
    NoSuchPage(PageId),
}

/// A checksummed range of the bytes of a segment, or several such ranges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// The head.
    Head,
    /// A page.
    Page(PageId),
    /// A block, by its index.
    Block(u32),
    /// All blocks.
    Blocks,
    /// The whole segment.
    Segment,
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Head => f.write_str("the head"),
            Self::Page(page) => page.fmt(f),
            Self::Block(index) => write!(f, "block {index}"),
            Self::Blocks => f.write_str("the blocks"),
            Self::Segment => f.write_str("the segment"),
        }
    }
}

impl Fault {
    /// Returns the fault of a head with the right checksum.
    pub(crate) fn in_head(reason: &'static str) -> Self {
        Self::Inconsistent { section: Section::Head, reason }
    }

    /// Returns the fault of a page with the right checksum.
    pub(crate) fn in_page(page: PageId, reason: &'static str) -> Self {
        Self::Inconsistent { section: Section::Page(page), reason }
    }
}
