//! One axis of a part that is not a whole segment: its readings are counted by their codes.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use super::cut_sums::{ReadEdge, edges, read_edges};
use super::{Part, PartAxis};
use crate::analysis::memory_limits::MemoryLimits;
use crate::analysis::page_source::{Pages, ReadPages, SegmentPage, contradiction, expect_column};
use crate::format::code_counts::CodeCounts;
use crate::format::codes_page::CodesPage;
use crate::format::cumulative_counts::CumulativeCounts;
use crate::format::head::Fences;
use crate::format::page::{Column, DictionaryPage, Page, PageId};
use crate::format::page_layout::count_u32;

/// The readings of a part, counted by page of the dictionary and by value.
#[derive(Debug)]
pub(crate) struct CutColumn<'p> {
    pub(crate) part_axis: PartAxis<'p>,
    /// For each page of the dictionary, the number of readings of the part with a value of an earlier page;
    /// the last entry is the number of all readings of the part.
    below: Vec<u32>,
    codes: RefCell<ScannedPages>,
    /// Pages of the dictionary whose readings were counted by value, with these counts.
    counted: RefCell<Vec<(usize, Rc<CumulativeCounts>)>>,
    scanned: Scanned,
    /// Readings at the ends of the part by which the part differs from whole runs.
    pub(crate) edges: Vec<ReadEdge>,
}

/// The pages of the scanned readings.
#[derive(Debug)]
enum ScannedPages {
    /// The pages with the scanned readings.
    Held(Vec<ScannedPage>),
    /// The pages were released, and have to be read again.
    Released,
}

/// Scanned readings in a page of codes.
#[derive(Debug)]
struct ScannedPage {
    page: Arc<Page>,
    readings: Range<u32>,
}

impl ScannedPage {
    /// Returns the readings of the spans in each of these pages of codes.
    fn all<'r, P: Pages>(
        part: &Part,
        spans: &[Range<u32>],
        read: impl Iterator<Item = (PageId, &'r Arc<Page>)>,
        pages: &P,
    ) -> Result<Vec<Self>, P::Error> {
        let mut scanned = Vec::new();
        for (id, page) in read {
            expect_column(pages, part.segment, Codes::of(page))?;
            for readings in spans.iter().map(|span| part.entries_of(id.index, span)) {
                if !readings.is_empty() {
                    scanned.push(Self { page: Arc::clone(page), readings });
                }
            }
        }
        Ok(scanned)
    }

    fn codes(&self) -> Codes<'_> {
        Codes::of(&self.page).unwrap_or_else(|| unreachable!("checked when it was read"))
    }

    /// Counts the scanned readings by page of the dictionary, and adds the results to `counts`.
    fn count(&self, counts: &mut [u32]) {
        match self.codes() {
            Codes::InOrder(codes) => codes.count(&self.readings, counts),
            Codes::Counts(codes) => codes.count(counts),
        }
    }

    /// Adds the number of scanned readings with each value of a page of the dictionary to `counts`.
    #[expect(clippy::indexing_slicing, reason = "a code must not be dropped")]
    fn add_to(&self, index: usize, counts: &mut [u32]) {
        match self.codes() {
            Codes::InOrder(codes) => {
                for position in codes.positions(index, &self.readings) {
                    counts[usize::from(*position)] += 1;
                }
            }
            Codes::Counts(codes) => codes.add_to(index, counts),
        }
    }

    /// Returns the first and the last position in a page of the dictionary that a scanned reading has.
    fn outer_positions(&self, index: usize) -> Option<[usize; 2]> {
        match self.codes() {
            Codes::InOrder(codes) => {
                let positions = codes.positions(index, &self.readings);
                let (min, max) = positions.iter().min().zip(positions.iter().max())?;
                Some([*min, *max].map(usize::from))
            }
            Codes::Counts(codes) => codes.outer_positions(index),
        }
    }
}

/// The codes of a page.
enum Codes<'p> {
    /// Codes in order of time.
    InOrder(&'p CodesPage),
    /// The numbers of readings with each code. All readings of the page are scanned.
    Counts(&'p CodeCounts),
}

impl<'p> Codes<'p> {
    /// Returns the codes of a page; `None` if the page is of another column.
    fn of(page: &'p Page) -> Option<Self> {
        match page {
            Page::Codes(codes) => Some(Self::InOrder(codes)),
            Page::CodeCounts(codes) => Some(Self::Counts(codes)),
            _ => None,
        }
    }
}

/// The readings of the segment that are scanned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scanned {
    /// The part.
    Part,
    /// All other readings, because they are fewer.
    Rest,
}

