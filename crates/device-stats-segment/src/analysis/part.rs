//! Parts: the readings of a segment inside a window.

pub(crate) mod cut_column;
pub(crate) mod cut_sums;
pub(crate) mod part_column;
pub(crate) mod part_totals;
pub(crate) mod spans;

use std::ops::Range;
use std::sync::Arc;

use device_stats_domain::Axis;

use super::page_source::SegmentPage;
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
