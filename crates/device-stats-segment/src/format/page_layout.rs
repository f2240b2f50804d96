//! Which pages a segment has, in which order, and how many entries are in each.

use device_stats_domain::{Axes, Axis};

use crate::{BLOCK_BYTES, Column, DICTIONARY_PAGE, PageId, READINGS_MAX, ROW_PAGE, SUM_RUN, SUMS_PAGE};

/// The columns in the order of their pages: what an analysis of a cut segment reads comes first and together.
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

/// The value of an axis.
pub(crate) fn of<T>(each: &Axes<T>, axis: Axis) -> &T {
    match axis {
        Axis::X => &each.x,
        Axis::Y => &each.y,
        Axis::Z => &each.z,
    }
}

/// What `f` makes of each axis, in order.
pub(crate) fn each<T>(mut f: impl FnMut(Axis) -> T) -> Axes<T> {
    Axes { x: f(Axis::X), y: f(Axis::Y), z: f(Axis::Z) }
}

/// Most entries of a page that a head may speak of.
const PAGE_MAX: u32 = 1 << 16;

/// How a segment is cut into pages and blocks. A head says which sizes it was written with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PageSizes {
    /// Readings of a page of times, ids or codes.
    pub(crate) rows: u32,
    /// Values of a page of a dictionary.
    pub(crate) dictionary: u32,
    /// Readings of a run with one sum.
    pub(crate) sum_run: u32,
    /// Sums of a page of sums.
    pub(crate) sums: u32,
    /// Bytes after which a block is full.
    pub(crate) block_bytes: u32,
}

impl PageSizes {
    /// What is written today.
    #[expect(clippy::cast_possible_truncation, reason = "16 KiB fit")]
    pub(crate) const TODAY: Self = Self {
        rows: ROW_PAGE,
        dictionary: DICTIONARY_PAGE,
        sum_run: SUM_RUN,
        sums: SUMS_PAGE,
        block_bytes: BLOCK_BYTES as u32,
    };

    /// Whether a segment may be cut so.
    pub(crate) fn sane(&self) -> bool {
        [self.rows, self.dictionary, self.sums].iter().all(|size| (1..=PAGE_MAX).contains(size))
            && (1..=READINGS_MAX).contains(&self.sum_run)
            && self.block_bytes > 0
    }
}

/// The pages of a segment.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub(crate) sizes: PageSizes,
    pub(crate) readings: u32,
    pub(crate) distinct: Axes<u32>,
    /// The position of the first page of each column, then the number of all pages.
    starts: [u32; COLUMNS.len() + 1],
}

impl Layout {
    /// The pages of a segment of so many readings, at most [`READINGS_MAX`], with so many distinct values.
    pub(crate) fn new(sizes: PageSizes, readings: u32, distinct: Axes<u32>) -> Self {
        let mut layout = Self { sizes, readings, distinct, starts: [0; COLUMNS.len() + 1] };
        let mut start = 0;
        let mut starts = layout.starts;
        for (column, place) in COLUMNS.iter().zip(starts.iter_mut().skip(1)) {
            start += layout.pages(*column);
            *place = start;
        }
        layout.starts = starts;
        layout
    }

    /// How many runs of readings have a sum.
    pub(crate) fn runs(&self) -> u32 {
        self.readings.div_ceil(self.sizes.sum_run)
    }

    /// How many entries a column has, and how many of them fill a page.
    fn entries(&self, column: Column) -> (u32, u32) {
        match column {
            Column::Times | Column::Ids | Column::Codes(_) => (self.readings, self.sizes.rows),
            Column::Dictionary(axis) => (*of(&self.distinct, axis), self.sizes.dictionary),
            Column::Sums(_) => (self.runs(), self.sizes.sums),
        }
    }

    /// How many pages a column has.
    pub(crate) fn pages(&self, column: Column) -> u32 {
        let (entries, page) = self.entries(column);
        entries.div_ceil(page)
    }

    /// How many pages there are.
    pub(crate) fn all_pages(&self) -> usize {
        self.starts.last().map_or(0, |all| *all as usize)
    }

    /// How many entries a page has; `None` where there is no such page.
    pub(crate) fn entries_of(&self, page: PageId) -> Option<usize> {
        let (entries, size) = self.entries(page.column);
        let before = page.index.checked_mul(size)?;
        let left = entries.checked_sub(before).filter(|left| *left > 0)?;
        Some(left.min(size) as usize)
    }

    /// The position of a page among all pages; `None` where there is no such page.
    pub(crate) fn position(&self, page: PageId) -> Option<usize> {
        let column = COLUMNS.iter().position(|column| *column == page.column)?;
        let start = self.starts.get(column)?;
        (page.index < self.pages(page.column)).then(|| (start + page.index) as usize)
    }

    /// The pages of a column, in order.
    pub(crate) fn pages_of(&self, column: Column) -> impl ExactSizeIterator<Item = PageId> + use<> {
        (0..self.pages(column)).map(move |index| PageId { column, index })
    }
}
