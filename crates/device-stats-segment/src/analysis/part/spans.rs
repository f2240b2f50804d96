//! Spans: the parts of segments between consecutive bounds, such as the buckets of a series.
//!
//! The bounds are searched inside the span of time of each segment. Each page of times that has a bound is
//! read once, and the result has one flat list of parts. So time and memory are proportional to the readings
//! between the bounds, not to the number of segments times the number of bounds.

use std::ops::Range;

use super::Part;
use crate::analysis::page_source::{PageCursor, Pages, ReadPages, SegmentPage, expect_column};
use crate::format::page::Column;
use crate::format::page_layout::count_u32;

/// Number of requested pages of times, of 32 KiB each, from which no further part joins the request. A part
/// has at most 256 pages, if this crate wrote its segment.
pub(crate) const PAGES_AT_ONCE: usize = 512;

/// The parts of consecutive spans of time.
#[derive(Clone, Debug)]
pub struct Spans {
    /// The parts, ordered by span, then in the order of the parts that were cut.
    parts: Vec<Part>,
    /// For each span, the end of its parts.
    ends: Vec<usize>,
}

impl Spans {
    /// Returns the number of spans.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Returns whether there is no span.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Returns the parts of each span, in order of time. No part is empty.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[Part]> {
        let mut left = self.parts.as_slice();
        let mut start = 0;
        self.ends.iter().map(move |end| {
            let (parts, others) = left.split_at(*end - start);
            (left, start) = (others, *end);
            parts
        })
    }

    /// Returns the parts of all spans together.
    pub fn into_parts(self) -> Vec<Part> {
        self.parts
    }
}

/// Rows of a part that lie in one span.
struct SpanRows {
    span: u32,
    /// Position of the part among the parts that are cut.
    part: u32,
    rows: Range<u32>,
}

/// Cuts parts at ascending bounds, in microseconds since 1970 UTC. Span `n` of the result is `[bounds[n],
/// bounds[n + 1])`.
///
/// # Errors
/// The errors of [`Pages`].
#[expect(clippy::indexing_slicing, reason = "a part must not be skipped")]
pub fn cut<P: Pages>(parts: &[Part], bounds: &[i64], pages: &P) -> Result<Spans, P::Error> {
    let mut found: Vec<SpanRows> = Vec::new();
    let mut plans =
        parts.iter().enumerate().map(|(index, part)| CutPlan::new(index, part, bounds)).peekable();
    while plans.peek().is_some() {
        let (mut requested, mut together) = (Vec::new(), Vec::new());
        while let Some(plan) = plans.next_if(|_| requested.len() < PAGES_AT_ONCE) {
            plan.request(&mut requested);
            together.push(plan);
        }
        let read = ReadPages::new(requested, pages)?;
        let mut read = read.cursor();
        for plan in together {
            plan.cut(&mut read, pages, &mut found)?;
        }
    }
    found.sort_unstable_by_key(|rows| (rows.span, rows.part));
    let mut ends = Vec::with_capacity(bounds.len().saturating_sub(1));
    let mut end = 0;
    for span in 0..bounds.len().saturating_sub(1) {
        end += found[end..].partition_point(|rows| rows.span as usize <= span);
        ends.push(end);
    }
    let part = |SpanRows { part, rows, .. }| Part { rows, ..parts[part as usize].clone() };
    Ok(Spans { parts: found.into_iter().map(part).collect(), ends })
}

/// The plan for cutting a part.
struct CutPlan<'p> {
    index: u32,
    part: &'p Part,
    bounds: &'p [i64],
    /// The bounds after the first time of the segment and up to its last time. Earlier bounds are before all
    /// its rows, later ones after them.
    inside: Range<usize>,
}

impl<'p> CutPlan<'p> {
    fn new(index: usize, part: &'p Part, bounds: &'p [i64]) -> Self {
        let (first, last) = (part.head.first_us(), part.head.last_us());
        let until = |time_us: i64| bounds.partition_point(|bound| *bound <= time_us);
        Self { index: count_u32(index), part, bounds, inside: until(first)..until(last) }
    }

    /// Returns the pages of times with bounds inside, each with its bounds.
    ///
    /// The first page begins before all these bounds. The last page that begins before a bound contains it,
    /// or ends right before it.
    fn pages(&self) -> impl Iterator<Item = (u32, Range<usize>)> {
        let fences = self.part.head.time_fences();
        let (mut page, mut next) = (0, self.inside.start);
        std::iter::from_fn(move || {
            let bound = *self.bounds.get(next..self.inside.end)?.first()?;
            page += fences.get(page..)?.partition_point(|first| *first < bound).checked_sub(1)?;
            let inside = self.bounds.get(next..self.inside.end)?;
            let count = match fences.get(page + 1) {
                Some(after) => inside.partition_point(|bound| bound <= after),
                None => inside.len(),
            };
            let bounds = next..next + count;
            next = bounds.end;
            Some((count_u32(page), bounds))
        })
    }

    fn request(&self, requested: &mut Vec<SegmentPage>) {
        requested.extend(self.pages().map(|(page, _)| self.part.page(Column::Times, page)));
    }

    /// Adds the rows of each span with rows, by ascending span, from the requested pages.
    #[expect(clippy::indexing_slicing, reason = "a reading must not be dropped")]
    fn cut<P: Pages>(
        &self,
        read: &mut PageCursor<'_>,
        pages: &P,
        found: &mut Vec<SpanRows>,
    ) -> Result<(), P::Error> {
        let Self { index, part, bounds, .. } = *self;
        // The span whose rows begin at `start`; `None` before the first span.
        let mut span = self.inside.start.checked_sub(1);
        let mut start = 0;
        let mut end_at = |row: u32, span: Option<usize>, start: u32| {
            let rows = start.max(part.rows.start)..row.min(part.rows.end);
            if let Some(span) = span.filter(|span| span + 1 < bounds.len())
                && !rows.is_empty()
            {
                found.push(SpanRows { span: count_u32(span), part: index, rows });
            }
        };
        for (page, mut inside) in self.pages() {
            let times = expect_column(pages, part.segment, read.next_page().as_integers())?;
            let first_row = page * part.head.row_page();
            let mut row = 0;
            while !inside.is_empty() {
                row += times[row..].partition_point(|time| *time < bounds[inside.start]);
                // The other bounds up to this row end spans without rows.
                inside.start += match times.get(row) {
                    Some(time) => bounds[inside.clone()].partition_point(|bound| bound <= time),
                    None => inside.len(),
                };
                let next = first_row + count_u32(row);
                end_at(next, span, start);
                (span, start) = (inside.start.checked_sub(1), next);
            }
        }
        end_at(part.head.readings(), span, start);
        Ok(())
    }
}
