//! Pages: the unit in which a column is compressed and read.

use std::fmt;

use device_stats_domain::Axis;

use crate::{CodesPage, Counts};

/// A column of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Column {
    /// The times of the readings, ascending.
    Times,
    /// The ids of the readings, in order of time.
    Ids,
    /// The distinct values of an axis, ascending, and how many readings have each.
    Dictionary(Axis),
    /// For each reading, in order of time, the position of its value in the dictionary.
    Codes(Axis),
    /// The exact sums of runs of [`SUM_RUN`](crate::SUM_RUN) readings, in order of time.
    Sums(Axis),
}

/// A page of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PageId {
    /// The column.
    pub column: Column,
    /// Which of its pages, from 0 up.
    pub index: u32,
}

impl fmt::Display for PageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let index = self.index;
        match self.column {
            Column::Times => write!(f, "page {index} of the times"),
            Column::Ids => write!(f, "page {index} of the ids"),
            Column::Dictionary(axis) => write!(f, "page {index} of the dictionary of {axis}"),
            Column::Codes(axis) => write!(f, "page {index} of the codes of {axis}"),
            Column::Sums(axis) => write!(f, "page {index} of the sums of {axis}"),
        }
    }
}

/// A decoded page.
#[derive(Clone, Debug, PartialEq)]
pub enum Page {
    /// Of [`Column::Times`]: microseconds since 1970 UTC.
    Times(Box<[i64]>),
    /// Of [`Column::Ids`].
    Ids(Box<[i64]>),
    /// Of [`Column::Dictionary`].
    Dictionary(DictionaryPage),
    /// Of [`Column::Codes`].
    Codes(CodesPage),
    /// Of [`Column::Sums`].
    Sums(SumsPage),
}

/// Values of a dictionary, ascending, and how many readings of the segment have them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DictionaryPage {
    /// The values.
    pub values: Box<[f64]>,
    /// How many readings of the whole segment have the first so many of the values, those with a value of an earlier page
    /// counted along.
    pub counts: Counts,
}

/// Exact sums of runs of readings: each is an integer of several 64-bit words in two's complement, lowest word first,
/// times 2 to the power of [`Head::sum_exponent`](crate::Head::sum_exponent).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SumsPage {
    /// The words of all sums of the page: those of the first sum, then those of the second, ...
    pub words: Box<[u64]>,
    /// How many words a sum has; 1 and up.
    pub words_per_sum: usize,
}

impl Page {
    /// About how much memory it takes, in bytes.
    pub fn memory_bytes(&self) -> usize {
        let payload = match self {
            Self::Times(numbers) | Self::Ids(numbers) => numbers.len() * 8,
            Self::Dictionary(page) => page.values.len() * 8 + page.counts.memory_bytes(),
            Self::Codes(codes) => codes.memory_bytes(),
            Self::Sums(sums) => sums.words.len() * 8,
        };
        payload + size_of::<Self>()
    }
}
