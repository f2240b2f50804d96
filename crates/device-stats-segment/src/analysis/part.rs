//! The part of a segment that lies inside a window.

pub(crate) mod cut_column;
pub(crate) mod cut_sums;
pub(crate) mod part_column;
pub(crate) mod part_totals;

use std::ops::Range;
use std::sync::Arc;

use device_stats_domain::Axis;

use crate::analysis::page_source::{Pages, SegmentPage, as_integers};
use crate::{Column, Head, PageId};

/// Consecutive readings of a segment, in order of time.
#[derive(Clone, Debug)]
pub struct Part {
    /// What the caller calls the segment; [`Pages`] are asked for by it.
    pub segment: usize,
    /// The head of the segment.
    pub head: Arc<Head>,
    /// Which of its readings: positions in order of time.
    pub rows: Range<u32>,
}

/// One axis of a part.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PartAxis<'p> {
    pub(crate) part: &'p Part,
    pub(crate) axis: Axis,
}

impl Part {
    /// The whole segment.
    pub fn whole(segment: usize, head: Arc<Head>) -> Self {
        let rows = 0..head.readings();
        Self { segment, head, rows }
    }

    /// Whether it is the whole segment.
    pub fn is_whole(&self) -> bool {
        self.rows == (0..self.head.readings())
    }

    /// How many readings it has.
    pub fn len(&self) -> u32 {
        self.rows.end.saturating_sub(self.rows.start)
    }

    /// Whether it has no reading.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The pages of a column with one entry a reading that have some rows of the segment.
    pub(crate) fn pages_of(&self, rows: &Range<u32>) -> Range<u32> {
        let page = self.head.row_page();
        if rows.is_empty() { 0..0 } else { rows.start / page..(rows.end - 1) / page + 1 }
    }

    /// The entries of such a page that stand for some rows of the segment.
    pub(crate) fn entries_of(&self, page: u32, rows: &Range<u32>) -> Range<u32> {
        let first = page * self.head.row_page();
        let until = (self.head.readings() - first).min(self.head.row_page());
        rows.start.saturating_sub(first).min(until)..rows.end.saturating_sub(first).min(until)
    }

    /// The page of the dictionary that holds a code, and its place there.
    pub(crate) fn page_of_code(&self, axis: Axis, code: u32) -> (PageId, usize) {
        let page = self.head.dictionary_page();
        (PageId { column: Column::Dictionary(axis), index: code / page }, (code % page) as usize)
    }
}

/// The parts of `parts` between consecutive bounds: for each of the spans `[bounds[n], bounds[n + 1])`, in microseconds
/// since 1970 UTC, the readings of each part inside, without those parts that have none. The bounds ascend.
///
/// # Errors
/// Those of [`Pages::read`].
pub fn cut<P: Pages>(parts: &[Part], bounds: &[i64], pages: &P) -> Result<Vec<Vec<Part>>, P::Error> {
    let mut places = Vec::with_capacity(parts.len() * bounds.len());
    let mut wanted = Vec::new();
    for part in parts {
        for bound in bounds {
            places.push(Place::of(&part.head, *bound, part.segment, &mut wanted));
        }
    }
    let read = pages.read(&wanted)?;
    let mut rows = Vec::with_capacity(places.len());
    for place in places {
        rows.push(match place {
            Place::Row(row) => row,
            Place::InPage { wanted, first_row, bound, segment } => match read.get(wanted) {
                Some(page) => {
                    let times = as_integers(pages, segment, page)?;
                    first_row + count_u32(times.partition_point(|time| *time < bound))
                }
                None => first_row,
            },
        });
    }
    let spans = bounds.len().saturating_sub(1);
    let mut cut: Vec<Vec<Part>> = vec![Vec::new(); spans];
    for (part, rows) in parts.iter().zip(rows.chunks(bounds.len().max(1))) {
        for (parts, ends) in cut.iter_mut().zip(rows.windows(2)) {
            let &[from, until] = ends else { continue };
            let rows = from.max(part.rows.start)..until.min(part.rows.end);
            if !rows.is_empty() {
                parts.push(Part { rows, ..part.clone() });
            }
        }
    }
    Ok(cut)
}

/// Where the first reading at or after a bound is.
enum Place {
    Row(u32),
    /// In a page that has to be read.
    InPage {
        wanted: usize,
        first_row: u32,
        bound: i64,
        segment: usize,
    },
}

impl Place {
    fn of(head: &Head, bound: i64, segment: usize, wanted: &mut Vec<SegmentPage>) -> Self {
        if bound <= head.first_us() {
            return Self::Row(0);
        }
        if bound > head.last_us() {
            return Self::Row(head.readings());
        }
        // Pages that begin before the bound; the last of them holds it, or ends right before it.
        let before = head.time_fences().partition_point(|first| *first < bound);
        let index = count_u32(before.saturating_sub(1));
        wanted.push(SegmentPage { segment, page: PageId { column: Column::Times, index } });
        Self::InPage { wanted: wanted.len() - 1, first_row: index * head.row_page(), bound, segment }
    }
}

/// A count of readings of one segment, which is below 2^32.
pub(crate) fn count_u32(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