/// Scans parts. Requests many pages at once, within the limits.
pub(crate) fn cut_columns<'p, P: Pages>(
    part_axes: &[PartAxis<'p>],
    limits: MemoryLimits,
    pages: &P,
) -> Result<Vec<CutColumn<'p>>, P::Error> {
    let mut columns: Vec<CutColumn<'p>> = Vec::with_capacity(part_axes.len());
    let mut plans = part_axes.iter().copied().map(ScanPlan::new).peekable();
    let mut are_released = false;
    while plans.peek().is_some() {
        let mut requested: Vec<SegmentPage> = Vec::new();
        let mut together = Vec::new();
        while let Some(plan) =
            plans.next_if(|plan| requested.is_empty() || requested.len() + plan.pages.len() <= limits.pages)
        {
            requested.extend(&plan.pages);
            together.push(plan);
        }
        {
            let read = ReadPages::new(requested, pages)?;
            let mut read = read.cursor();
            for plan in together {
                let column = CutColumn::scan(&plan, read.take(plan.pages.len()), pages)?;
                if are_released {
                    column.release();
                }
                columns.push(column);
            }
        }
        are_released = are_released || release_if_too_many(columns.iter(), limits);
    }
    Ok(columns)
}

/// Releases the codes of all columns if the cache lacks more of their pages than the limit. Returns whether
/// it did.
pub(crate) fn release_if_too_many<'c, 'p: 'c>(
    columns: impl Iterator<Item = &'c CutColumn<'p>> + Clone,
    limits: MemoryLimits,
) -> bool {
    let is_beyond = columns.clone().map(CutColumn::uncached_codes).sum::<usize>() > limits.codes;
    if is_beyond {
        columns.for_each(CutColumn::release);
    }
    is_beyond
}

/// The plan for scanning a part.
struct ScanPlan<'p> {
    part_axis: PartAxis<'p>,
    scanned: Scanned,
    spans: [Range<u32>; 2],
    /// The pages of codes with the spans and the edges.
    pages: Vec<SegmentPage>,
}

impl<'p> ScanPlan<'p> {
    fn new(part_axis: PartAxis<'p>) -> Self {
        let part = part_axis.part;
        let (scanned, spans) = spans(part);
        let edges = edges(part).map(|edge| edge.readings);
        let indexes: BTreeSet<u32> =
            spans.iter().chain(&edges).flat_map(|rows| part.pages_of(rows)).collect();
        let pages = indexes.into_iter().map(|index| codes_page(part_axis, &spans, index)).collect();
        Self { part_axis, scanned, spans, pages }
    }
}

/// Returns the pages that [`cut_columns`] requests for a part that is not a whole segment.
pub(crate) fn scanned_pages(part_axis: PartAxis<'_>) -> Vec<SegmentPage> {
    ScanPlan::new(part_axis).pages
}

/// Returns the page of codes that a scan of the spans needs. If all readings of the page are scanned, their
/// order does not matter, unless the exact sum needs some of them.
fn codes_page(PartAxis { part, axis }: PartAxis<'_>, spans: &[Range<u32>], index: u32) -> SegmentPage {
    let all = part.entries_of(index, &(0..part.head.readings()));
    let is_scanned = spans.iter().any(|rows| part.entries_of(index, rows) == all);
    let has_edge = || edges(part).iter().any(|edge| !part.entries_of(index, &edge.readings).is_empty());
    let counts = is_scanned && part.head.has_code_counts() && !has_edge();
    part.page(if counts { Column::CodeCounts(axis) } else { Column::Codes(axis) }, index)
}

