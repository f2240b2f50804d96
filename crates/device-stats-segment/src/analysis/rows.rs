//! Readings of parts, one by one.

use std::ops::Range;
use std::sync::Arc;

use device_stats_domain::Axis;

use super::pages::{Pages, SegmentPage, as_codes, as_dictionary, as_integers};
use super::part::Part;
use crate::{Column, Page, PageId, Row};

/// The readings of the parts, part by part in order of time. Meant for few of them: each value costs a look into its
/// page of the dictionary.
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
fn each<P: Pages>(
    parts: &[Part],
    column: Column,
    pages: &P,
    mut take: impl FnMut(&Part, &Page, Range<u32>) -> Result<(), P::Error>,
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
    let (mut wanted, mut places) = (Vec::new(), Vec::new());
    each(parts, Column::Codes(axis), pages, |part, page, entries| {
        for code in as_codes(pages, part.segment, page)?.codes(entries) {
            let (page, place) = part.page_of_code(axis, code);
            wanted.push(SegmentPage { segment: part.segment, page });
            places.push(place);
        }
        Ok(())
    })?;
    let read = pages.read(&wanted)?;
    let mut values = Vec::with_capacity(places.len());
    for ((wanted, place), page) in wanted.iter().zip(places).zip(&read) {
        let dictionary = as_dictionary(pages, wanted.segment, page)?;
        values.push(dictionary.values.get(place).copied().unwrap_or(0.0));
    }
    Ok(values)
}
