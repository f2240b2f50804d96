//! One axis of a part that is not a whole segment: its readings are counted by their codes.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use super::cut_sums::{ReadEdge, edges, read_edges};
use super::{Part, PartAxis};
use crate::analysis::page_source::{Pages, ReadPages, SegmentPage, contradiction, expect_column};
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
    /// The same counts for the scanned readings.
    starts: Vec<u32>,
    codes: ScannedCodes,
    /// Pages of the dictionary whose readings were counted by value, with these counts.
    counted: RefCell<Vec<(usize, Rc<CumulativeCounts>)>>,
    scanned: Scanned,
    /// Readings at the ends of the part by which the part differs from whole runs.
    pub(crate) edges: Vec<ReadEdge>,
}

/// The scanned codes by page of the dictionary.
#[derive(Debug)]
enum ScannedCodes {
    /// The pages that were read, and the scanned readings of each.
    Pages(Vec<(Arc<Page>, Range<u32>)>),
    /// Copies of the positions in each page of the dictionary. They take less memory than pages.
    /// [`CutColumn::starts`] has the start of each page.
    Copied(Vec<u16>),
}

/// Maximum number of pages of codes requested at once, of 16 KiB each.
const PAGES_MAX: usize = 1024;
/// Maximum number of pages of codes kept until the analysis of the axis ends. Most of these pages are in the
/// cache as well.
const PAGES_KEPT_MAX: usize = 4 * PAGES_MAX;

/// The readings of the segment that are scanned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scanned {
    /// The part.
    Part,
    /// All other readings, because they are fewer.
    Rest,
}

/// Scans parts. Requests many pages at once, within a memory limit.
pub(crate) fn cut_columns<'p, P: Pages>(
    part_axes: &[PartAxis<'p>],
    pages: &P,
) -> Result<Vec<CutColumn<'p>>, P::Error> {
    let mut columns = Vec::with_capacity(part_axes.len());
    let mut plans = part_axes.iter().copied().map(ScanPlan::new).peekable();
    let mut kept = 0;
    while plans.peek().is_some() {
        let mut requested: Vec<SegmentPage> = Vec::new();
        let mut together = Vec::new();
        while let Some(plan) =
            plans.next_if(|plan| requested.is_empty() || requested.len() + plan.pages.len() <= PAGES_MAX)
        {
            requested.extend(&plan.pages);
            together.push(plan);
        }
        let read = ReadPages::new(requested, pages)?;
        let mut read = read.cursor();
        for plan in together {
            let mut column = CutColumn::scan(&plan, read.take(plan.pages.len()), pages)?;
            kept += plan.pages.len();
            if kept > PAGES_KEPT_MAX {
                column.copy_codes();
            }
            columns.push(column);
        }
    }
    Ok(columns)
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
        let PartAxis { part, axis } = part_axis;
        let (scanned, spans) = spans(part);
        let edges = edges(part).map(|edge| edge.readings);
        let indexes: BTreeSet<u32> =
            spans.iter().chain(&edges).flat_map(|rows| part.pages_of(rows)).collect();
        let pages = indexes.into_iter().map(|index| part.page(Column::Codes(axis), index)).collect();
        Self { part_axis, scanned, spans, pages }
    }
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
        let whole = part.head.fences(axis).below;
        let (mut counts, mut codes) = (vec![0; whole.len() - 1], Vec::with_capacity(plan.pages.len()));
        let mut edges = Vec::new();
        for (id, page) in read {
            let sorted = expect_column(pages, part.segment, page.as_codes())?;
            edges.extend(read_edges(part, id.index, sorted));
            for span in spans {
                let readings = part.entries_of(id.index, span);
                if !readings.is_empty() {
                    sorted.count(&readings, &mut counts);
                    codes.push((Arc::clone(page), readings));
                }
            }
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
        let counted = RefCell::default();
        Ok(Self { part_axis, below, starts, codes: ScannedCodes::Pages(codes), counted, scanned, edges })
    }

    /// Copies the codes and releases their pages.
    pub(crate) fn copy_codes(&mut self) {
        let mut copied = Vec::new();
        for index in 0..self.starts.len() - 1 {
            self.each_run(index, |positions| copied.extend_from_slice(positions));
        }
        self.codes = ScannedCodes::Copied(copied);
    }

    /// Calls `take` with the scanned codes of a page of the dictionary, as positions in that page.
    #[expect(clippy::indexing_slicing, reason = "a code must not be dropped")]
    fn each_run(&self, index: usize, mut take: impl FnMut(&[u16])) {
        match &self.codes {
            ScannedCodes::Pages(pages) => {
                for (page, readings) in pages {
                    let Some(codes) = page.as_codes() else { unreachable!("checked by the scan") };
                    take(codes.positions(index, readings));
                }
            }
            ScannedCodes::Copied(positions) => {
                take(&positions[self.starts[index] as usize..self.starts[index + 1] as usize]);
            }
        }
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
    #[expect(clippy::indexing_slicing, reason = "a code must not be dropped")]
    pub(crate) fn counts<P: Pages>(
        &self,
        index: usize,
        page: &DictionaryPage,
        pages: &P,
    ) -> Result<CumulativeCounts, P::Error> {
        let mut counts = vec![0_u32; page.values.len()];
        self.each_run(index, |positions| {
            for position in positions {
                counts[usize::from(*position)] += 1;
            }
        });
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
            let (mut min, mut max) = (u16::MAX, 0);
            self.each_run(first, |positions| min = positions.iter().copied().fold(min, u16::min));
            self.each_run(last, |positions| max = positions.iter().copied().fold(max, u16::max));
            (min.into(), Some(max.into()))
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
