//! One axis of a part that is not a whole segment: its readings counted through their codes.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use crate::analysis::page_source::{Pages, SegmentPage, as_codes};
use crate::analysis::part::cut_sums::{ReadEdge, edges, read_edges};
use crate::analysis::part::{Part, PartAxis, count_u32};
use crate::{CodesPage, Column, Counts, DictionaryPage, Page, PageId};

/// How many readings of a part have a value of each page of the dictionary, and which.
#[derive(Debug)]
pub(crate) struct CutColumn<'p> {
    pub(crate) of: PartAxis<'p>,
    /// For each page, how many readings of the part have a value of an earlier one; then how many readings it has.
    below: Vec<u32>,
    /// The same of the readings that were scanned.
    starts: Vec<u32>,
    codes: Codes,
    /// What was counted of single pages of the dictionary.
    counted: RefCell<Vec<(usize, Rc<Counts>)>>,
    /// What was scanned.
    scanned: Scanned,
    /// What the ends of the part add to the sums of whole runs.
    pub(crate) edges: Vec<ReadEdge>,
}

/// The scanned codes by page of the dictionary.
#[derive(Debug)]
enum Codes {
    /// In the pages they were read in: of each, which of its readings.
    Pages(Vec<(Arc<Page>, Range<u32>)>),
    /// Copied, which takes less memory: of each its place inside its page of the dictionary. Where a page of the dictionary
    /// begins is in [`CutColumn::starts`].
    Copied(Vec<u16>),
}

/// Pages of codes that are read at once, of 16 KiB each.
const PAGES_MAX: usize = 1024;
/// Pages of codes that are kept until an axis is analyzed. They are in the cache as well, mostly.
const PAGES_KEPT_MAX: usize = 4 * PAGES_MAX;

/// Which readings of the segment were scanned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scanned {
    Part,
    /// All others: they were fewer.
    Rest,
}

/// Scans the parts. Asks for many pages at once, but not for more than memory is for.
pub(crate) fn cut_columns<'p, P: Pages>(
    of: &[PartAxis<'p>],
    pages: &P,
) -> Result<Vec<CutColumn<'p>>, P::Error> {
    let mut columns = Vec::with_capacity(of.len());
    let mut plans = of.iter().copied().map(Plan::of).peekable();
    let mut kept = 0;
    while plans.peek().is_some() {
        let mut wanted: Vec<SegmentPage> = Vec::new();
        let mut together = Vec::new();
        while let Some(plan) =
            plans.next_if(|plan| wanted.is_empty() || wanted.len() + plan.pages.len() <= PAGES_MAX)
        {
            wanted.extend(&plan.pages);
            together.push(plan);
        }
        let mut read = pages.read(&wanted)?.into_iter();
        for plan in together {
            let mut column = CutColumn::scan(&plan, read.by_ref().take(plan.pages.len()), pages)?;
            kept += plan.pages.len();
            if kept > PAGES_KEPT_MAX {
                column.copy_codes();
            }
            columns.push(column);
        }
    }
    Ok(columns)
}

/// What to scan of a part.
struct Plan<'p> {
    of: PartAxis<'p>,
    scanned: Scanned,
    spans: [Range<u32>; 2],
    /// The pages of codes in which the spans and the edges lie.
    pages: Vec<SegmentPage>,
}

