//! The search for an order statistic: fences determine a few pages, and the value is selected in these.
//!
//! Fences give cumulative counts. The count of a value between two fences is uncertain by the readings of one
//! page. A segment with few distinct values has very many readings per page of its dictionary, so its fences
//! leave a wide bracket. This segment has few pages inside the bracket, but other segments may have very
//! many. If the bracket has many pages in all, the pages of segments with few of them are read first. They
//! narrow the bracket for the other segments.

use std::ops::Range;
use std::sync::Arc;

use super::bracket::{Bracket, KnownColumn, bracket};
use super::pool::Pool;
use super::selection::{Run, select};
use crate::analysis::page_source::{PageCursor, Pages, ReadPages, SegmentPage};
use crate::analysis::part::part_column::PartColumn;
use crate::format::page::Page;

/// Number of candidate pages per column that are read without first narrowing the bracket.
const PAGES_FEW: usize = 4;
/// Maximum number of rounds that read pages to narrow the bracket.
const ROUNDS_MAX: usize = 4;

/// The search for one rank in a pool.
#[derive(Debug)]
pub(crate) struct RankSearch {
    /// The rank; the smallest reading has rank 0.
    rank: u64,
    /// For each column, its pages that may hold the rank.
    columns: Vec<CandidatePages>,
    /// Encloses the rank and the next one.
    pub(crate) bracket: Bracket,
    /// Number of pages that the search holds.
    pub(crate) held: usize,
    /// Number of these pages that were not in the cache.
    pub(crate) loaded: usize,
}

/// Consecutive pages of a column that may hold the rank.
#[derive(Debug)]
enum CandidatePages {
    Unread(Range<usize>),
    Read(Range<usize>, Vec<Arc<Page>>),
}

