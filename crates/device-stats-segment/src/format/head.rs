//! The head of a segment: everything known without its pages, and the location of each page.

mod compressed_columns;
pub(crate) mod head_fields;
mod page_decoding;
pub(crate) mod page_directory;
mod plausibility;

use compressed_columns::CompressedColumns;
use device_stats_domain::{Axes, Axis};
use device_stats_exact::ExactInteger;
use head_fields::{AxisFields, HeadFields};
use page_directory::{BlockRange, PageDirectory};
use plausibility::check;

use super::codec;
use super::fault::Fault;
use super::page::{Column, PageId};
use super::page_layout::PageLayout;

/// The decoded head of a segment. It is immutable and worth caching: opening costs more than any other
/// method.
///
/// ```
/// use device_stats_domain::{Axes, Axis};
/// use device_stats_segment::{Column, Effort, Head, Page, Row, Segment};
///
/// let row = |time_us: i64| Row { time_us, id: 0, values: Axes { x: (time_us % 3) as f64, y: 0.0, z: 0.0 } };
/// let segment = Segment::encode(&(0..10_000).map(row).collect::<Vec<_>>(), Effort::Fast)?;
///
/// let head = Head::open(&segment.head)?;
/// assert_eq!((head.readings(), head.first_us(), head.last_us()), (10_000, 0, 9_999));
/// // The bytes of one page are enough to know the distinct values of x.
/// let page = head.pages(Column::Dictionary(Axis::X)).next().unwrap();
/// let range = head.block_range(page)?;
/// let bytes = &segment.blocks[range.block as usize][range.bytes];
/// let Page::Dictionary(dictionary) = head.decode(page, bytes)? else { unreachable!() };
/// assert_eq!(*dictionary.values, [0.0, 1.0, 2.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Head {
    layout: PageLayout,
    last_us: i64,
    /// The first time of each page of times; at least one.
    time_fences: Box<[i64]>,
    axes: Axes<AxisHead>,
    directory: PageDirectory,
    columns: CompressedColumns,
}

/// The head of one axis.
#[derive(Debug)]
struct AxisHead {
    totals: Totals,
    sum_exponent: i32,
    sum_words: u16,
    first: Box<[f64]>,
    below: Box<[u32]>,
}

/// The totals of one axis over the whole segment.
#[derive(Clone, Debug)]
pub struct Totals {
    /// The smallest value.
    pub min: f64,
    /// The largest value.
    pub max: f64,
    /// The exact sum.
    pub sum: ExactInteger,
    /// The exact sum of the squares.
    pub squares: ExactInteger,
}

/// The fences of a sorted column.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fences<'f, K = f64> {
    /// The first number of each page, ascending.
    pub(crate) first: &'f [K],
    /// For each page, the number of readings in earlier pages; then the number of all readings. One longer
    /// than `first`.
    pub(crate) below: &'f [u32],
}

impl Head {
    /// Opens a head.
    ///
    /// # Errors
    /// A [`Fault`] if the bytes are not as [`Segment::encode`](crate::Segment::encode) wrote them.
    pub fn open(bytes: &[u8]) -> Result<Self, Fault> {
        let (fields, layout) = HeadFields::read(bytes)?;
        check(&fields, &layout)?;
        let reader = codec::reader(fields.pco_version)
            .ok_or_else(|| Fault::in_head("its version of pco is not known"))?;
        let columns = CompressedColumns::new(reader, &fields);
        let directory = PageDirectory::new(&fields.pages, fields.sizes.block_bytes)
            .ok_or_else(|| Fault::in_head("a block would be too long"))?;
        let HeadFields { last_us, time_fences, readings, axes, .. } = fields;
        let axes = axes.map(|axis| AxisHead::new(axis, readings));
        Ok(Self { layout, last_us, time_fences, axes, directory, columns })
    }

    /// Returns the number of readings; at least 1.
    pub fn readings(&self) -> u32 {
        self.layout.readings
    }

    /// Returns the time of the first reading, in microseconds since 1970 UTC.
    #[expect(clippy::indexing_slicing, reason = "a segment has at least one page of times")]
    pub fn first_us(&self) -> i64 {
        self.time_fences[0]
    }

    /// Returns the time of the last reading, in microseconds since 1970 UTC.
    pub fn last_us(&self) -> i64 {
        self.last_us
    }

