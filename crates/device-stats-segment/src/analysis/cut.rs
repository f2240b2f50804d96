//! One axis of a part that is not a whole segment: its readings counted through their codes.

use std::ops::Range;

use super::pages::{Pages, SegmentPage, as_codes};
use super::part::{Part, count_u32};
use super::sums::Edge;
use crate::{Column, DICTIONARY_PAGE, DictionaryPage, Head, PageId, ROW_PAGE};
use device_stats_domain::Axis;

/// How many readings of a part have a value of each page of the dictionary, and which.
#[derive(Debug)]
pub(super) struct CutColumn<'p> {
    pub(super) part: &'p Part,
    /// For each page, how many readings of the part have a value of an earlier one; then how many readings it has.
    below: Vec<u32>,
    /// The scanned codes by page of the dictionary: of each, its place inside the page.
    places: Vec<u16>,
    /// Where the places of each page begin; then their number.
    starts: Vec<u32>,
    /// What was scanned.
    scanned: Scanned,
    /// What the ends of the part add to the sums of whole runs.
    pub(super) edges: Vec<Edge>,
}

/// Pages of codes that are read at once, of 16 KiB each.
const PAGES_MAX: usize = 1024;

/// Which readings of the segment were scanned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scanned {
    Part,
    /// All others: they were fewer.
    Rest,
}

/// Scans the parts. Asks for many pages at once, but not for more than memory is for.
pub(super) fn cut_columns<'p, P: Pages>(
    parts: &[&'p Part],
    axis: Axis,
    pages: &P,
) -> Result<Vec<CutColumn<'p>>, P::Error> {
    let mut columns = Vec::with_capacity(parts.len());
    let mut plans = parts.iter().map(|part| Plan::of(part, axis)).peekable();
    while plans.peek().is_some() {
        let mut wanted: Vec<SegmentPage> = Vec::new();
        let mut together = Vec::new();
        while let Some(plan) =
            plans.next_if(|plan| wanted.is_empty() || wanted.len() + plan.pages.len() <= PAGES_MAX)
        {
            wanted.extend(&plan.pages);
            together.push(plan);
        }
        let read = pages.read(&wanted)?;
        let mut read = read.iter();
        for plan in together {
            let mut codes = Vec::with_capacity(plan.pages.len());
            for (wanted, page) in plan.pages.iter().zip(read.by_ref()) {
                codes.push((wanted.page.index, as_codes(pages, wanted.segment, page)?));
            }
            columns.push(CutColumn::scan(&plan, axis, &codes));
        }
    }
    Ok(columns)
}

/// What to scan of a part.
struct Plan<'p> {
    part: &'p Part,
    scanned: Scanned,
    spans: [Range<u32>; 2],
    /// The pages of codes in which the spans lie.
    pages: Vec<SegmentPage>,
}

impl<'p> Plan<'p> {
    fn of(part: &'p Part, axis: Axis) -> Self {
        let (scanned, spans) = spans(part);
        let mut pages: Vec<SegmentPage> = Vec::new();
        for span in spans.iter().filter(|span| !span.is_empty()) {
            for index in span.start / ROW_PAGE..=(span.end - 1) / ROW_PAGE {
                let page = PageId { column: Column::Codes(axis), index };
                // Both spans may end in one page.
                if pages.last().is_none_or(|last| last.page != page) {
                    pages.push(SegmentPage { segment: part.segment, page });
                }
            }
        }
        Self { part, scanned, spans, pages }
    }
}

/// What to scan: the readings of the part, or all others.
fn spans(part: &Part) -> (Scanned, [Range<u32>; 2]) {
    let readings = part.head.readings();
    let Range { start, end } = part.rows;
    if part.len() <= readings / 2 {
        (Scanned::Part, [start..end, end..end])
    } else {
        (Scanned::Rest, [0..start, end..readings])
    }
}

