//! The layout of a segment: its pages, their order, and their numbers of entries.

use device_stats_domain::{Axes, Axis};

use super::code_counts;
use super::page::{Column, PageId};

/// Maximum number of readings of a segment.
pub const READINGS_MAX: u32 = 1 << 20;
/// Number of readings per page of times, ids or codes; the last page of a column has the rest.
pub const ROW_PAGE: u32 = 4096;

/// The columns in the order of their pages. Ids come last, because no statistic needs them.
pub(crate) const COLUMNS: [Column; 11] = [
    Column::Times,
    Column::Dictionary(Axis::X),
    Column::Codes(Axis::X),
    Column::Sums(Axis::X),
    Column::Dictionary(Axis::Y),
    Column::Codes(Axis::Y),
    Column::Sums(Axis::Y),
    Column::Dictionary(Axis::Z),
    Column::Codes(Axis::Z),
    Column::Sums(Axis::Z),
    Column::Ids,
];

/// Makes a value for each axis, in order.
pub(crate) fn each_axis<T>(mut make: impl FnMut(Axis) -> T) -> Axes<T> {
    Axes { x: make(Axis::X), y: make(Axis::Y), z: make(Axis::Z) }
}

/// Returns a number of bytes, pages or entries of one segment as a `u32`.
///
/// # Panics
/// If the number is 2^32 or more. No segment reaches this.
#[expect(clippy::expect_used, reason = "documented")]
pub(crate) fn count_u32(count: usize) -> u32 {
    count.try_into().expect("a segment has fewer than 2^32 of anything")
}

/// Returns a function that finds the page of the dictionary of a code. A page has `dictionary_page` values,
/// usually a power of two, for which a shift is faster than a division.
pub(super) fn page_of_code(dictionary_page: u32) -> impl Fn(u32) -> u32 {
    let shift = dictionary_page.is_power_of_two().then_some(dictionary_page.trailing_zeros());
    move |code| shift.map_or_else(|| code / dictionary_page, |shift| code >> shift)
}

/// Maximum number of entries per page in any head.
const PAGE_MAX: u32 = 1 << 16;

/// The sizes of the pages and blocks of a segment, as stated in its head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PageSizes {
    /// Readings per page of times, ids or codes.
    pub(crate) rows: u32,
    /// Values per page of a dictionary.
    pub(crate) dictionary: u32,
    /// Readings per run with one sum.
    pub(crate) sum_run: u32,
    /// Sums per page of sums.
    pub(crate) sums: u32,
    /// Size from which a block is full, in bytes.
    pub(crate) block_bytes: u32,
}

impl PageSizes {
    /// The sizes that this crate writes.
    pub(crate) const WRITTEN: Self =
        Self { rows: ROW_PAGE, dictionary: 1024, sum_run: 64, sums: 4096, block_bytes: 16 * 1024 };

    /// Returns whether a segment may have these sizes.
    pub(crate) fn is_valid(&self) -> bool {
        [self.rows, self.dictionary, self.sums].iter().all(|size| (1..=PAGE_MAX).contains(size))
            && (1..=READINGS_MAX).contains(&self.sum_run)
            && self.block_bytes > 0
    }
}

/// The layout of a segment.
#[derive(Clone, Debug)]
pub(crate) struct PageLayout {
    pub(crate) sizes: PageSizes,
    pub(crate) readings: u32,
    /// Number of distinct values.
    pub(crate) distinct: Axes<u32>,
    /// The position of the first page of each column, then the number of all pages.
    starts: [u32; COLUMNS.len() + 1],
}

impl PageLayout {
    /// Creates the layout of a segment of up to [`READINGS_MAX`] readings.
    pub(crate) fn new(sizes: PageSizes, readings: u32, distinct: Axes<u32>) -> Self {
        let mut layout = Self { sizes, readings, distinct, starts: [0; COLUMNS.len() + 1] };
        let mut start = 0;
        let mut starts = layout.starts;
        for (column, end) in COLUMNS.iter().zip(starts.iter_mut().skip(1)) {
            start += layout.pages(*column);
            *end = start;
        }
        layout.starts = starts;
        layout
    }

    /// Returns the number of runs with a sum.
    pub(crate) fn runs(&self) -> u32 {
        self.readings.div_ceil(self.sizes.sum_run)
    }

    /// Returns the number of entries of a column, and the number per page.
    fn entries(&self, column: Column) -> (u32, u32) {
        match column {
            Column::Times | Column::Ids | Column::Codes(_) | Column::CodeCounts(_) => {
                (self.readings, self.sizes.rows)
            }
            Column::Dictionary(axis) => (*self.distinct.get(axis), self.sizes.dictionary),
            Column::Sums(_) => (self.runs(), self.sizes.sums),
        }
    }

    /// Returns the number of pages of a column.
    pub(crate) fn pages(&self, column: Column) -> u32 {
        let (entries, page) = self.entries(column);
        entries.div_ceil(page)
    }

    /// Returns the number of all pages.
    pub(crate) fn all_pages(&self) -> usize {
        let [.., all] = self.starts;
        all as usize
    }

    /// Returns the number of entries of a page; `None` if it does not exist.
    pub(crate) fn page_entries(&self, page: PageId) -> Option<usize> {
        let (entries, size) = self.entries(page.column);
        let before = page.index.checked_mul(size)?;
        let left = entries.checked_sub(before).filter(|left| *left > 0)?;
        Some(left.min(size) as usize)
    }

    /// Returns the position of a page among all pages; `None` if it does not exist.
    pub(crate) fn position(&self, page: PageId) -> Option<usize> {
        let stored = match page.column {
            Column::CodeCounts(_) if !self.has_code_counts() => return None,
            Column::CodeCounts(axis) => Column::Codes(axis),
            column => column,
        };
        let column = COLUMNS.iter().position(|column| *column == stored)?;
        let start = self.starts.get(column)?;
        (page.index < self.pages(page.column)).then(|| (start + page.index) as usize)
    }

    /// Returns whether the pages of codes can be decoded as [`Column::CodeCounts`].
    pub(crate) fn has_code_counts(&self) -> bool {
        self.sizes.rows <= code_counts::READINGS_MAX
    }

    /// Returns the pages of a column, in order.
    pub(crate) fn pages_of(&self, column: Column) -> impl ExactSizeIterator<Item = PageId> + use<> {
        (0..self.pages(column)).map(move |index| PageId { column, index })
    }
}
