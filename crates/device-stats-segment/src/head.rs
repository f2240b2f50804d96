//! The head of a segment: everything that can be said of it without one of its pages, and where its pages lie.

use std::ops::Range;

use device_stats_domain::Axis;

use crate::{ExactInteger, Fault, Page, PageId};

/// The decoded head of a segment. Immutable, and meant to be kept: opening it costs more than a look into it.
#[derive(Debug)]
pub struct Head {}

/// Where the bytes of a page lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// In which block of the segment.
    pub block: u32,
    /// Where inside that block.
    pub bytes: Range<usize>,
}

/// What a segment says of one axis as a whole.
#[derive(Clone, Debug)]
pub struct Totals {
    /// The smallest value.
    pub min: f64,
    /// The greatest value.
    pub max: f64,
    /// The exact sum.
    pub sum: ExactInteger,
    /// The exact sum of the squares.
    pub squares: ExactInteger,
    /// How many distinct values there are; 1 and up.
    pub distinct: u32,
}

/// The fences of a dictionary.
#[derive(Clone, Copy, Debug)]
pub struct Fences<'h> {
    /// The first value of each page.
    pub first: &'h [f64],
    /// For each page, how many readings have a value of an earlier page; then the number of all readings. One longer
    /// than `first`.
    pub below: &'h [u32],
}

impl Head {
    /// Reads a head.
    ///
    /// # Errors
    /// A [`Fault`] where the bytes are not those that [`Segment::encode`](crate::Segment::encode) wrote.
    pub fn open(_bytes: &[u8]) -> Result<Self, Fault> {
        Err(Fault::NotASegment)
    }

    /// How many readings the segment has; 1 and up.
    pub fn readings(&self) -> u32 {
        0
    }

    /// The time of the first reading, in microseconds since 1970 UTC.
    pub fn first_us(&self) -> i64 {
        0
    }

    /// The time of the last reading, in microseconds since 1970 UTC.
    pub fn last_us(&self) -> i64 {
        0
    }

    /// Statistics of an axis over the whole segment.
    pub fn totals(&self, _axis: Axis) -> &Totals {
        unreachable!()
    }

    /// The fences of the dictionary of an axis.
    pub fn fences(&self, _axis: Axis) -> Fences<'_> {
        unreachable!()
    }

    /// The first time of each page of the times, in microseconds since 1970 UTC.
    pub fn time_fences(&self) -> &[i64] {
        &[]
    }

    /// The exponent of the sums of an axis: a sum of [`Column::Sums`](crate::Column::Sums) counts units of 2 to this power.
    pub fn sum_exponent(&self, _axis: Axis) -> i32 {
        0
    }

    /// The page of the times in which `time_us` is, if the segment has it; `None` outside of its first and last time.
    pub fn page_of_time(&self, _time_us: i64) -> Option<PageId> {
        None
    }

    /// How many blocks the segment has, and the length of each in bytes.
    pub fn block_bytes(&self) -> &[u32] {
        &[]
    }

    /// Where a page lies.
    ///
    /// # Errors
    /// [`Fault::NoSuchPage`].
    pub fn place(&self, _page: PageId) -> Result<Place, Fault> {
        Err(Fault::NotASegment)
    }

    /// Checks and decodes a page from exactly its bytes.
    ///
    /// # Errors
    /// A [`Fault`] where the bytes are not those of that page.
    pub fn decode(&self, _page: PageId, _bytes: &[u8]) -> Result<Page, Fault> {
        Err(Fault::NotASegment)
    }

    /// About how much memory it takes, in bytes.
    pub fn memory_bytes(&self) -> usize {
        0
    }
}