impl<'p> Plan<'p> {
    fn of(of: PartAxis<'p>) -> Self {
        let PartAxis { part, axis } = of;
        let (scanned, spans) = spans(part);
        let edges = edges(part).map(|edge| edge.readings);
        let indexes: BTreeSet<u32> =
            spans.iter().chain(&edges).flat_map(|rows| part.pages_of(rows)).collect();
        let page = |index| PageId { column: Column::Codes(axis), index };
        let pages = indexes
            .into_iter()
            .map(|index| SegmentPage { segment: part.segment, page: page(index) })
            .collect();
        Self { of, scanned, spans, pages }
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
    /// Counts the codes of the pages that the plan asks for.
    fn scan<P: Pages>(
        plan: &Plan<'p>,
        read: impl Iterator<Item = Arc<Page>>,
        pages: &P,
    ) -> Result<Self, P::Error> {
        let Plan { of, scanned, ref spans, .. } = *plan;
        let PartAxis { part, axis } = of;
        let whole = part.head.fences(axis).below;
        let (mut starts, mut codes) = (vec![0; whole.len()], Vec::with_capacity(plan.pages.len()));
        let mut edges_read = Vec::new();
        for (wanted, page) in plan.pages.iter().zip(read) {
            let sorted = as_codes(pages, part.segment, &page)?;
            edges_read.extend(read_edges(part, wanted.page.index, sorted));
            for span in spans {
                let readings = part.entries_of(wanted.page.index, span);
                if !readings.is_empty() {
                    sorted.count(&readings, starts.get_mut(1..).unwrap_or_default());
                    codes.push((Arc::clone(&page), readings));
                }
            }
        }
        let mut total = 0;
        for start in &mut starts {
            total += *start;
            *start = total;
        }
        let below = match scanned {
            Scanned::Part => starts.clone(),
            Scanned::Rest => whole.iter().zip(&starts).map(|(all, rest)| all.saturating_sub(*rest)).collect(),
        };
        Ok(Self {
            of,
            below,
            starts,
            codes: Codes::Pages(codes),
            counted: RefCell::default(),
            scanned,
            edges: edges_read,
        })
    }

    /// Lets go of the pages.
    pub(crate) fn copy_codes(&mut self) {
        let mut copied = Vec::with_capacity(self.starts.last().copied().unwrap_or(0) as usize);
        for index in 0..self.starts.len().saturating_sub(1) {
            self.each_run(index, |places| copied.extend_from_slice(places));
        }
        self.codes = Codes::Copied(copied);
    }

    /// Hands out the scanned codes of a page of the dictionary, as places inside of it.
    fn each_run(&self, index: usize, mut take: impl FnMut(&[u16])) {
        match &self.codes {
            Codes::Pages(pages) => {
                for (page, readings) in pages {
                    if let Page::Codes(codes) = &**page {
                        take(CodesPage::places(codes, index, readings));
                    }
                }
            }
            Codes::Copied(places) => {
                let start = self.starts.get(index).copied().unwrap_or(0) as usize;
                let end = self.starts.get(index + 1).copied().unwrap_or(0) as usize;
                take(places.get(start..end).unwrap_or_default());
            }
        }
    }

    /// Like those of a whole segment: see [`Fences::below`](crate::Fences::below).
    pub(crate) fn below(&self) -> &[u32] {
        &self.below
    }

    /// The first and the last page of the dictionary of which the part has a value.
    pub(crate) fn outer_pages(&self) -> (u32, u32) {
        let readings = self.below.last().copied().unwrap_or(0);
        let first = self.below.partition_point(|below| *below == 0).saturating_sub(1);
        let last = self.below.partition_point(|below| *below < readings).saturating_sub(1);
        (count_u32(first), count_u32(last))
    }

    /// As [`Self::count`], but counted once: the pools that a part is in mostly ask for the same page.
    pub(crate) fn counts(&self, index: usize, page: &DictionaryPage) -> Rc<Counts> {
        let mut counted = self.counted.borrow_mut();
        if let Some((_, counts)) = counted.iter().find(|(counted, _)| *counted == index) {
            return Rc::clone(counts);
        }
        let counts = Rc::new(self.count(index, page));
        counted.push((index, Rc::clone(&counts)));
        counts
    }

    /// How many readings of the part have the first so many values of a page of the dictionary.
    pub(crate) fn count(&self, index: usize, page: &DictionaryPage) -> Counts {
        let mut counts = vec![0_u32; page.values.len()];
        self.each_run(index, |places| {
            for place in places {
                if let Some(count) = counts.get_mut(usize::from(*place)) {
                    *count += 1;
                }
            }
        });
        let mut scanned = self.starts.get(index).copied().unwrap_or(0);
        for (places, count) in (1..).zip(&mut counts) {
            scanned += *count;
            *count = match self.scanned {
                Scanned::Part => scanned,
                Scanned::Rest => page.counts.until(places).saturating_sub(scanned),
            };
        }
        Counts::new(self.below.get(index).copied().unwrap_or(0), counts)
    }

    /// The places of the first and of the last value that the part has of two pages of the dictionary.
    pub(crate) fn outer_places(
        &self,
        (first, low): (u32, &DictionaryPage),
        (last, high): (u32, &DictionaryPage),
    ) -> Option<(usize, usize)> {
        if self.scanned == Scanned::Part {
            let (mut min, mut max) = (u16::MAX, 0);
            self.each_run(first as usize, |places| min = places.iter().copied().fold(min, u16::min));
            self.each_run(last as usize, |places| max = places.iter().copied().fold(max, u16::max));
            return Some((min.into(), max.into()));
        }
        let (of_low, of_high) = (self.count(first as usize, low), self.count(last as usize, high));
        let min = of_low.next(0);
        let max = of_high.last(high.values.len())?;
        (min < low.values.len()).then_some((min, max))
    }
}