    /// Returns the totals of an axis.
    pub fn totals(&self, axis: Axis) -> &Totals {
        &self.axes.get(axis).totals
    }

    /// Returns the fences of the dictionary of an axis.
    pub(crate) fn fences(&self, axis: Axis) -> Fences<'_> {
        let AxisHead { first, below, .. } = self.axes.get(axis);
        Fences { first, below }
    }

    /// Returns the first time of each page of times, in microseconds since 1970 UTC.
    pub fn time_fences(&self) -> &[i64] {
        &self.time_fences
    }

    /// Returns the number of readings per page of times, ids or codes; the last page has the rest.
    pub(crate) fn row_page(&self) -> u32 {
        self.layout.sizes.rows
    }

    /// Returns whether pages of codes can be decoded as [`Column::CodeCounts`].
    pub(crate) fn has_code_counts(&self) -> bool {
        self.layout.has_code_counts()
    }

    /// Returns the number of values per page of a dictionary; the last page has the rest.
    pub(crate) fn dictionary_page(&self) -> u32 {
        self.layout.sizes.dictionary
    }

    /// Returns the number of readings per exact sum in the column of sums; the last run has the rest.
    pub(crate) fn sum_run(&self) -> u32 {
        self.layout.sizes.sum_run
    }

    /// Returns the number of sums per page of sums; the last page has the rest.
    pub(crate) fn sums_page(&self) -> u32 {
        self.layout.sizes.sums
    }

    /// Returns the exponent of the unit of [`Column::Sums`].
    pub(crate) fn sum_exponent(&self, axis: Axis) -> i32 {
        self.axes.get(axis).sum_exponent
    }

    /// Returns the maximum memory of a page of [`Column::Sums`], in bytes.
    pub(crate) fn sums_page_bytes(&self, axis: Axis) -> usize {
        let sums = self.layout.runs().min(self.sums_page()) as usize;
        sums * usize::from(self.axes.get(axis).sum_words) * 8
    }

    /// Returns the page of times with `time_us`, if the segment has that time; `None` before the first time
    /// or after the last time.
    pub fn page_of_time(&self, time_us: i64) -> Option<PageId> {
        let until = self.time_fences.partition_point(|first_us| *first_us <= time_us);
        let index = u32::try_from(until).ok()?.checked_sub(1)?;
        (time_us <= self.last_us).then_some(PageId { column: Column::Times, index })
    }

    /// Returns the page of a dictionary that has the value of a code, and the position of the value there.
    pub fn page_of_code(&self, axis: Axis, code: u32) -> (PageId, usize) {
        let values = self.dictionary_page();
        (PageId { column: Column::Dictionary(axis), index: code / values }, (code % values) as usize)
    }

    /// Returns the length of each block, in bytes.
    pub fn block_bytes(&self) -> &[u32] {
        &self.directory.block_bytes
    }

    /// Returns the location of the bytes of a page.
    ///
    /// # Errors
    /// [`Fault::NoSuchPage`].
    pub fn block_range(&self, page: PageId) -> Result<BlockRange, Fault> {
        let range = self.layout.position(page).and_then(|position| self.directory.block_range(position));
        range.ok_or(Fault::NoSuchPage(page))
    }

    /// Returns the pages of a column, in order.
    pub fn pages(&self, column: Column) -> impl ExactSizeIterator<Item = PageId> + use<> {
        self.layout.pages_of(column)
    }

    /// Returns the approximate memory once pages of every column were decoded, in bytes.
    pub fn memory_bytes(&self) -> usize {
        let Axes { x, y, z } = self.axes.as_ref().map(|axis| axis.first.len() * 8 + axis.below.len() * 4);
        let fences = self.time_fences.len() * 8 + x + y + z;
        size_of::<Self>() + fences + self.directory.memory_bytes() + self.columns.memory_bytes()
    }
}

impl AxisHead {
    #[expect(clippy::indexing_slicing, reason = "a dictionary has at least one page")]
    fn new(fields: AxisFields, readings: u32) -> Self {
        let AxisFields { max, sum, squares, sum_exponent, sum_words, first, below, .. } = fields;
        let min = first[0];
        let below = below.iter().copied().chain([readings]).collect();
        Self { totals: Totals { min, max, sum, squares }, sum_exponent, sum_words, first, below }
    }
}
