//! Compression of columns into the bytes of a segment.

use super::Segment;
use crate::format::codec::{self, CompressedBytes, Effort, NumberKind, compress};
use crate::format::columns::{AxisColumns, Columns};
use crate::format::delta_order::delta_order;
use crate::format::dictionary::Dictionary;
use crate::format::encode_error::EncodeError;
use crate::format::head::Head;
use crate::format::head::head_fields::{AxisFields, HeadFields, PageEntry};
use crate::format::page::Column;
use crate::format::page_layout::{COLUMNS, PageSizes, count_u32, each_axis};
use crate::format::row::Row;

impl Segment {
    /// Encodes rows in ascending order of time, and reads them back to compare. The same rows and effort
    /// always give the same bytes.
    ///
    /// # Errors
    /// [`EncodeError`], with the index of the row at fault.
    pub fn encode(rows: &[Row], effort: Effort) -> Result<Self, EncodeError> {
        let sizes = PageSizes::WRITTEN;
        write(&Columns::from_rows(rows, sizes.sum_run)?, sizes, effort)
    }
}

/// The metadata and the pages of all columns, in order.
#[derive(Default)]
struct Pages {
    metas: Vec<Box<[u8]>>,
    pages: Vec<Vec<u8>>,
}

/// Writes columns as a segment and reads it back to compare.
pub(crate) fn write(columns: &Columns, sizes: PageSizes, effort: Effort) -> Result<Segment, EncodeError> {
    let segment = compress_all(columns, sizes, effort)?;
    let contents = Head::open(&segment.head).and_then(|head| segment.read(&head));
    match contents {
        Ok(contents) if contents.are(columns) => Ok(segment),
        _ => Err(EncodeError::Compressor),
    }
}

fn compress_all(columns: &Columns, sizes: PageSizes, effort: Effort) -> Result<Segment, EncodeError> {
    let mut pages = Pages::default();
    for column in COLUMNS {
        match column {
            Column::Times => {
                pages.add(vec![compress(&columns.times, NumberKind::Ascending, sizes.rows, effort)?]);
            }
            Column::Ids => {
                let order = delta_order(&columns.ids, |id| id);
                pages.add(vec![compress(&columns.ids, NumberKind::Integers { order }, sizes.rows, effort)?]);
            }
            Column::Dictionary(axis) => {
                let Dictionary { values, counts } = &columns.axes.get(axis).dictionary;
                let values = compress(values, NumberKind::Ascending, sizes.dictionary, effort)?;
                let counts = compress(counts, NumberKind::Counts, sizes.dictionary, effort)?;
                pages.add(vec![values, counts]);
            }
            Column::Codes(axis) | Column::CodeCounts(axis) => {
                let codes = &columns.axes.get(axis).codes;
                let order = delta_order(codes, i64::from);
                pages.add(vec![compress(codes, NumberKind::Integers { order }, sizes.rows, effort)?]);
            }
            Column::Sums(axis) => {
                let word_columns = columns.axes.get(axis).sums.word_columns.iter().map(|words| {
                    let order = delta_order(words, |word| word);
                    compress(words, NumberKind::Integers { order }, sizes.sums, effort)
                });
                pages.add(word_columns.collect::<Result<_, _>>()?);
            }
        }
    }
    pages.finish(columns, sizes, effort)
}

impl Pages {
    /// Adds the pages of a column that was compressed as one or several chunks. A page has the bytes of each
    /// chunk. Before the bytes of each chunk except the last is their length.
    #[expect(clippy::indexing_slicing, reason = "all chunks of a column have the same number of pages")]
    fn add(&mut self, chunks: Vec<CompressedBytes>) {
        let Some((last, others)) = chunks.split_last() else { return };
        for (index, last_bytes) in last.pages.iter().enumerate() {
            let mut page = Vec::new();
            for chunk in others {
                let bytes = &chunk.pages[index];
                page.extend(count_u32(bytes.len()).to_le_bytes());
                page.extend(bytes);
            }
            page.extend(last_bytes);
            self.pages.push(page);
        }
        self.metas.extend(chunks.into_iter().map(|chunk| chunk.meta.into()));
    }

    /// Collects the pages into blocks and writes the head.
    fn finish(self, columns: &Columns, sizes: PageSizes, effort: Effort) -> Result<Segment, EncodeError> {
        let entry =
            |page: &Vec<u8>| PageEntry { length: count_u32(page.len()), checksum: crc32fast::hash(page) };
        let fields = HeadFields {
            sizes,
            readings: count_u32(columns.times.len()),
            last_us: *columns.times.last().ok_or(EncodeError::Empty)?,
            axes: each_axis(|axis| axis_fields(columns.axes.get(axis), sizes)),
            time_fences: columns.times.iter().step_by(sizes.rows as usize).copied().collect(),
            pco_version: codec::pco_version()?,
            level: codec::level(effort),
            metas: self.metas,
            pages: self.pages.iter().map(entry).collect(),
        };
        let mut blocks: Vec<Vec<u8>> = Vec::new();
        for page in self.pages {
            match blocks.last_mut().filter(|block| block.len() < sizes.block_bytes as usize) {
                Some(block) => block.extend(page),
                None => blocks.push(page),
            }
        }
        Ok(Segment { head: fields.write(), blocks })
    }
}

#[expect(clippy::expect_used, reason = "columns have at least one reading")]
fn axis_fields(columns: &AxisColumns, sizes: PageSizes) -> AxisFields {
    let AxisColumns { dictionary: Dictionary { values, counts }, sums, squares, .. } = columns;
    let mut below = 0;
    AxisFields {
        max: *values.last().expect("a dictionary has at least one value"),
        sum: sums.total.clone(),
        squares: squares.clone(),
        distinct: count_u32(values.len()),
        sum_exponent: sums.exponent,
        sum_words: sums.word_columns.len().try_into().expect("a sum has at most 34 words"),
        first: values.iter().step_by(sizes.dictionary as usize).copied().collect(),
        below: counts
            .chunks(sizes.dictionary as usize)
            .map(|counts| {
                let until = below + counts.iter().sum::<u32>();
                std::mem::replace(&mut below, until)
            })
            .collect(),
    }
}
