//! Parts: the readings of a segment inside a window.

pub(crate) mod cut_column;
pub(crate) mod cut_sums;
pub(crate) mod part_column;
pub(crate) mod part_totals;

use std::ops::Range;
use std::sync::Arc;

use device_stats_domain::Axis;

use super::page_source::{Pages, ReadPages, SegmentPage, expect_column};
use crate::format::head::Head;
use crate::format::page::{Column, PageId};
use crate::format::page_layout::count_u32;

/// Consecutive readings of a segment, in order of time.
#[derive(Clone, Debug)]
pub struct Part {
    /// The caller's number of the segment, as in [`SegmentPage::segment`].
    pub segment: usize,
    /// The head of the segment.
    pub head: Arc<Head>,
    /// Positions of the readings in the segment, in order of time.
    pub rows: Range<u32>,
}

/// One axis of a part.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PartAxis<'p> {
    pub(crate) part: &'p Part,
    pub(crate) axis: Axis,
}

impl Part {
    /// Creates the part with all readings of a segment.
    pub fn new(segment: usize, head: Arc<Head>) -> Self {
        let rows = 0..head.readings();
        Self { segment, head, rows }
    }

    /// Returns whether the part is the whole segment.
    pub(crate) fn is_whole(&self) -> bool {
        self.rows == (0..self.head.readings())
    }

    /// Returns the number of readings.
    pub(crate) fn len(&self) -> u32 {
        count_u32(self.rows.len())
    }

    /// Returns the pages with the given rows of the segment, for a column with one entry per reading.
    pub(crate) fn pages_of(&self, rows: &Range<u32>) -> Range<u32> {
        let page = self.head.row_page();
        if rows.is_empty() { 0..0 } else { rows.start / page..(rows.end - 1) / page + 1 }
    }

    /// Returns the entries of a page that belong to the given rows of the segment, for a column with one
    /// entry per reading.
    pub(crate) fn entries_of(&self, page: u32, rows: &Range<u32>) -> Range<u32> {
        let first = page * self.head.row_page();
        let until = (self.head.readings() - first).min(self.head.row_page());
        rows.start.saturating_sub(first).min(until)..rows.end.saturating_sub(first).min(until)
    }

    /// Returns the index of the page of the dictionary with a code, and the position of the code in that
    /// page.
    pub(crate) fn split_code(&self, code: u32) -> (u32, usize) {
        let page = self.head.dictionary_page();
        (code / page, (code % page) as usize)
    }

    /// Returns a page of the segment.
    pub(crate) fn page(&self, column: Column, index: u32) -> SegmentPage {
        SegmentPage { segment: self.segment, page: PageId { column, index } }
    }
}

/// Cuts parts at ascending bounds, in microseconds since 1970 UTC. For each span
/// `[bounds[n], bounds[n + 1])`, returns the readings of each part inside it, without empty parts.
///
/// # Errors
/// The errors of [`Pages::read`].
pub fn cut<P: Pages>(parts: &[Part], bounds: &[i64], pages: &P) -> Result<Vec<Vec<Part>>, P::Error> {
    let mut requested = Vec::new();
    let row_bounds = parts.iter().flat_map(|part| bounds.iter().map(move |bound| (part, *bound)));
    let row_bounds: Vec<RowBound> =
        row_bounds.map(|(part, bound)| RowBound::new(part, bound, &mut requested)).collect();
    let read = ReadPages::new(requested, pages)?;
    let mut read = read.cursor();
    let mut row_bounds = row_bounds.into_iter();
    let mut cut: Vec<Vec<Part>> = vec![Vec::new(); bounds.len().saturating_sub(1)];
    for part in parts {
        let mut rows = Vec::with_capacity(bounds.len());
        for row_bound in row_bounds.by_ref().take(bounds.len()) {
            rows.push(match row_bound {
                RowBound::Row(row) => row,
                RowBound::InPage { first_row, bound } => {
                    let times = expect_column(pages, part.segment, read.next_page().as_integers())?;
                    first_row + count_u32(times.partition_point(|time| *time < bound))
                }
            });
        }
        for (parts, [from, until]) in cut.iter_mut().zip(rows.array_windows()) {
            let rows = *from.max(&part.rows.start)..*until.min(&part.rows.end);
            if !rows.is_empty() {
                parts.push(Part { rows, ..part.clone() });
            }
        }
    }
    Ok(cut)
}

/// The position of the first reading at or after a bound.
enum RowBound {
    /// A row of the segment, or the number of its rows.
    Row(u32),
    /// In a page of times that has to be read.
    InPage {
        /// The first row of that page.
        first_row: u32,
        /// The bound, in microseconds since 1970 UTC.
        bound: i64,
    },
}

impl RowBound {
    fn new(part: &Part, bound: i64, requested: &mut Vec<SegmentPage>) -> Self {
        let head = &part.head;
        if bound <= head.first_us() {
            return Self::Row(0);
        }
        if bound > head.last_us() {
            return Self::Row(head.readings());
        }
        // The first page begins before the bound. The last page that begins before the bound contains it, or
        // ends right before it.
        let index = count_u32(head.time_fences().partition_point(|first| *first < bound)) - 1;
        requested.push(part.page(Column::Times, index));
        Self::InPage { first_row: index * head.row_page(), bound }
    }
}