/// Returns the readings to scan: the part, or the other readings of the segment if they are fewer.
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
    /// Counts the codes of the planned pages.
    fn scan<'r, P: Pages>(
        plan: &ScanPlan<'p>,
        read: impl Iterator<Item = (PageId, &'r Arc<Page>)>,
        pages: &P,
    ) -> Result<Self, P::Error> {
        let ScanPlan { part_axis, scanned, ref spans, .. } = *plan;
        let PartAxis { part, axis } = part_axis;
        let mut edges = Vec::new();
        let read: Vec<(PageId, &Arc<Page>)> = read.collect();
        for (id, page) in &read {
            // A page without order has no edge.
            if let Some(codes) = page.as_codes() {
                edges.extend(read_edges(part, id.index, codes));
            }
        }
        let held = ScannedPage::all(part, spans, read.into_iter(), pages)?;
        let whole = part.head.fences(axis).below;
        let mut counts = vec![0; whole.len() - 1];
        for page in &held {
            page.count(&mut counts);
        }
        let mut starts = Vec::with_capacity(whole.len());
        starts.push(0);
        let mut total = 0;
        starts.extend(counts.into_iter().map(|count| {
            total += count;
            total
        }));
        let below = match scanned {
            Scanned::Part => Some(starts.clone()),
            Scanned::Rest => {
                let rest = whole.iter().zip(&starts).map(|(all, scanned)| all.checked_sub(*scanned));
                rest.collect::<Option<Vec<u32>>>().filter(|below| below.is_sorted())
            }
        };
        let below = below.ok_or_else(|| contradiction(pages, part.segment))?;
        let (counted, codes) = (RefCell::default(), RefCell::new(ScannedPages::Held(held)));
        Ok(Self { part_axis, below, codes, counted, scanned, edges })
    }

    /// Releases the pages of codes and the counts made from them.
    pub(crate) fn release(&self) {
        self.codes.replace(ScannedPages::Released);
        self.forget_counts();
    }

    /// Drops the counts of single pages of the dictionary.
    pub(crate) fn forget_counts(&self) {
        self.counted.take();
    }

    /// Returns whether the pages of codes have to be read again.
    pub(crate) fn is_released(&self) -> bool {
        matches!(*self.codes.borrow(), ScannedPages::Released)
    }

    /// Returns the number of held pages of codes that the cache does not have.
    fn uncached_codes(&self) -> usize {
        match &*self.codes.borrow() {
            // The cache has a reference of its own.
            ScannedPages::Held(held) => held.iter().filter(|page| Arc::strong_count(&page.page) == 1).count(),
            ScannedPages::Released => 0,
        }
    }

    /// Returns the number of [`codes_pages`](Self::codes_pages), or one more.
    pub(crate) fn codes_count(&self) -> usize {
        let part = self.part_axis.part;
        let (_, spans) = spans(part);
        spans.iter().map(|rows| part.pages_of(rows).len()).sum()
    }

    /// Returns the pages of codes of the scanned readings.
    pub(crate) fn codes_pages(&self) -> Vec<SegmentPage> {
        let part = self.part_axis.part;
        let (_, spans) = spans(part);
        let indexes = spans.iter().flat_map(|rows| part.pages_of(rows));
        let mut indexes: Vec<u32> = indexes.collect();
        // Both spans can end in the same page.
        indexes.dedup();
        indexes.into_iter().map(|index| codes_page(self.part_axis, &spans, index)).collect()
    }

    /// Holds the [`codes_pages`](Self::codes_pages) until they are [released](Self::release).
    pub(crate) fn hold<'r, P: Pages>(
        &self,
        read: impl Iterator<Item = (PageId, &'r Arc<Page>)>,
        pages: &P,
    ) -> Result<(), P::Error> {
        let part = self.part_axis.part;
        let (_, spans) = spans(part);
        self.codes.replace(ScannedPages::Held(ScannedPage::all(part, &spans, read, pages)?));
        Ok(())
    }

    /// Calls `take` with each page of scanned readings. Reads released pages for this call only.
    fn each_page<P: Pages>(&self, pages: &P, take: impl FnMut(&ScannedPage)) -> Result<(), P::Error> {
        let was_released = self.is_released();
        if was_released {
            let requested = self.codes_pages();
            let count = requested.len();
            self.hold(ReadPages::new(requested, pages)?.cursor().take(count), pages)?;
        }
        if let ScannedPages::Held(held) = &*self.codes.borrow() {
            held.iter().for_each(take);
        }
        if was_released {
            self.codes.replace(ScannedPages::Released);
        }
        Ok(())
    }

    /// Returns the fences of the dictionary, with the counts of the part.
    pub(crate) fn fences(&self) -> Fences<'_> {
        let PartAxis { part, axis } = self.part_axis;
        Fences { first: part.head.fences(axis).first, below: &self.below }
    }

    /// Returns the first and the last page of the dictionary with a value of the part.
    ///
    /// # Panics
    /// If the part is empty.
    #[expect(clippy::expect_used, reason = "documented")]
    pub(crate) fn outer_pages(&self) -> [usize; 2] {
        let readings = self.part_axis.part.len();
        let until = [
            self.below.partition_point(|below| *below == 0),
            self.below.partition_point(|below| *below < readings),
        ];
        until.map(|until| until.checked_sub(1).expect("no part is empty"))
    }

    /// Returns the same counts as [`Self::counts`], but counts each page once. The pools that contain a part
    /// mostly need the same page.
    pub(crate) fn cached_counts<P: Pages>(
        &self,
        index: usize,
        page: &DictionaryPage,
        pages: &P,
    ) -> Result<Rc<CumulativeCounts>, P::Error> {
        let mut counted = self.counted.borrow_mut();
        if let Some((_, counts)) = counted.iter().find(|(counted, _)| *counted == index) {
            return Ok(Rc::clone(counts));
        }
        let counts = Rc::new(self.counts(index, page, pages)?);
        counted.push((index, Rc::clone(&counts)));
        Ok(counts)
    }

    /// Returns the cumulative counts of the readings of the part in a page of the dictionary.
    #[expect(clippy::indexing_slicing, reason = "a page must not be skipped")]
    pub(crate) fn counts<P: Pages>(
        &self,
        index: usize,
        page: &DictionaryPage,
        pages: &P,
    ) -> Result<CumulativeCounts, P::Error> {
        let mut counts = vec![0_u32; page.values.len()];
        self.each_page(pages, |page| page.add_to(index, &mut counts))?;
        match self.scanned {
            Scanned::Part => {
                let mut until = self.below[index];
                for count in &mut counts {
                    until += *count;
                    *count = until;
                }
            }
            Scanned::Rest => {
                let (mut until, mut whole) = (self.below[index], page.counts.until(0));
                let mut is_contradiction = false;
                for (values, count) in (1..).zip(&mut counts) {
                    let whole_until = page.counts.until(values);
                    let of_value = whole_until - whole;
                    is_contradiction |= *count > of_value;
                    until = until.wrapping_add(of_value.wrapping_sub(*count));
                    (whole, *count) = (whole_until, until);
                }
                if is_contradiction {
                    return Err(contradiction(pages, self.part_axis.part.segment));
                }
            }
        }
        Ok(CumulativeCounts::new(self.below[index], counts))
    }

    /// Returns the smallest and the largest value of the part, from the two
    /// [`outer_pages`](Self::outer_pages).
    pub(crate) fn extremes<P: Pages>(
        &self,
        [low, high]: [&DictionaryPage; 2],
        pages: &P,
    ) -> Result<(f64, f64), P::Error> {
        let [first, last] = self.outer_pages();
        let positions = if self.scanned == Scanned::Part {
            let (mut min, mut max) = (usize::MAX, None);
            self.each_page(pages, |page| {
                min = page.outer_positions(first).map_or(min, |[of_page, _]| min.min(of_page));
                max = max.max(page.outer_positions(last).map(|[_, of_page]| of_page));
            })?;
            (min, max)
        } else {
            let of_low = self.counts(first, low, pages)?;
            (of_low.next(0), self.counts(last, high, pages)?.last(high.values.len()))
        };
        let (min, max) = positions;
        let values = low.values.get(min).copied().zip(max.and_then(|max| high.values.get(max).copied()));
        values.ok_or_else(|| contradiction(pages, self.part_axis.part.segment))
    }
}

/// Returns the pages of the dictionary from the first to the last with a value of the part.
pub(crate) fn dictionary_pages(column: &CutColumn<'_>) -> Vec<SegmentPage> {
    let PartAxis { part, axis } = column.part_axis;
    let [first, last] = column.outer_pages();
    (first..=last).map(|index| part.page(Column::Dictionary(axis), count_u32(index))).collect()
}
