//! The exact sum of a part: whole runs by their stored sums, what stands over at its ends reading by reading.
//!
//! An end of a part lies inside a run. The sum up to there is that of the runs up to the nearer end of this run, and the
//! readings between are added to it, or taken off.

use device_stats_domain::Axis;

use super::cut::page_of_code;
use super::pages::{Pages, SegmentPage, as_dictionary, as_sums};
use super::part::Part;
use crate::{Column, ExactSum, PageId, ROW_PAGE, SUM_RUN, SUMS_PAGE};

/// Readings at an end of a part that are added to, or taken off, the sums of whole runs.
#[derive(Debug)]
pub(super) struct Edge {
    codes: Vec<u32>,
    is_added: bool,
}

/// The end of the whole runs that stand for the readings before `row`.
fn nearest_run(row: u32, readings: u32) -> u32 {
    if row >= readings { readings.div_ceil(SUM_RUN) } else { (row + SUM_RUN / 2) / SUM_RUN }
}

impl Edge {
    /// The edges of a part, from the pages of codes that were read for it.
    pub(super) fn of(part: &Part, codes: &[(u32, &[u32])]) -> Vec<Self> {
        let readings = part.head.readings();
        let mut edges = Vec::with_capacity(2);
        for (row, is_end) in [(part.rows.start, false), (part.rows.end, true)] {
            let run_end = (nearest_run(row, readings) * SUM_RUN).min(readings);
            let between = row.min(run_end)..row.max(run_end);
            let Some((first_row, page)) = codes
                .iter()
                .map(|(index, codes)| (index * ROW_PAGE, *codes))
                .find(|(first_row, _)| *first_row <= between.start && between.start - first_row < ROW_PAGE)
            else {
                continue;
            };
            let between = (between.start - first_row) as usize..(between.end - first_row) as usize;
            let codes = page.get(between).unwrap_or_default().to_vec();
            if !codes.is_empty() {
                // Behind the runs these readings are missing from the sum up to here, else they are too much in it; and
                // the sum up to the start is taken off.
                edges.push(Self { codes, is_added: (row > run_end) == is_end });
            }
        }
        edges
    }
}

/// The exact sums of parts, each with its edges.
pub(super) fn sums<P: Pages>(
    parts: &[(&Part, &[Edge])],
    axis: Axis,
    pages: &P,
) -> Result<Vec<ExactSum>, P::Error> {
    let mut wanted = Vec::new();
    for (part, edges) in parts {
        wanted.extend(sums_pages(part, axis));
        for code in edges.iter().flat_map(|edge| &edge.codes) {
            wanted.push(SegmentPage { segment: part.segment, page: page_of_code(axis, *code).0 });
        }
    }
    let read = pages.read(&wanted)?;
    let mut read = wanted.iter().zip(&read);
    let mut sums = Vec::with_capacity(parts.len());
    for (part, edges) in parts {
        let mut sum = ExactSum::default();
        for (wanted, page) in read.by_ref().take(sums_pages(part, axis).count()) {
            let exponent = part.head.sum_exponent(axis);
            for words in runs_of(part, wanted.page.index, as_sums(pages, part.segment, page)?) {
                sum.add_words(exponent, words);
            }
        }
        for edge in *edges {
            for (code, (_, page)) in edge.codes.iter().zip(read.by_ref()) {
                let dictionary = as_dictionary(pages, part.segment, page)?;
                let value = dictionary.values.get(page_of_code(axis, *code).1).copied().unwrap_or(0.0);
                sum.add(if edge.is_added { value } else { -value });
            }
        }
        sums.push(sum);
    }
    Ok(sums)
}

/// The whole runs that stand for the part.
fn runs(part: &Part) -> std::ops::Range<u32> {
    let readings = part.head.readings();
    nearest_run(part.rows.start, readings)..nearest_run(part.rows.end, readings)
}

fn sums_pages(part: &Part, axis: Axis) -> impl Iterator<Item = SegmentPage> {
    let (runs, segment) = (runs(part), part.segment);
    let pages = if runs.is_empty() { 0..0 } else { runs.start / SUMS_PAGE..(runs.end - 1) / SUMS_PAGE + 1 };
    pages.map(move |index| SegmentPage { segment, page: PageId { column: Column::Sums(axis), index } })
}

/// The sums of a page that belong to the part.
fn runs_of<'s>(part: &Part, index: u32, page: &'s crate::SumsPage) -> impl Iterator<Item = &'s [u64]> {
    let runs = runs(part);
    let first = index * SUMS_PAGE;
    let from = runs.start.saturating_sub(first) as usize;
    let until = runs.end.saturating_sub(first) as usize;
    page.words.chunks(page.words_per_sum.max(1)).take(until).skip(from)
}
