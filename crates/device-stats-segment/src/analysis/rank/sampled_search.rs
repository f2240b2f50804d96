//! The search for ranks in more pages than fit in memory.
//!
//! It works like the [search in memory](super::rank_search), but keeps no pages. Each round reads the pages
//! inside the brackets, a few columns at a time, and keeps a sample of their values with exact cumulative
//! counts. The samples narrow the brackets, so the next round finds fewer values in them. A column whose
//! values inside the bracket are few keeps all of them, and is not read again. Two rounds are usually enough.
//! All ranks are searched in the same rounds, so that a page of codes is read once per round.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use device_stats_exact::{OrderKey, double_from_key};

use super::bracket::{Bounds, Bracket, Outline, bracket};
use super::multi_column_search::search;
use super::pool::Pool;
use super::rank_search::{few_candidates, run};
use super::selection::Run;
use crate::analysis::batch::{Batch, Needs};
use crate::analysis::memory_limits::MemoryLimits;
use crate::analysis::page_source::{PageCursor, Pages};
use crate::analysis::part::part_column::PartColumn;
use crate::format::head::Fences;
use crate::format::page::Page;

/// Factor by which the sample of a column grows whenever the column is read again.
const SAMPLE_GROWTH: usize = 4;
/// Maximum number of pages that a round may read again although they are not in memory any more. With more,
/// fewer ranks are searched in the same rounds.
const PAGES_AGAIN_MAX: usize = 4096;

/// Returns the values of each rank and of the rank after it. For the last rank, returns its value twice. Each
/// rank has a bracket that encloses it and the next one.
///
/// # Panics
/// If the pool has no such rank, which is a mistake of the caller.
pub(crate) fn find_ranks<P: Pages>(
    pool: Pool<'_>,
    ranks: &[(u64, Bracket)],
    limits: MemoryLimits,
    pages: &P,
) -> Result<Vec<(f64, f64)>, P::Error> {
    let columns = pool.columns.len();
    let mut at_once = limits.values / (columns * limits.sample);
    if pool.released_codes() == 0 {
        // Most columns have one or two pages in a bracket. If they are still in the cache in the next round,
        // that round is cheap.
        at_once = at_once.min(PAGES_AGAIN_MAX / (2 * columns));
    }
    let mut found = Vec::with_capacity(ranks.len());
    for ranks in ranks.chunks(at_once.max(1)) {
        let mut searches: Vec<SampledSearch<'_>> =
            ranks.iter().map(|(rank, bracket)| SampledSearch::new(pool, *rank, *bracket)).collect();
        while read_round(pool, &mut searches, limits, pages)? {}
        for search in searches {
            found.push(search.select().ok_or_else(|| pool.contradiction(pages))?);
        }
    }
    Ok(found)
}

/// Narrows the brackets and reads pages in them. Returns false if nothing is left to read.
fn read_round<P: Pages>(
    pool: Pool<'_>,
    searches: &mut [SampledSearch<'_>],
    limits: MemoryLimits,
    pages: &P,
) -> Result<bool, P::Error> {
    let candidates: Vec<Vec<Range<usize>>> = searches.iter_mut().map(|search| search.narrow(pool)).collect();
    if candidates.iter().flatten().all(Range::is_empty) {
        return Ok(false);
    }
    let of_column = |index: usize| candidates.iter().filter_map(move |ranges| ranges.get(index)).cloned();
    let mut keep = |work: ColumnPages<'_>, read: &mut PageCursor<'_>| {
        let ColumnPages { index, column, indexes } = work;
        let count = indexes.len();
        let read: Vec<(usize, &Arc<Page>)> =
            indexes.into_iter().zip(read.take(count)).map(|(index, (_, page))| (index, page)).collect();
        for (search, range) in searches.iter_mut().zip(of_column(index)) {
            if !range.is_empty() {
                let inside = read.iter().filter(|(page, _)| range.contains(page)).map(|(_, page)| *page);
                search.keep(index, column, &range, inside, limits.sample, pages)?;
            }
        }
        Ok(())
    };
    let mut batch = Batch::new(limits.pages);
    for (index, column) in pool.columns.iter().enumerate() {
        let indexes: BTreeSet<usize> = of_column(index).flatten().collect();
        if indexes.is_empty() {
            continue;
        }
        // The page of hot readings is in memory.
        let indexes = if matches!(column, PartColumn::Hot(_)) { BTreeSet::new() } else { indexes };
        let requested = indexes.iter().map(|index| column.dictionary_page(*index)).collect();
        let needs = Needs::new(std::slice::from_ref(column), requested);
        batch.add(ColumnPages { index, column, indexes }, needs, pages, &mut keep)?;
    }
    batch.run_all(pages, &mut keep)?;
    Ok(true)
}

/// The pages of a column that a round reads.
struct ColumnPages<'c> {
    /// Index of the column in the pool.
    index: usize,
    column: &'c PartColumn<'c>,
    /// Indexes of the pages in the dictionary; empty for hot readings.
    indexes: BTreeSet<usize>,
}

