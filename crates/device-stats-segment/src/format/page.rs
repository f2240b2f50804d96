//! Pages: the unit in which a column is compressed and read.

use std::fmt;

use device_stats_domain::Axis;

use super::code_counts::CodeCounts;
use super::codes_page::CodesPage;
use super::cumulative_counts::CumulativeCounts;

/// A column of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Column {
    /// The times of the readings, ascending.
    Times,
    /// The ids of the readings, in order of time.
    Ids,
    /// The distinct values of an axis, ascending, and the number of readings with each.
    Dictionary(Axis),
    /// For each reading, in order of time, the position of its value in the dictionary.
    Codes(Axis),
    /// The same stored pages as [`Column::Codes`], decoded without the order of the readings. This takes less
    /// memory. Segments with pages of 2^16 readings do not have it.
    CodeCounts(Axis),
    /// The exact sums of runs of readings, in order of time.
    Sums(Axis),
}

/// A page of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PageId {
    /// The column.
    pub column: Column,
    /// Index of the page in its column.
    pub index: u32,
}

impl fmt::Display for PageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let index = self.index;
        match self.column {
            Column::Times => write!(f, "page {index} of the times"),
            Column::Ids => write!(f, "page {index} of the ids"),
            Column::Dictionary(axis) => write!(f, "page {index} of the dictionary of {axis}"),
            Column::Codes(axis) | Column::CodeCounts(axis) => {
                write!(f, "page {index} of the codes of {axis}")
            }
            Column::Sums(axis) => write!(f, "page {index} of the sums of {axis}"),
        }
    }
}

/// A decoded page.
#[derive(Clone, Debug, PartialEq)]
pub enum Page {
    /// A page of [`Column::Times`]: microseconds since 1970 UTC.
    Times(Box<[i64]>),
    /// A page of [`Column::Ids`].
    Ids(Box<[i64]>),
    /// A page of [`Column::Dictionary`].
    Dictionary(DictionaryPage),
    /// A page of [`Column::Codes`].
    Codes(CodesPage),
    /// A page of [`Column::CodeCounts`].
    CodeCounts(CodeCounts),
    /// A page of [`Column::Sums`].
    Sums(SumsPage),
}

/// Ascending values of a dictionary, and the number of readings of the segment with each.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DictionaryPage {
    /// The values.
    pub values: Box<[f64]>,
    /// Cumulative number of readings of the segment up to each value, readings of earlier pages included.
    pub(crate) counts: CumulativeCounts,
}

/// Exact sums of runs of readings. Each is an integer of several 64-bit words in two's complement, lowest
/// word first, in units of 2^*e*. The head has the exponent *e* of the axis.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SumsPage {
    /// The words of the first sum, then the words of the second sum, and so on.
    pub(crate) words: Box<[u64]>,
    /// Number of words of a sum; at least 1.
    pub(crate) words_per_sum: usize,
}

impl Page {
    /// Returns the approximate memory, in bytes.
    pub fn memory_bytes(&self) -> usize {
        let payload = match self {
            Self::Times(numbers) | Self::Ids(numbers) => numbers.len() * 8,
            Self::Dictionary(page) => page.values.len() * 8 + page.counts.memory_bytes(),
            Self::Codes(codes) => codes.memory_bytes(),
            Self::CodeCounts(counts) => counts.memory_bytes(),
            Self::Sums(sums) => sums.words.len() * 8,
        };
        payload + size_of::<Self>()
    }

    /// Returns the numbers of a page of times or ids.
    pub(crate) fn as_integers(&self) -> Option<&[i64]> {
        match self {
            Self::Times(integers) | Self::Ids(integers) => Some(integers),
            _ => None,
        }
    }

    /// Returns a page of a dictionary.
    pub(crate) fn as_dictionary(&self) -> Option<&DictionaryPage> {
        if let Self::Dictionary(page) = self { Some(page) } else { None }
    }

    /// Returns a page of codes.
    pub(crate) fn as_codes(&self) -> Option<&CodesPage> {
        if let Self::Codes(page) = self { Some(page) } else { None }
    }

    /// Returns a page of sums.
    pub(crate) fn as_sums(&self) -> Option<&SumsPage> {
        if let Self::Sums(page) = self { Some(page) } else { None }
    }
}
