//! The decoded contents of a whole segment.

use device_stats_domain::{Axes, Axis};

use super::Segment;
use crate::format::columns::{AxisColumns, Columns};
use crate::format::dictionary::Dictionary;
use crate::format::fault::{Fault, Section};
use crate::format::head::Head;
use crate::format::page::{Column, DictionaryPage, Page, PageId};
use crate::format::page_layout::COLUMNS;
use crate::format::row::Row;

/// All columns of a segment.
pub(crate) struct Contents {
    pub(crate) times: Vec<i64>,
    pub(crate) ids: Vec<i64>,
    pub(crate) axes: Axes<AxisContents>,
}

/// The columns of one axis.
#[derive(Default)]
pub(crate) struct AxisContents {
    pub(crate) values: Vec<f64>,
    /// Cumulative counts: for each value, the number of readings with that value or a smaller one.
    pub(crate) until: Vec<u32>,
    /// Positions in `values`; decoding checks that they exist.
    pub(crate) codes: Vec<u32>,
    /// The words of all sums.
    pub(crate) sums: Vec<u64>,
    /// Number of words of a sum.
    pub(crate) words_per_sum: usize,
}

impl Segment {
    /// Reads all rows and checks every checksum.
    ///
    /// # Errors
    /// A [`Fault`] if a byte is not as it was written.
    pub fn rows(&self) -> Result<Vec<Row>, Fault> {
        let head = Head::open(&self.head)?;
        Ok(self.read(&head)?.rows())
    }

    /// Decodes every page.
    pub(crate) fn read(&self, head: &Head) -> Result<Contents, Fault> {
        let lengths = self.blocks.iter().map(Vec::len);
        if !lengths.eq(head.block_bytes().iter().map(|bytes| *bytes as usize)) {
            return Err(Fault::WrongLength { section: Section::Blocks });
        }
        let readings = head.readings() as usize;
        let mut contents = Contents {
            times: Vec::with_capacity(readings),
            ids: Vec::with_capacity(readings),
            axes: Axes::default(),
        };
        for page in COLUMNS.into_iter().flat_map(|column| head.pages(column)) {
            contents.add(head, page, self.page_bytes(head, page)?)?;
        }
        Ok(contents)
    }

    fn page_bytes(&self, head: &Head, page: PageId) -> Result<&[u8], Fault> {
        let range = head.block_range(page)?;
        let block = self.blocks.get(range.block as usize);
        let bytes = block.and_then(|block| block.get(range.bytes));
        bytes.ok_or(Fault::WrongLength { section: Section::Page(page) })
    }
}

impl Contents {
    fn add(&mut self, head: &Head, page: PageId, bytes: &[u8]) -> Result<(), Fault> {
        if let Column::Codes(axis) = page.column {
            self.axis(axis).codes.extend(head.decode_codes(axis, page.index, bytes)?);
            return Ok(());
        }
        match (page.column, head.decode(page, bytes)?) {
            (Column::Times, Page::Times(times)) => self.times.extend(times),
            (Column::Ids, Page::Ids(ids)) => self.ids.extend(ids),
            (Column::Dictionary(axis), Page::Dictionary(DictionaryPage { values, counts })) => {
                let axis = self.axis(axis);
                axis.until.extend((1..=values.len()).map(|values| counts.until(values)));
                axis.values.extend(values);
            }
            (Column::Sums(axis), Page::Sums(sums)) => {
                let axis = self.axis(axis);
                axis.words_per_sum = sums.words_per_sum;
                axis.sums.extend(sums.words);
            }
            _ => unreachable!("a page is decoded as a page of its column"),
        }
        Ok(())
    }

    fn axis(&mut self, axis: Axis) -> &mut AxisContents {
        match axis {
            Axis::X => &mut self.axes.x,
            Axis::Y => &mut self.axes.y,
            Axis::Z => &mut self.axes.z,
        }
    }

    /// Returns whether these are the columns that were written.
    pub(crate) fn are(&self, columns: &Columns) -> bool {
        let axes = |axis| self.axes.get(axis).are(columns.axes.get(axis));
        self.times == columns.times && self.ids == columns.ids && Axis::ALL.into_iter().all(axes)
    }

    /// Returns the rows.
    pub(crate) fn rows(&self) -> Vec<Row> {
        let moments = self.times.iter().zip(&self.ids);
        let Axes { x, y, z } = self.axes.as_ref().map(AxisContents::numbers);
        moments
            .zip(x.zip(y).zip(z))
            .map(|((time_us, id), ((x, y), z))| Row { time_us: *time_us, id: *id, values: Axes { x, y, z } })
            .collect()
    }
}

impl AxisContents {
    /// Returns the value of each reading.
    #[expect(clippy::indexing_slicing, reason = "decoding checks that each code is in the dictionary")]
    pub(crate) fn numbers(&self) -> impl Iterator<Item = f64> {
        self.codes.iter().map(|code| self.values[*code as usize])
    }

    fn are(&self, columns: &AxisColumns) -> bool {
        let Dictionary { values, counts } = &columns.dictionary;
        let word_columns = &columns.sums.word_columns;
        let mut sums = self.sums.iter().map(|word| word.cast_signed());
        let are_sums = self.words_per_sum == word_columns.len()
            && word_columns.first().is_some_and(|runs| {
                (0..runs.len())
                    .all(|run| word_columns.iter().all(|column| sums.next() == column.get(run).copied()))
            })
            && sums.next().is_none();
        self.codes == columns.codes
            && self.values.iter().map(|value| value.to_bits()).eq(values.iter().map(|value| value.to_bits()))
            && self.counts().eq(counts.iter().copied())
            && are_sums
    }

    /// Returns the number of readings with each value, according to the dictionary.
    #[expect(clippy::expect_used, reason = "decoding checks that the counts ascend, from page to page")]
    pub(crate) fn counts(&self) -> impl Iterator<Item = u32> {
        let before = std::iter::once(&0).chain(&self.until);
        let counts = self.until.iter().zip(before).map(|(until, before)| until.checked_sub(*before));
        counts.map(|count| count.expect("cumulative counts never descend"))
    }
}