impl RankSearch {
    /// Brackets a rank and the next one.
    ///
    /// # Panics
    /// If the pool has no such rank, which is a mistake of the caller.
    pub(crate) fn start<P: Pages>(pool: Pool<'_>, rank: u64, pages: &P) -> Result<Self, P::Error> {
        pool.check_rank(rank);
        let all = |column: &PartColumn<'_>| match column {
            PartColumn::Hot(hot) => CandidatePages::Read(0..1, vec![Arc::clone(&hot.dictionary)]),
            _ => CandidatePages::Unread(0..column.fences().first.len()),
        };
        let columns = pool.columns.iter().map(all).collect();
        let mut search = Self { rank, bracket: Bracket::ALL, columns, held: 0, loaded: 0 };
        search.narrow(pool, pages)?;
        Ok(search)
    }

    /// Reads some pages at once if that saves many others. Returns false if the search would load more than
    /// `loaded_max` pages.
    pub(crate) fn read_few_first<P: Pages>(
        &mut self,
        pool: Pool<'_>,
        loaded_max: usize,
        pages: &P,
    ) -> Result<bool, P::Error> {
        for _ in 0..ROUNDS_MAX {
            let few = self.few_candidates();
            if few == usize::MAX {
                break;
            }
            if !self.read_few(pool, few, loaded_max, pages)? {
                return Ok(false);
            }
            self.narrow(pool, pages)?;
        }
        Ok(true)
    }

    /// Returns whether [`read_few_first`](Self::read_few_first) would read pages.
    pub(crate) fn has_few_to_read(&self) -> bool {
        self.few_candidates() < usize::MAX
    }

    /// Returns the pages that the search still has to read.
    pub(crate) fn requested(&self, pool: Pool<'_>) -> Vec<SegmentPage> {
        self.unread(pool, usize::MAX).collect()
    }

    /// Returns the values of the rank and of the next rank, from the [requested](Self::requested) pages. For
    /// the last rank, returns its value twice.
    pub(crate) fn finish<P: Pages>(
        &self,
        pool: Pool<'_>,
        read: &mut PageCursor<'_>,
        pages: &P,
    ) -> Result<(f64, f64), P::Error> {
        let mut runs = Vec::with_capacity(pool.columns.len());
        let mut below = 0;
        for (column, candidates) in pool.columns.iter().zip(&self.columns) {
            let range = match candidates {
                CandidatePages::Unread(range) => {
                    runs.push(run(column, range, read.take(range.len()).map(|(_, page)| page), pages)?);
                    range
                }
                CandidatePages::Read(range, of_column) => {
                    runs.push(run(column, range, of_column.iter(), pages)?);
                    range
                }
            };
            below += column.fences().before(range.start);
        }
        let is_last = self.rank + 1 == pool.count;
        match self.rank.checked_sub(below).map(|rank| select(&runs, rank)) {
            Some((Some(value), Some(next))) => Ok((value, next)),
            Some((Some(value), None)) if is_last => Ok((value, value)),
            _ => Err(pool.contradiction(pages)),
        }
    }

    /// Computes the bracket from all known pages, and keeps the pages of each unread column that may still
    /// hold the rank.
    fn narrow<P: Pages>(&mut self, pool: Pool<'_>, pages: &P) -> Result<(), P::Error> {
        let runs = pool.columns.iter().zip(&self.columns).map(|(column, candidates)| match candidates {
            CandidatePages::Unread(_) => Ok(None),
            CandidatePages::Read(range, read) => Ok(Some((range, run(column, range, read.iter(), pages)?))),
        });
        let runs = runs.collect::<Result<Vec<_>, _>>()?;
        let known = pool.columns.iter().zip(&runs).map(|(column, run)| match run {
            None => KnownColumn::from_fences(column.fences()),
            Some((range, run)) => KnownColumn::with_pages(column.fences(), range, run),
        });
        self.bracket = bracket(&known.collect::<Vec<_>>(), self.rank, self.rank + 1);
        for (column, candidates) in pool.columns.iter().zip(&mut self.columns) {
            if let CandidatePages::Unread(range) = candidates {
                *range = column.fences().pages_in(self.bracket);
            }
        }
        Ok(())
    }

    /// Returns the number of candidate pages up to which a column is read before the others;
    /// [`usize::MAX`] if there are few pages in all.
    fn few_candidates(&self) -> usize {
        let unread = self.columns.iter().filter_map(|candidates| match candidates {
            CandidatePages::Unread(range) => Some(range.len()),
            CandidatePages::Read(..) => None,
        });
        few_candidates(unread)
    }

    /// Reads the candidate pages of the columns with at most `few` of them. Returns false if the search would
    /// load more than `loaded_max` pages.
    fn read_few<P: Pages>(
        &mut self,
        pool: Pool<'_>,
        few: usize,
        loaded_max: usize,
        pages: &P,
    ) -> Result<bool, P::Error> {
        let requested: Vec<SegmentPage> = self.unread(pool, few).collect();
        let count = requested.len();
        let missing_max = loaded_max.saturating_sub(self.loaded);
        let Some(read) = ReadPages::if_few_are_missing(requested, missing_max, pages)? else {
            return Ok(false);
        };
        self.held += count;
        self.loaded += read.loaded;
        let mut read = read.cursor();
        for candidates in &mut self.columns {
            if let CandidatePages::Unread(range) = candidates
                && range.len() <= few
            {
                let of_column = read.take(range.len()).map(|(_, page)| Arc::clone(page));
                *candidates = CandidatePages::Read(range.clone(), of_column.collect());
            }
        }
        Ok(true)
    }

    /// Returns the unread candidate pages of the columns with at most `few` of them.
    fn unread(&self, pool: Pool<'_>, few: usize) -> impl Iterator<Item = SegmentPage> {
        pool.columns.iter().zip(&self.columns).flat_map(move |(column, candidates)| {
            let range = match candidates {
                CandidatePages::Unread(range) if range.len() <= few => range.clone(),
                CandidatePages::Unread(_) | CandidatePages::Read(..) => 0..0,
            };
            range.map(|index| column.dictionary_page(index))
        })
    }
}

/// Returns the number of candidate pages up to which a column is read before the others, given the number of
/// each column; [`usize::MAX`] if there are few pages in all.
pub(super) fn few_candidates(columns: impl Iterator<Item = usize>) -> usize {
    let (count, all, least) = columns
        .fold((0, 0, usize::MAX), |(count, all, least), pages| (count + 1, all + pages, least.min(pages)));
    if all <= count * PAGES_FEW { usize::MAX } else { least.max(PAGES_FEW) }
}

/// Returns the values in consecutive pages of a column.
pub(super) fn run<'d, P: Pages>(
    column: &PartColumn<'_>,
    range: &Range<usize>,
    read: impl Iterator<Item = &'d Arc<Page>>,
    pages: &P,
) -> Result<Run<'d, f64>, P::Error> {
    let mut run = Run { pages: Vec::with_capacity(range.len()) };
    for (index, page) in range.clone().zip(read) {
        let dictionary = column.dictionary(page, pages)?;
        run.pages.push((&dictionary.values, column.counts(index, dictionary, pages)?));
    }
    Ok(run)
}