impl<'p> CutColumn<'p> {
    fn scan(plan: &Plan<'p>, axis: Axis, codes: &[(u32, &[u32])]) -> Self {
        let Plan { part, scanned, ref spans, .. } = *plan;
        let whole = part.head.fences(axis).below;
        let dictionary_pages = whole.len().saturating_sub(1);
        let runs: Vec<&[u32]> =
            spans.iter().flat_map(|span| codes.iter().map(move |page| inside(page, span))).collect();
        let (starts, places) = sort_by_page(&runs, dictionary_pages);
        let below = match scanned {
            Scanned::Part => starts.clone(),
            Scanned::Rest => whole.iter().zip(&starts).map(|(all, rest)| all.saturating_sub(*rest)).collect(),
        };
        let edges = Edge::of(part, codes);
        Self { part, below, places, starts, scanned, edges }
    }

    /// Like those of a whole segment: see [`Fences::below`](crate::Fences::below).
    pub(super) fn below(&self) -> &[u32] {
        &self.below
    }

    /// The first and the last page of the dictionary of which the part has a value.
    pub(super) fn outer_pages(&self) -> (u32, u32) {
        let readings = self.below.last().copied().unwrap_or(0);
        let first = self.below.partition_point(|below| *below == 0).saturating_sub(1);
        let last = self.below.partition_point(|below| *below < readings).saturating_sub(1);
        (count_u32(first), count_u32(last))
    }

    /// The head of the segment.
    pub(super) fn head(&self) -> &'p Head {
        &self.part.head
    }

    /// For each value of a page of the dictionary, how many readings of the part have that value or a smaller one.
    pub(super) fn until(&self, index: usize, page: &DictionaryPage) -> Vec<u32> {
        let start = self.starts.get(index).copied().unwrap_or(0) as usize;
        let end = self.starts.get(index + 1).copied().unwrap_or(0) as usize;
        let mut counts = vec![0_u32; page.values.len()];
        for place in self.places.get(start..end).unwrap_or_default() {
            if let Some(count) = counts.get_mut(usize::from(*place)) {
                *count += 1;
            }
        }
        let mut scanned = self.starts.get(index).copied().unwrap_or(0);
        for (count, whole) in counts.iter_mut().zip(&page.until) {
            scanned += *count;
            *count = match self.scanned {
                Scanned::Part => scanned,
                Scanned::Rest => whole.saturating_sub(scanned),
            };
        }
        counts
    }
}

/// The codes of a page of codes whose readings lie in a span.
fn inside<'c>((index, codes): &(u32, &'c [u32]), span: &Range<u32>) -> &'c [u32] {
    let first_row = index * ROW_PAGE;
    let from = span.start.saturating_sub(first_row) as usize;
    let until = (span.end.saturating_sub(first_row) as usize).min(codes.len());
    codes.get(from..until).unwrap_or_default()
}

/// Codes sorted by the page of the dictionary they belong to (a counting sort): where each page begins, and the places
/// inside the pages.
fn sort_by_page(runs: &[&[u32]], pages: usize) -> (Vec<u32>, Vec<u16>) {
    let mut starts = vec![0_u32; pages + 1];
    for code in runs.iter().copied().flatten() {
        if let Some(count) = starts.get_mut((code / DICTIONARY_PAGE) as usize + 1) {
            *count += 1;
        }
    }
    let mut total = 0;
    for start in &mut starts {
        total += *start;
        *start = total;
    }
    let mut places = vec![0_u16; total as usize];
    let mut next = starts.clone();
    for code in runs.iter().copied().flatten() {
        if let Some(at) = next.get_mut((code / DICTIONARY_PAGE) as usize) {
            if let Some(place) = places.get_mut(*at as usize) {
                *place = (code % DICTIONARY_PAGE) as u16;
            }
            *at += 1;
        }
    }
    (starts, places)
}

/// The page of the dictionary that holds a code, and its place there.
pub(super) fn page_of_code(axis: Axis, code: u32) -> (PageId, usize) {
    let page = PageId { column: Column::Dictionary(axis), index: code / DICTIONARY_PAGE };
    (page, (code % DICTIONARY_PAGE) as usize)
}
