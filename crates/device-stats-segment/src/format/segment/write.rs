//! From columns to bytes.

use super::{Effort, EncodeError, Segment};
use crate::format::codec::{self, Compressed, Numbers, compress};
use crate::format::columns::{AxisColumns, Columns};
use crate::format::delta_order::delta_order;
use crate::format::dictionary::Dictionary;
use crate::format::head::head_fields::{AxisFields, HeadFields, PageEntry};
use crate::format::page_layout::{COLUMNS, PageSizes, each, of};
use crate::{Column, Head};

/// Pages and what has to be known to read them, in the order of the columns.
#[derive(Default)]
struct Pages {
    metas: Vec<Box<[u8]>>,
    pages: Vec<Vec<u8>>,
}

/// Writes columns as a segment, and reads it back to compare.
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
            Column::Times => pages.add([compress(&columns.times, Numbers::Ascending, sizes.rows, effort)?]),
            Column::Ids => {
                let order = delta_order(&columns.ids, |id| id);
                pages.add([compress(&columns.ids, Numbers::Integers { order }, sizes.rows, effort)?]);
            }
            Column::Dictionary(axis) => {
                let Dictionary { values, counts } = &of(&columns.axes, axis).dictionary;
                let values = compress(values, Numbers::Ascending, sizes.dictionary, effort)?;
                pages.add([values, compress(counts, Numbers::Counts, sizes.dictionary, effort)?]);
            }
            Column::Codes(axis) => {
                let codes = &of(&columns.axes, axis).codes;
                let order = delta_order(codes, i64::from);
                pages.add([compress(codes, Numbers::Integers { order }, sizes.rows, effort)?]);
            }
            Column::Sums(axis) => {
                let parts = of(&columns.axes, axis).sums.places.iter().map(|place| {
                    let order = delta_order(place, |word| word);
                    compress(place, Numbers::Integers { order }, sizes.sums, effort)
                });
                pages.add(parts.collect::<Result<Vec<_>, _>>()?);
            }
        }
    }
    pages.finish(columns, sizes, effort)
}

impl Pages {
    /// Adds the pages of a column that was compressed in one or several parts.
    fn add(&mut self, parts: impl IntoIterator<Item = Compressed>) {
        let mut column: Vec<Vec<Vec<u8>>> = Vec::new();
        for Compressed { meta, pages } in parts {
            self.metas.push(meta.into());
            column.push(pages);
        }
        let Some((first, others)) = column.split_first_mut() else { return };
        for (index, page) in first.iter_mut().enumerate() {
            let mut bytes = std::mem::take(page);
            let mut last_from = 0;
            for other in others.iter() {
                let length = u32::try_from(bytes.len() - last_from).unwrap_or(u32::MAX);
                bytes.splice(last_from..last_from, length.to_le_bytes());
                last_from = bytes.len();
                bytes.extend(other.get(index).into_iter().flatten());
            }
            self.pages.push(bytes);
        }
    }

    /// Puts the head before the pages, and the pages into blocks.
    fn finish(self, columns: &Columns, sizes: PageSizes, effort: Effort) -> Result<Segment, EncodeError> {
        let entry = |page: &Vec<u8>| PageEntry {
            length: u32::try_from(page.len()).unwrap_or(u32::MAX),
            checksum: crc32fast::hash(page),
        };
        let fields = HeadFields {
            sizes,
            readings: u32::try_from(columns.times.len()).unwrap_or(u32::MAX),
            last_us: columns.times.last().copied().unwrap_or(0),
            axes: each(|axis| axis_fields(of(&columns.axes, axis), sizes)),
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

fn axis_fields(columns: &AxisColumns, sizes: PageSizes) -> AxisFields {
    let AxisColumns { dictionary: Dictionary { values, counts }, sums, squares, .. } = columns;
    let mut below = 0;
    AxisFields {
        max: values.last().copied().unwrap_or(0.0),
        sum: sums.total.clone(),
        squares: squares.clone(),
        distinct: u32::try_from(values.len()).unwrap_or(u32::MAX),
        sum_exponent: sums.exponent,
        sum_words: u16::try_from(sums.places.len()).unwrap_or(u16::MAX),
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
