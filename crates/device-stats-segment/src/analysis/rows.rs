//! Readings of parts, one by one.

use std::ops::Range;
use std::sync::Arc;

use device_stats_domain::Axis;

use crate::analysis::page_source::{Pages, SegmentPage, as_codes, as_dictionary, as_integers};
use crate::analysis::part::Part;
use crate::{Column, Page, PageId, Row};

/// The readings of the parts, part by part in order of time. However many they are, each page of a dictionary that a part
/// needs is asked for once.
///
/// # Errors
/// Those of [`Pages::read`].
pub fn rows<P: Pages>(parts: &[Part], pages: &P) -> Result<Vec<Row>, P::Error> {
    let times = integers(parts, Column::Times, pages)?;
    let ids = integers(parts, Column::Ids, pages)?;
    let [x, y, z] = [Axis::X, Axis::Y, Axis::Z].map(|axis| values(parts, axis, pages));
    let values = x?.into_iter().zip(y?).zip(z?);
    let rows = times.into_iter().zip(ids).zip(values);
    Ok(rows
        .map(|((time_us, id), ((x, y), z))| Row {
            time_us,
            id,
            values: device_stats_domain::Axes { x, y, z },
        })
        .collect())
}

/// The pages of a column with one entry a reading that the parts need.
fn wanted(parts: &[Part], column: Column) -> Vec<SegmentPage> {
    let mut wanted = Vec::new();
    for part in parts.iter().filter(|part| !part.is_empty()) {
        let page = |index| SegmentPage { segment: part.segment, page: PageId { column, index } };
        wanted.extend(part.pages_of(&part.rows).map(page));
    }
    wanted
}

/// Hands each page out with the entries of it that the parts need.
fn each<'p, P: Pages>(
    parts: &'p [Part],
    column: Column,
    pages: &P,
    mut take: impl FnMut(&'p Part, &Page, Range<u32>) -> Result<(), P::Error>,
) -> Result<(), P::Error> {
    let wanted = wanted(parts, column);
    let read: Vec<Arc<Page>> = pages.read(&wanted)?;
    let mut read = wanted.iter().zip(&read);
    for part in parts.iter().filter(|part| !part.is_empty()) {
        for (wanted, page) in read.by_ref().take(part.pages_of(&part.rows).len()) {
            take(part, page, part.entries_of(wanted.page.index, &part.rows))?;
        }
    }
    Ok(())
}

/// The entries of a column of integers.
fn integers<P: Pages>(parts: &[Part], column: Column, pages: &P) -> Result<Vec<i64>, P::Error> {
    let mut integers = Vec::new();
    each(parts, column, pages, |part, page, entries| {
        let entries = entries.start as usize..entries.end as usize;
        integers.extend_from_slice(as_integers(pages, part.segment, page)?.get(entries).unwrap_or_default());
        Ok(())
    })?;
    Ok(integers)
}

/// The numbers of an axis.
fn values<P: Pages>(parts: &[Part], axis: Axis, pages: &P) -> Result<Vec<f64>, P::Error> {
    let mut looks: Vec<Look<'_>> = Vec::with_capacity(parts.len());
    each(parts, Column::Codes(axis), pages, |part, page, entries| {
        let codes = as_codes(pages, part.segment, page)?.codes(entries);
        match looks.last_mut() {
            Some(look) if std::ptr::eq(look.part, part) => look.codes.extend(codes),
            _ => looks.push(Look { part, codes }),
        }
        Ok(())
    })?;
    let wanted: Vec<Vec<SegmentPage>> = looks.iter().map(|look| look.pages(axis)).collect();
    let read = pages.read(&wanted.concat())?;
    let mut read = read.iter();
    let mut values = Vec::with_capacity(looks.iter().map(|look| look.codes.len()).sum());
    for (look, wanted) in looks.iter().zip(&wanted) {
        // By their position in the dictionary; those that are not needed stay empty.
        let mut dictionary: Vec<&[f64]> = Vec::new();
        for (wanted, page) in wanted.iter().zip(read.by_ref()) {
            let index = wanted.page.index as usize;
            dictionary.resize(index, &[]);
            dictionary.push(&as_dictionary(pages, wanted.segment, page)?.values);
        }
        values.extend(look.codes.iter().map(|code| {
            let (page, place) = look.part.page_of_code(axis, *code);
            let page = dictionary.get(page.index as usize);
            page.and_then(|values| values.get(place)).copied().unwrap_or(0.0)
        }));
    }
    Ok(values)
}

/// The codes of a part.
struct Look<'p> {
    part: &'p Part,
    codes: Vec<u32>,
}

impl Look<'_> {
    /// The pages of the dictionary that have the values, each once, ascending.
    fn pages(&self, axis: Axis) -> Vec<SegmentPage> {
        let mut is_needed: Vec<bool> = Vec::new();
        for code in &self.codes {
            let index = self.part.page_of_code(axis, *code).0.index as usize;
            if is_needed.len() <= index {
                is_needed.resize(index + 1, false);
            }
            if let Some(is_needed) = is_needed.get_mut(index) {
                *is_needed = true;
            }
        }
        let page = |index| PageId { column: Column::Dictionary(axis), index };
        let needed = (0..).zip(is_needed).filter(|(_, is_needed)| *is_needed);
        needed.map(|(index, _)| SegmentPage { segment: self.part.segment, page: page(index) }).collect()
    }
}