/// The search for one rank.
struct SampledSearch<'c> {
    /// The rank; the smallest reading has rank 0.
    rank: u64,
    /// Number of readings of the pool.
    count: u64,
    /// Encloses the rank and the next one.
    bracket: Bracket,
    /// The known entries of each column.
    outlines: Vec<ColumnOutline<'c>>,
}

/// The known entries of a column.
enum ColumnOutline<'c> {
    /// The first value of each page.
    Fences(Fences<'c>),
    /// Some of the values inside the bracket, and the number of values to keep at most.
    Sample(Values, usize),
    /// All values inside the bracket.
    Complete(Values),
}

/// Values of a column inside a bracket.
#[derive(Default)]
struct Values {
    /// The keys of the values, ascending.
    keys: Vec<u64>,
    /// For each value, the number of readings of the column with a smaller value; then the number of readings
    /// up to the end of the bracket. One longer than `keys`.
    below: Vec<u32>,
}

#[expect(clippy::indexing_slicing, reason = "an entry must not be skipped")]
impl Outline for &ColumnOutline<'_> {
    fn len(&self) -> usize {
        match self {
            ColumnOutline::Fences(fences) => fences.first.len(),
            ColumnOutline::Sample(values, _) | ColumnOutline::Complete(values) => values.keys.len(),
        }
    }

    fn key(&self, position: usize) -> u64 {
        match self {
            ColumnOutline::Fences(fences) => fences.first[position].order_key(),
            ColumnOutline::Sample(values, _) | ColumnOutline::Complete(values) => values.keys[position],
        }
    }

    fn is_value(&self, _: usize) -> bool {
        matches!(self, ColumnOutline::Complete(_))
    }

    fn before(&self, position: usize) -> u64 {
        match self {
            ColumnOutline::Fences(fences) => fences.before(position),
            ColumnOutline::Sample(values, _) | ColumnOutline::Complete(values) => {
                values.below[position].into()
            }
        }
    }
}

#[expect(clippy::indexing_slicing, reason = "a column must not be skipped")]
impl<'c> SampledSearch<'c> {
    fn new(pool: Pool<'c>, rank: u64, bracket: Bracket) -> Self {
        pool.check_rank(rank);
        let outlines = pool.columns.iter().map(|column| ColumnOutline::Fences(column.fences())).collect();
        Self { rank, count: pool.count, bracket, outlines }
    }

