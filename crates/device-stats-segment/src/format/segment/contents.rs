//! A whole segment read back.

use device_stats_domain::{Axes, Axis};

use super::Segment;
use crate::format::columns::{AxisColumns, Columns};
use crate::format::dictionary::Dictionary;
use crate::format::page_layout::of;
use crate::{Column, DictionaryPage, Fault, Head, Page, PageId, Row};

/// All pages of a segment, put together.
pub(crate) struct Contents {
    pub(crate) times: Vec<i64>,
    pub(crate) ids: Vec<i64>,
    pub(crate) axes: Axes<AxisContents>,
}

/// One axis.
#[derive(Default)]
pub(crate) struct AxisContents {
    pub(crate) values: Vec<f64>,
    pub(crate) until: Vec<u32>,
    pub(crate) codes: Vec<u32>,
    /// The words of all sums.
    pub(crate) sums: Vec<u64>,
}

impl Segment {
    /// Decodes every page.
    pub(crate) fn read(&self, head: &Head) -> Result<Contents, Fault> {
        let lengths = self.blocks.iter().map(Vec::len);
        if !lengths.eq(head.block_bytes().iter().map(|bytes| *bytes as usize)) {
            return Err(Fault::WrongLength { part: "the blocks".to_owned() });
        }
        let readings = head.readings() as usize;
        let mut contents = Contents {
            times: Vec::with_capacity(readings),
            ids: Vec::with_capacity(readings),
            axes: Axes::default(),
        };
        for column in crate::format::page_layout::COLUMNS {
            head.pages(column).try_for_each(|page| contents.add(head, page, self.bytes(head, page)?))?;
        }
        Ok(contents)
    }

    fn bytes(&self, head: &Head, page: PageId) -> Result<&[u8], Fault> {
        let place = head.place(page)?;
        let block = self.blocks.get(place.block as usize);
        let bytes = block.and_then(|block| block.get(place.bytes));
        bytes.ok_or_else(|| Fault::WrongLength { part: page.to_string() })
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
            (Column::Sums(axis), Page::Sums(sums)) => self.axis(axis).sums.extend(sums.words),
            _ => return Err(Fault::NoSuchPage { page: page.to_string() }),
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

    /// Whether these are the columns that were written.
    pub(crate) fn are(&self, columns: &Columns) -> bool {
        let axes = |axis| of(&self.axes, axis).are(of(&columns.axes, axis));
        self.times == columns.times && self.ids == columns.ids && Axis::ALL.into_iter().all(axes)
    }

    /// The rows.
    pub(crate) fn rows(&self) -> Vec<Row> {
        let numbers = |axis| {
            let AxisContents { values, codes, .. } = of(&self.axes, axis);
            // Each code was checked to be in the dictionary.
            codes.iter().map(|code| values.get(*code as usize).copied().unwrap_or(f64::NAN))
        };
        let moments = self.times.iter().zip(&self.ids);
        let numbers = numbers(Axis::X).zip(numbers(Axis::Y)).zip(numbers(Axis::Z));
        moments
            .zip(numbers)
            .map(|((time_us, id), ((x, y), z))| Row { time_us: *time_us, id: *id, values: Axes { x, y, z } })
            .collect()
    }
}

impl AxisContents {
    fn are(&self, columns: &AxisColumns) -> bool {
        let Dictionary { values, counts } = &columns.dictionary;
        let places = &columns.sums.places;
        let sums = self.sums.chunks(places.len()).enumerate().all(|(run, words)| {
            words.iter().zip(places).all(|(word, place)| place.get(run) == Some(&word.cast_signed()))
        });
        self.codes == columns.codes
            && self.values.iter().map(|value| value.to_bits()).eq(values.iter().map(|value| value.to_bits()))
            && self.counts().eq(counts.iter().copied())
            && sums
    }

    /// How many readings have each value.
    pub(crate) fn counts(&self) -> impl Iterator<Item = u32> {
        let before = std::iter::once(&0).chain(&self.until);
        self.until.iter().zip(before).map(|(until, before)| until - before)
    }
}
