//! The head of a segment: everything that can be said of it without one of its pages, and where its pages lie.

mod compressed_columns;
pub(crate) mod head_fields;
mod page_decoding;
mod page_directory;
mod plausibility;

use std::ops::Range;

use compressed_columns::Chunks;
use device_stats_domain::{Axes, Axis};
use head_fields::{AxisFields, HeadFields, inconsistent};
use page_directory::Directory;
use plausibility::check;

use crate::format::codec;
use crate::format::page_layout::{Layout, of};
use crate::{Column, ExactInteger, Fault, Page, PageId};

/// The decoded head of a segment. Immutable, and meant to be kept: opening it costs more than a look into it.
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
/// // Of the blocks only the bytes of one page are needed to know how many readings have which x.
/// let page = head.pages(Column::Dictionary(Axis::X)).next().unwrap();
/// let place = head.place(page)?;
/// let bytes = &segment.blocks[place.block as usize][place.bytes];
/// let Page::Dictionary(dictionary) = head.decode(page, bytes)? else { unreachable!() };
/// assert_eq!(*dictionary.values, [0.0, 1.0, 2.0]);
/// assert_eq!([1, 2, 3].map(|values| dictionary.counts.until(values)), [3_334, 6_667, 10_000]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Head {
    layout: Layout,
    last_us: i64,
    time_fences: Box<[i64]>,
    axes: Axes<AxisHead>,
    directory: Directory,
    chunks: Chunks,
}

/// What is known of one axis.
#[derive(Debug)]
struct AxisHead {
    totals: Totals,
    sum_exponent: i32,
    first: Box<[f64]>,
    below: Box<[u32]>,
}

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
    pub fn open(bytes: &[u8]) -> Result<Self, Fault> {
        let (fields, layout) = HeadFields::read(bytes)?;
        check(&fields, &layout)?;
        let reader = codec::reader(fields.pco_version)
            .ok_or_else(|| inconsistent("it was compressed by a version of pco that is not known"))?;
        let chunks = Chunks::new(reader, &fields);
        let directory = Directory::new(&fields.pages, fields.sizes.block_bytes)
            .ok_or_else(|| inconsistent("a block would be too long"))?;
        let HeadFields { last_us, time_fences, readings, axes, .. } = fields;
        let axes = axes.map(|axis| AxisHead::new(axis, readings));
        Ok(Self { layout, last_us, time_fences, axes, directory, chunks })
    }

    /// How many readings the segment has; 1 and up.
    pub fn readings(&self) -> u32 {
        self.layout.readings
    }

    /// The time of the first reading, in microseconds since 1970 UTC.
    pub fn first_us(&self) -> i64 {
        self.time_fences.first().copied().unwrap_or(self.last_us)
    }

    /// The time of the last reading, in microseconds since 1970 UTC.
    pub fn last_us(&self) -> i64 {
        self.last_us
    }

    /// Statistics of an axis over the whole segment.
    pub fn totals(&self, axis: Axis) -> &Totals {
        &of(&self.axes, axis).totals
    }

    /// The fences of the dictionary of an axis.
    pub fn fences(&self, axis: Axis) -> Fences<'_> {
        let AxisHead { first, below, .. } = of(&self.axes, axis);
        Fences { first, below }
    }

    /// The first time of each page of the times, in microseconds since 1970 UTC.
    pub fn time_fences(&self) -> &[i64] {
        &self.time_fences
    }

    /// How many readings a page of times, ids or codes has; the last has the rest.
    pub fn row_page(&self) -> u32 {
        self.layout.sizes.rows
    }

    /// How many values a page of a dictionary has; the last has the rest.
    pub fn dictionary_page(&self) -> u32 {
        self.layout.sizes.dictionary
    }

    /// How many readings share one exact sum in the column of sums; the last run has the rest.
    pub fn sum_run(&self) -> u32 {
        self.layout.sizes.sum_run
    }

    /// How many sums a page of sums has; the last has the rest.
    pub fn sums_page(&self) -> u32 {
        self.layout.sizes.sums
    }

    /// The exponent of the sums of an axis: a sum of [`Column::Sums`] counts units of 2 to this power.
    pub fn sum_exponent(&self, axis: Axis) -> i32 {
        of(&self.axes, axis).sum_exponent
    }

    /// The page of the times in which `time_us` is, if the segment has it; `None` outside of its first and last time.
    pub fn page_of_time(&self, time_us: i64) -> Option<PageId> {
        let until = self.time_fences.partition_point(|first_us| *first_us <= time_us);
        let index = u32::try_from(until).ok()?.checked_sub(1)?;
        (time_us <= self.last_us).then_some(PageId { column: Column::Times, index })
    }

    /// How many blocks the segment has, and the length of each in bytes.
    pub fn block_bytes(&self) -> &[u32] {
        &self.directory.block_bytes
    }

    /// Where a page lies.
    ///
    /// # Errors
    /// [`Fault::NoSuchPage`].
    pub fn place(&self, page: PageId) -> Result<Place, Fault> {
        let place = self.layout.position(page).and_then(|position| self.directory.place(position));
        place.ok_or_else(|| Fault::NoSuchPage { page: page.to_string() })
    }

    /// Checks and decodes a page from exactly its bytes.
    ///
    /// # Errors
    /// A [`Fault`] where the bytes are not those of that page.
    pub fn decode(&self, page: PageId, bytes: &[u8]) -> Result<Page, Fault> {
        self.decode_page(page, bytes)
    }

    /// The pages of a column, in order.
    pub fn pages(&self, column: Column) -> impl ExactSizeIterator<Item = PageId> + use<> {
        self.layout.pages_of(column)
    }

    /// About how much memory it takes, in bytes, once pages of every column were decoded.
    pub fn memory_bytes(&self) -> usize {
        let Axes { x, y, z } = self.axes.as_ref().map(|axis| axis.first.len() * 8 + axis.below.len() * 4);
        let fences = self.time_fences.len() * 8 + x + y + z;
        size_of::<Self>() + fences + self.directory.memory_bytes() + self.chunks.memory_bytes()
    }
}

impl AxisHead {
    fn new(fields: AxisFields, readings: u32) -> Self {
        let AxisFields { max, sum, squares, distinct, sum_exponent, sum_words: _, first, below } = fields;
        let min = first.first().copied().unwrap_or(max);
        let below = below.iter().copied().chain([readings]).collect();
        Self { totals: Totals { min, max, sum, squares, distinct }, sum_exponent, first, below }
    }
}