    /// Narrows the bracket, and returns the pages of each column that are to be read now: all pages in the
    /// bracket. If these are many, returns only the pages of the columns with few. They narrow the bracket
    /// for the other columns.
    fn narrow(&mut self, pool: Pool<'_>) -> Vec<Range<usize>> {
        let outlines: Vec<&ColumnOutline<'_>> = self.outlines.iter().collect();
        let Bracket { low, high } = bracket(&outlines, self.rank, self.rank + 1);
        self.bracket = Bracket { low: low.max(self.bracket.low), high: high.min(self.bracket.high) };
        let candidates = pool.columns.iter().zip(&self.outlines).map(|(column, outline)| match outline {
            ColumnOutline::Complete(_) => 0..0,
            _ => column.fences().pages_in(self.bracket),
        });
        let mut candidates: Vec<Range<usize>> = candidates.collect();
        for ((column, outline), range) in pool.columns.iter().zip(&mut self.outlines).zip(&candidates) {
            if range.is_empty() && !matches!(outline, ColumnOutline::Complete(_)) {
                let below = column.fences().below[range.start];
                *outline = ColumnOutline::Complete(Values { keys: Vec::new(), below: vec![below] });
            }
        }
        let few = few_candidates(candidates.iter().filter(|range| !range.is_empty()).map(Range::len));
        candidates.iter_mut().filter(|range| range.len() > few).for_each(|range| *range = 0..0);
        candidates
    }

    /// Keeps values of a column inside the bracket: all, or a sample if there are many. The first sample of a
    /// column has about `sample` values. A later one has more, so that the search ends.
    fn keep<'r, P: Pages>(
        &mut self,
        index: usize,
        column: &PartColumn<'_>,
        range: &Range<usize>,
        read: impl Iterator<Item = &'r Arc<Page>>,
        sample: usize,
        pages: &P,
    ) -> Result<(), P::Error> {
        let read = match column {
            PartColumn::Hot(hot) => run(column, range, std::iter::once(&hot.dictionary), pages)?,
            _ => run(column, range, read, pages)?,
        };
        let sample = match self.outlines[index] {
            ColumnOutline::Sample(_, sample) => sample.saturating_mul(SAMPLE_GROWTH),
            _ => sample,
        };
        let before = column.fences().below[range.start];
        self.outlines[index] = Values::inside(&read, before, self.bracket).thin(sample);
        Ok(())
    }

    /// Returns the values of the rank and of the next one; `None` if counts contradict each other.
    fn select(&self) -> Option<(f64, f64)> {
        let columns: Vec<Bounds<&ColumnOutline<'_>, true>> = self.outlines.iter().map(Bounds).collect();
        let spans: Vec<Range<usize>> = columns.iter().map(|column| 0..column.0.len()).collect();
        let found = search(&columns, &spans, self.rank + 1)?;
        let value = double_from_key(found.key);
        let positions = || columns.iter().zip(&found.positions);
        let until: u64 = positions().map(|(column, position)| column.0.before(*position)).sum();
        let is_last = self.rank + 1 == self.count;
        if until > self.rank + 1 || is_last {
            return Some((value, value));
        }
        let after = positions().filter(|(column, position)| **position < column.0.len());
        let next = after.map(|(column, position)| column.0.key(*position)).min()?;
        Some((value, double_from_key(next)))
    }
}

impl Values {
    /// Returns the values of a run that are inside a bracket and that at least one reading has. `before` is
    /// the number of readings before the run.
    fn inside(run: &Run<'_, f64>, before: u32, bracket: Bracket) -> Self {
        let (mut values, mut last) = (Self::default(), before);
        for (numbers, counts) in &run.pages {
            let from = numbers.partition_point(|number| number.order_key() < bracket.low);
            let to = numbers.partition_point(|number| number.order_key() <= bracket.high);
            if from > 0 {
                last = counts.until(from);
            }
            for (position, number) in numbers.iter().enumerate().take(to).skip(from) {
                let until = counts.until(position + 1);
                if until > last {
                    values.keys.push(number.order_key());
                    values.below.push(last);
                }
                last = until;
            }
        }
        values.below.push(last);
        values
    }

    /// Keeps about `sample` of the values, if there are more.
    fn thin(mut self, sample: usize) -> ColumnOutline<'static> {
        let step = self.keys.len().div_ceil(sample);
        if step <= 1 {
            return ColumnOutline::Complete(self);
        }
        let end = self.below.pop();
        let keys = self.keys.into_iter().step_by(step).collect();
        let below = self.below.into_iter().step_by(step).chain(end).collect();
        ColumnOutline::Sample(Self { keys, below }, sample)
    }
}
