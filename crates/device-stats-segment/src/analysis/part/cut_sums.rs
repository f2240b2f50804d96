//! The exact sum of a part: whole runs by their stored sums, what stands over at its ends reading by reading.
//!
//! An end of a part lies inside a run. The sum up to there is that of the runs up to the nearer end of this run, and the
//! readings between are added to it, or taken off.

use std::ops::Range;
use std::sync::Arc;

use device_stats_domain::Axis;

use crate::analysis::page_source::{Pages, SegmentPage, as_dictionary, as_sums};
use crate::analysis::part::cut_column::CutColumn;
use crate::analysis::part::{Part, PartAxis};
use crate::{CodesPage, Column, ExactSum, Page, PageId};

/// Readings at an end of a part that are added to, or taken off, the sums of whole runs.
#[derive(Debug)]
pub(crate) struct Edge {
    pub(crate) readings: Range<u32>,
    is_added: bool,
}

/// The edges of a part, as far as they lie in one page of codes: the codes of their readings.
#[derive(Debug)]
pub(crate) struct ReadEdge {
    codes: Vec<u32>,
    is_added: bool,
}

/// The end of the whole runs that stand for the readings before `row`, of all of the segment.
fn nearest_run(part: &Part, row: u32) -> u32 {
    let (readings, run) = (part.head.readings(), part.head.sum_run());
    if row >= readings { readings.div_ceil(run) } else { (row + run / 2) / run }
}

/// The edges of a part at its start and its end.
pub(crate) fn edges(part: &Part) -> [Edge; 2] {
    [(part.rows.start, false), (part.rows.end, true)].map(|(row, is_end)| {
        let run_end = (nearest_run(part, row) * part.head.sum_run()).min(part.head.readings());
        // Behind the runs these readings are missing from the sum up to here, else they are too much in it; and the sum
        // up to the start is taken off.
        Edge { readings: row.min(run_end)..row.max(run_end), is_added: (row > run_end) == is_end }
    })
}

/// What the edges of a part have in a page of codes.
pub(crate) fn read_edges(part: &Part, page: u32, codes: &CodesPage) -> impl Iterator<Item = ReadEdge> {
    edges(part).into_iter().filter_map(move |Edge { readings, is_added }| {
        let readings = part.entries_of(page, &readings);
        (!readings.is_empty()).then(|| ReadEdge { codes: codes.codes(readings), is_added })
    })
}

/// Adds the pages that [`sum`] needs.
pub(crate) fn want_sum(column: &CutColumn<'_>, wanted: &mut Vec<SegmentPage>) {
    let PartAxis { part, axis } = column.of;
    wanted.extend(sums_pages(part, axis));
    for code in column.edges.iter().flat_map(|edge| &edge.codes) {
        wanted.push(SegmentPage { segment: part.segment, page: part.page_of_code(axis, *code).0 });
    }
}

/// The exact sum of a column. The pages come in the order in which [`want_sum`] asked for them.
pub(crate) fn sum<'r, P: Pages>(
    column: &CutColumn<'_>,
    read: &mut impl Iterator<Item = (&'r SegmentPage, &'r Arc<Page>)>,
    pages: &P,
) -> Result<ExactSum, P::Error> {
    let PartAxis { part, axis } = column.of;
    let mut sum = ExactSum::default();
    for (wanted, page) in read.by_ref().take(sums_pages(part, axis).count()) {
        let exponent = part.head.sum_exponent(axis);
        for words in runs_of(part, wanted.page.index, as_sums(pages, part.segment, page)?) {
            sum.add_words(exponent, words);
        }
    }
    for edge in &column.edges {
        for (code, (_, page)) in edge.codes.iter().zip(read.by_ref()) {
            let dictionary = as_dictionary(pages, part.segment, page)?;
            let value = dictionary.values.get(part.page_of_code(axis, *code).1).copied().unwrap_or(0.0);
            sum.add(if edge.is_added { value } else { -value });
        }
    }
    Ok(sum)
}

/// The whole runs that stand for the part.
fn runs(part: &Part) -> Range<u32> {
    nearest_run(part, part.rows.start)..nearest_run(part, part.rows.end)
}

fn sums_pages(part: &Part, axis: Axis) -> impl Iterator<Item = SegmentPage> {
    let (runs, segment, page) = (runs(part), part.segment, part.head.sums_page());
    let pages = if runs.is_empty() { 0..0 } else { runs.start / page..(runs.end - 1) / page + 1 };
    pages.map(move |index| SegmentPage { segment, page: PageId { column: Column::Sums(axis), index } })
}

/// The sums of a page that belong to the part.
fn runs_of<'s>(part: &Part, index: u32, page: &'s crate::SumsPage) -> impl Iterator<Item = &'s [u64]> {
    let runs = runs(part);
    let first = index * part.head.sums_page();
    let from = runs.start.saturating_sub(first) as usize;
    let until = runs.end.saturating_sub(first) as usize;
    page.words.chunks(page.words_per_sum.max(1)).take(until).skip(from)
}
