//! The exact sum of a part: the stored sums of whole runs, corrected by single readings at its edges.
//!
//! An edge of a part lies inside a run. The sum of all readings before the edge is the sum of the runs up to
//! the nearer end of this run, plus or minus the readings between this end and the edge.

use std::ops::Range;

use device_stats_domain::Axis;
use device_stats_exact::ExactSum;

use super::{Part, PartAxis};
use crate::analysis::memory_limits::in_pages;
use crate::analysis::page_source::{PageCursor, Pages, SegmentPage, expect_column, expect_dictionary};
use crate::format::codes_page::CodesPage;
use crate::format::page::{Column, SumsPage};

/// Readings at an edge of a part that are added to the sums of whole runs, or subtracted.
#[derive(Debug)]
pub(crate) struct Edge {
    pub(crate) readings: Range<u32>,
    is_added: bool,
}

/// The codes of the readings of an edge in one page of codes.
#[derive(Debug)]
pub(crate) struct ReadEdge {
    codes: Vec<u32>,
    is_added: bool,
}

/// Returns the number of runs from the start of the segment to the end of a run that is nearest to `row`.
fn nearest_run(part: &Part, row: u32) -> u32 {
    let (readings, run) = (part.head.readings(), part.head.sum_run());
    if row >= readings { readings.div_ceil(run) } else { (row + run / 2) / run }
}

/// Returns the edges at the start and at the end of a part.
pub(crate) fn edges(part: &Part) -> [Edge; 2] {
    [(part.rows.start, false), (part.rows.end, true)].map(|(row, is_end)| {
        let run_end = (nearest_run(part, row) * part.head.sum_run()).min(part.head.readings());
        // The sum of the runs lacks the readings from `run_end` to a later edge, and has too many from an
        // earlier edge to `run_end`. The sum up to the start of the part is subtracted, so its corrections
        // have the opposite sign.
        Edge { readings: row.min(run_end)..row.max(run_end), is_added: (row > run_end) == is_end }
    })
}

/// Returns the codes of the edges of a part in a page of codes.
pub(crate) fn read_edges(part: &Part, page: u32, codes: &CodesPage) -> impl Iterator<Item = ReadEdge> {
    edges(part).into_iter().filter_map(move |Edge { readings, is_added }| {
        let readings = part.entries_of(page, &readings);
        (!readings.is_empty()).then(|| ReadEdge { codes: codes.codes(readings), is_added })
    })
}

/// Requests the pages for [`sum`]. Returns the memory by which they exceed typical pages, in pages.
pub(crate) fn request_sum(
    column: PartAxis<'_>,
    edges: &[ReadEdge],
    requested: &mut Vec<SegmentPage>,
) -> usize {
    let PartAxis { part, axis } = column;
    let sums = sums_pages(part, axis);
    let beyond = sums.len() * in_pages(part.head.sums_page_bytes(axis)).saturating_sub(1);
    requested.extend(sums);
    for code in edges.iter().flat_map(|edge| &edge.codes) {
        requested.push(part.page(Column::Dictionary(axis), part.split_code(*code).0));
    }
    beyond
}

/// Returns the exact sum of a column, from the pages of [`request_sum`].
#[expect(clippy::indexing_slicing, reason = "a summand must not be dropped")]
pub(crate) fn sum<P: Pages>(
    column: PartAxis<'_>,
    edges: &[ReadEdge],
    read: &mut PageCursor<'_>,
    pages: &P,
) -> Result<ExactSum, P::Error> {
    let PartAxis { part, axis } = column;
    let exponent = part.head.sum_exponent(axis);
    let mut sum = ExactSum::default();
    for (id, page) in read.take(sums_pages(part, axis).len()) {
        let page = expect_column(pages, part.segment, page.as_sums())?;
        part_runs(part, id.index, page).for_each(|words| sum.add_words(exponent, words));
    }
    for edge in edges {
        for (code, (_, page)) in edge.codes.iter().zip(read.take(edge.codes.len())) {
            let dictionary = expect_dictionary(pages, part.segment, page)?;
            let value = dictionary.values[part.split_code(*code).1];
            sum.add(if edge.is_added { value } else { -value });
        }
    }
    Ok(sum)
}

/// Returns the whole runs whose sums make up the part, except for its edges.
fn runs(part: &Part) -> Range<u32> {
    nearest_run(part, part.rows.start)..nearest_run(part, part.rows.end)
}

fn sums_pages(part: &Part, axis: Axis) -> impl ExactSizeIterator<Item = SegmentPage> {
    let (runs, page) = (runs(part), part.head.sums_page());
    let pages = if runs.is_empty() { 0..0 } else { runs.start / page..(runs.end - 1) / page + 1 };
    pages.map(move |index| part.page(Column::Sums(axis), index))
}

/// Returns the sums of a page that belong to the part.
fn part_runs<'s>(part: &Part, index: u32, page: &'s SumsPage) -> impl Iterator<Item = &'s [u64]> {
    let runs = runs(part);
    let first = index * part.head.sums_page();
    let from = runs.start.saturating_sub(first) as usize;
    let until = runs.end.saturating_sub(first) as usize;
    page.words.chunks(page.words_per_sum).take(until).skip(from)
}
