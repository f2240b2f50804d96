//! The readings of parts, one by one.

use std::ops::Range;

use device_stats_domain::{Axes, Axis};

use super::batch::{Batch, Needs};
use super::memory_limits::MemoryLimits;
use super::page_source::{PageCursor, Pages, SegmentPage, expect_column, expect_dictionary};
use super::part::Part;
use crate::format::page::{Column, Page};
use crate::format::row::Row;

/// Returns the readings of the parts, part by part in order of time. Requests each page of a dictionary once
/// for each part.
///
/// # Errors
/// The errors of [`Pages`].
pub fn rows<P: Pages>(parts: &[Part], limits: MemoryLimits, pages: &P) -> Result<Vec<Row>, P::Error> {
    let times = integers(parts, Column::Times, limits, pages)?;
    let ids = integers(parts, Column::Ids, limits, pages)?;
    let [x, y, z] = Axis::ALL.map(|axis| values(parts, axis, limits, pages));
    let values = x?.into_iter().zip(y?).zip(z?);
    let rows = times.into_iter().zip(ids).zip(values);
    Ok(rows.map(|((time_us, id), ((x, y), z))| Row { time_us, id, values: Axes { x, y, z } }).collect())
}

/// Reads the pages of a column with one entry per reading. Calls `take` with each page and its entries that
/// belong to a part.
fn each_page<'p, P: Pages>(
    parts: &'p [Part],
    column: Column,
    limits: MemoryLimits,
    pages: &P,
    mut take: impl FnMut(&'p Part, &Page, Range<u32>) -> Result<(), P::Error>,
) -> Result<(), P::Error> {
    let mut take_all = |part: &'p Part, read: &mut PageCursor<'_>| {
        for (id, page) in read.take(part.pages_of(&part.rows).len()) {
            take(part, page, part.entries_of(id.index, &part.rows))?;
        }
        Ok(())
    };
    let mut batch = Batch::new(limits.pages);
    for part in parts {
        let requested = part.pages_of(&part.rows).map(|index| part.page(column, index)).collect();
        let needs = match column {
            Column::Times | Column::Ids => Needs::of_integers(requested),
            _ => Needs::of_pages(requested),
        };
        batch.add(part, needs, pages, &mut take_all)?;
    }
    batch.run_all(pages, &mut take_all)
}

/// Returns the entries of a column of integers.
#[expect(clippy::indexing_slicing, reason = "an entry must not be dropped")]
fn integers<P: Pages>(
    parts: &[Part],
    column: Column,
    limits: MemoryLimits,
    pages: &P,
) -> Result<Vec<i64>, P::Error> {
    let mut integers = Vec::new();
    each_page(parts, column, limits, pages, |part, page, entries| {
        let page = expect_column(pages, part.segment, page.as_integers())?;
        integers.extend_from_slice(&page[entries.start as usize..entries.end as usize]);
        Ok(())
    })?;
    Ok(integers)
}

/// Returns the values of an axis.
#[expect(clippy::indexing_slicing, reason = "a value must not be dropped")]
fn values<P: Pages>(
    parts: &[Part],
    axis: Axis,
    limits: MemoryLimits,
    pages: &P,
) -> Result<Vec<f64>, P::Error> {
    let mut part_codes: Vec<PartCodes<'_>> = Vec::with_capacity(parts.len());
    each_page(parts, Column::Codes(axis), limits, pages, |part, page, entries| {
        let codes = expect_column(pages, part.segment, page.as_codes())?.codes(entries);
        match part_codes.last_mut() {
            Some(last) if std::ptr::eq(last.part, part) => last.codes.extend(codes),
            _ => part_codes.push(PartCodes { part, codes }),
        }
        Ok(())
    })?;
    let mut values = Vec::with_capacity(part_codes.iter().map(|codes| codes.codes.len()).sum());
    let mut look_up = |(codes, count): (&PartCodes<'_>, usize), read: &mut PageCursor<'_>| {
        let PartCodes { part, codes } = codes;
        // The values of each page of the dictionary; empty for a page that is not needed.
        let mut dictionary: Vec<&[f64]> = Vec::new();
        for (id, page) in read.take(count) {
            dictionary.resize(id.index as usize, &[]);
            dictionary.push(&expect_dictionary(pages, part.segment, page)?.values);
        }
        values.extend(codes.iter().map(|code| {
            let (page, position) = part.split_code(*code);
            dictionary[page as usize][position]
        }));
        Ok(())
    };
    let mut batch = Batch::new(limits.pages);
    for codes in &part_codes {
        let requested = codes.dictionary_pages(axis);
        let work = (codes, requested.len());
        batch.add(work, Needs::of_pages(requested), pages, &mut look_up)?;
    }
    batch.run_all(pages, &mut look_up)?;
    Ok(values)
}

/// The codes of a part.
struct PartCodes<'p> {
    part: &'p Part,
    codes: Vec<u32>,
}

impl PartCodes<'_> {
    /// Returns the pages of the dictionary with the values, each once, ascending.
    #[expect(clippy::indexing_slicing, reason = "resized before")]
    fn dictionary_pages(&self, axis: Axis) -> Vec<SegmentPage> {
        let mut is_needed: Vec<bool> = Vec::new();
        for code in &self.codes {
            let index = self.part.split_code(*code).0 as usize;
            if is_needed.len() <= index {
                is_needed.resize(index + 1, false);
            }
            is_needed[index] = true;
        }
        let needed = (0..).zip(is_needed).filter(|(_, is_needed)| *is_needed);
        needed.map(|(index, _)| self.part.page(Column::Dictionary(axis), index)).collect()
    }
}
