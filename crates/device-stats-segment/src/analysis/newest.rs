//! The newest readings: a page of the list, however far down it begins. What is skipped is counted, not read.

use std::borrow::Cow;
use std::sync::Arc;

use crate::analysis::page_source::{Pages, SegmentPage, as_integers};
use crate::analysis::part::part_column::ColumnCounts;
use crate::analysis::part::part_totals::contradiction;
use crate::analysis::part::{Part, count_u32, cut};
use crate::analysis::rank::bracket::{Fenced, Known, bracket};
use crate::analysis::rank::selection::{Run, select};
use crate::analysis::rows::rows;
use crate::{Column, Counts, Page, PageId, Row};

/// The times of a part, as far as its fences tell.
struct Times<'p> {
    part: &'p Part,
    /// The page of the times with the first reading of the part.
    first_page: u32,
    first: &'p [i64],
    below: Vec<u32>,
}

impl<'p> Times<'p> {
    /// Of a part that is not empty.
    fn of(part: &'p Part) -> Self {
        let pages = part.pages_of(&part.rows);
        let first = part.head.time_fences().get(pages.start as usize..pages.end as usize).unwrap_or_default();
        let begin =
            |page: u32| (page * part.head.row_page()).clamp(part.rows.start, part.rows.end) - part.rows.start;
        Self { part, first_page: pages.start, first, below: (pages.start..=pages.end).map(begin).collect() }
    }

    fn fenced(&self) -> Fenced<'_, i64> {
        Fenced { first: self.first, below: &self.below }
    }

    /// The times of a page that belong to the part.
    fn times<'t, P: Pages>(&self, index: usize, page: &'t Page, pages: &P) -> Result<&'t [i64], P::Error> {
        let times = as_integers(pages, self.part.segment, page)?;
        let entries = self.part.entries_of(self.first_page + count_u32(index), &self.part.rows);
        Ok(times.get(entries.start as usize..entries.end as usize).unwrap_or_default())
    }
}

/// A page of the readings of parts and of hot readings together, newest first: `limit` of them at most, after the
/// `skip` newest. No time occurs twice; none of the parts is empty.
///
/// # Errors
/// Those of [`Pages::read`].
pub fn newest<P: Pages>(
    parts: &[Part],
    hot: &[Row],
    skip: u64,
    limit: u32,
    pages: &P,
) -> Result<Vec<Row>, P::Error> {
    let sealed: u64 = parts.iter().map(|part| u64::from(part.len())).sum();
    let count = sealed + hot.len() as u64;
    let Some(last) = count.checked_sub(1).and_then(|last| last.checked_sub(skip)) else {
        return Ok(Vec::new());
    };
    let Some(more) = u64::from(limit).checked_sub(1) else { return Ok(Vec::new()) };
    let columns: Vec<Times<'_>> = parts.iter().map(Times::of).collect();
    let mut hot_times: Vec<i64> = hot.iter().map(|row| row.time_us).collect();
    hot_times.sort_unstable();
    let from = time_of_rank(&columns, &hot_times, last.saturating_sub(more), pages)?;
    let to = time_of_rank(&columns, &hot_times, last, pages)?;
    let inside = cut(parts, &[from, to.saturating_add(1)], pages)?.pop().unwrap_or_default();
    let mut page = rows(&inside, pages)?;
    page.extend(hot.iter().filter(|row| (from..=to).contains(&row.time_us)));
    page.sort_unstable_by_key(|row| std::cmp::Reverse(row.time_us));
    Ok(page)
}

/// The time that so many readings are older than.
fn time_of_rank<P: Pages>(columns: &[Times<'_>], hot: &[i64], rank: u64, pages: &P) -> Result<i64, P::Error> {
    let fenced: Vec<Fenced<'_, i64>> = columns.iter().map(Times::fenced).collect();
    let known: Vec<Known<'_, i64>> = fenced.iter().copied().map(Known::by_fences).collect();
    let bracket = bracket(&known, &(0..hot.len() as u64), rank, rank);
    let mut wanted = Vec::new();
    for (column, fenced) in columns.iter().zip(&fenced) {
        wanted.extend(fenced.pages(bracket).map(|index| SegmentPage {
            segment: column.part.segment,
            page: PageId { column: Column::Times, index: column.first_page + count_u32(index) },
        }));
    }
    let read: Vec<Arc<Page>> = pages.read(&wanted)?;
    let mut read = read.iter();
    let mut runs = Vec::with_capacity(columns.len() + 1);
    let mut below = 0;
    for (column, fenced) in columns.iter().zip(&fenced) {
        let range = fenced.pages(bracket);
        below += fenced.below(range.start);
        for (index, page) in range.zip(read.by_ref()) {
            let times = column.times(index, page, pages)?;
            runs.push(each_once(times));
        }
    }
    runs.push(each_once(hot));
    let segment = columns.first().map_or(0, |column| column.part.segment);
    let found = rank.checked_sub(below).and_then(|rank| select(&runs, rank));
    found.map(|(time, _)| time).ok_or_else(|| pages.fault(segment, contradiction()))
}

/// Times, of each of which there is one reading.
fn each_once(times: &[i64]) -> Run<'_, i64> {
    Run { pages: vec![(Cow::Borrowed(times), ColumnCounts::Part(Counts::once(0).into()))] }
}
