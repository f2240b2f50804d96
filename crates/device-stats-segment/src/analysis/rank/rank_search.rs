//! The way to a rank: from fences to a few pages, and in these to the reading.
//!
//! Fences tell of a column what lies below a number but for the readings of a page. So a segment with few distinct values,
//! of which a page has very many readings, leaves a wide span open, in which another one may have very many pages. It has
//! few there itself: where it would be many pages in all, those of such segments are read first, and the others once it is
//! known what is in them.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use crate::analysis::page_source::{Pages, SegmentPage, as_dictionary};
use crate::analysis::part::count_u32;
use crate::analysis::part::part_column::{Column, ColumnCounts};
use crate::analysis::part::part_totals::contradiction;
use crate::analysis::rank::bracket::{Bracket, Fenced, Known, bracket};
use crate::analysis::rank::pool::Pool;
use crate::analysis::rank::selection::{Run, select};
use crate::{Counts, Page};
use device_stats_exact::Key;

/// So many pages a column are read at once.
const PAGES_FEW: usize = 4;
/// So often others are read before.
const ROUNDS_MAX: usize = 4;

/// A rank that is looked for, and where.
#[derive(Debug)]
pub(crate) struct Search {
    rank: u64,
    hot: Hot,
    /// For each column, its pages that may hold the rank.
    pages: Vec<Wanted>,
}

/// Pages of a column.
#[derive(Debug)]
enum Wanted {
    /// To be read.
    Pages(Range<usize>),
    /// Read already.
    Read(Range<usize>, Vec<Arc<Page>>),
}

/// Readings that are in no segment, as far as they matter.
#[derive(Debug)]
struct Hot {
    /// Below it they are counted, in it they are looked at, above it they do not matter.
    bracket: Bracket,
    /// How many lie below.
    below: u64,
    /// How many lie inside.
    inside: u64,
}

impl Hot {
    fn of(pool: &Pool<'_>, bracket: Bracket) -> Self {
        let mut hot = Self { bracket, below: 0, inside: 0 };
        for number in pool.hot() {
            let key = number.key();
            hot.below += u64::from(key < bracket.low);
            hot.inside += u64::from((bracket.low..=bracket.high).contains(&key));
        }
        hot
    }

    /// Of how many readings it is open whether they lie below the rank.
    fn further(&self) -> Range<u64> {
        self.below..self.below + self.inside
    }

    /// Those inside.
    fn run(&self, pool: &Pool<'_>) -> Run<'static, f64> {
        let Bracket { low, high } = self.bracket;
        let mut inside: Vec<f64> = pool.hot().filter(|number| (low..=high).contains(&number.key())).collect();
        inside.sort_unstable_by(f64::total_cmp);
        let (mut numbers, mut until): (Vec<f64>, Vec<u32>) = (Vec::new(), Vec::new());
        for (before, number) in (0..).zip(inside) {
            if numbers.last().is_none_or(|last| last.key() != number.key()) {
                numbers.push(number);
                until.push(before);
            }
            if let Some(until) = until.last_mut() {
                *until = before + 1;
            }
        }
        Run { pages: vec![(Cow::Owned(numbers), ColumnCounts::Part(Counts::new(0, until).into()))] }
    }
}

impl Search {
    /// Encloses a rank and the one after it, and adds the pages that are needed to `wanted`. Reads some itself where that
    /// saves many.
    pub(crate) fn start<P: Pages>(
        pool: &Pool<'_>,
        rank: u64,
        wanted: &mut Vec<SegmentPage>,
        pages: &P,
    ) -> Result<Self, P::Error> {
        let fenced = pool.fenced();
        let whole = |fenced: &Fenced<'_, f64>| Wanted::Pages(0..fenced.first.len());
        let hot = Hot::of(pool, Bracket { low: 0, high: u64::MAX });
        let mut search = Self { rank, hot, pages: fenced.iter().map(whole).collect() };
        search.narrow(pool, &fenced, pages)?;
        for _ in 0..ROUNDS_MAX {
            if !search.read_some(pool.columns, pages)? {
                break;
            }
            search.narrow(pool, &fenced, pages)?;
        }
        wanted.extend(search.wanted(pool.columns, usize::MAX));
        Ok(search)
    }

    /// Finds the rank and the one after it (twice the last one where there is none) in the pages it needed, which come in
    /// the order in which [`Self::start`] asked for them.
    pub(crate) fn find<'r, P: Pages>(
        &self,
        pool: &Pool<'_>,
        read: &mut impl Iterator<Item = (&'r SegmentPage, &'r Arc<Page>)>,
        pages: &P,
    ) -> Result<(f64, f64), P::Error> {
        let mut runs = Vec::with_capacity(pool.columns.len() + 1);
        let mut below = self.hot.below;
        for ((column, fenced), of_column) in pool.columns.iter().zip(pool.fenced()).zip(&self.pages) {
            let range = match of_column {
                Wanted::Pages(range) => {
                    let of_column = read.by_ref().take(range.len()).map(|(_, page)| page);
                    runs.push(run(column, range, of_column, pages)?);
                    range
                }
                Wanted::Read(range, of_column) => {
                    runs.push(run(column, range, of_column.iter(), pages)?);
                    range
                }
            };
            below += fenced.below(range.start);
        }
        runs.push(self.hot.run(pool));
        let segment = pool.columns.first().map_or(0, Column::segment);
        let found = self.rank.checked_sub(below).and_then(|rank| select(&runs, rank));
        let (number, next) = found.ok_or_else(|| pages.fault(segment, contradiction()))?;
        Ok((number, next.unwrap_or(number)))
    }

    /// Leaves of each column that was not read the pages that may hold the rank, as far as is known.
    fn narrow<P: Pages>(
        &mut self,
        pool: &Pool<'_>,
        fenced: &[Fenced<'_, f64>],
        pages: &P,
    ) -> Result<(), P::Error> {
        let runs = pool.columns.iter().zip(&self.pages).map(|(column, of_column)| match of_column {
            Wanted::Pages(_) => Ok(None),
            Wanted::Read(range, read) => Ok(Some((range, run(column, range, read.iter(), pages)?))),
        });
        let runs = runs.collect::<Result<Vec<_>, _>>()?;
        let known = fenced.iter().zip(&runs).map(|(fenced, run)| match run {
            None => Known::by_fences(*fenced),
            Some((range, run)) => Known::with_pages(*fenced, range, run),
        });
        let known: Vec<Known<'_, f64>> = known.collect();
        let enclose = |hot: &Hot| bracket(&known, &hot.further(), self.rank, self.rank + 1);
        let mut bracket = enclose(&self.hot);
        let before = std::mem::replace(&mut self.hot, Hot::of(pool, bracket));
        if self.hot.inside < before.inside / 2 {
            bracket = enclose(&self.hot);
            self.hot = Hot::of(pool, bracket);
        }
        for (fenced, of_column) in fenced.iter().zip(&mut self.pages) {
            if let Wanted::Pages(range) = of_column {
                *range = fenced.pages(bracket);
            }
        }
        Ok(())
    }

    /// Where it would be many pages in all, reads those of the columns that have few.
    fn read_some<P: Pages>(&mut self, columns: &[Column<'_>], pages: &P) -> Result<bool, P::Error> {
        let (mut unread, mut all, mut least) = (0, 0, usize::MAX);
        for of_column in &self.pages {
            if let Wanted::Pages(range) = of_column {
                (unread, all, least) = (unread + 1, all + range.len(), least.min(range.len()));
            }
        }
        if all <= unread * PAGES_FEW {
            return Ok(false);
        }
        let few = least.max(PAGES_FEW);
        let mut read = pages.read(&self.wanted(columns, few).collect::<Vec<_>>())?.into_iter();
        for of_column in &mut self.pages {
            if let Wanted::Pages(range) = of_column
                && range.len() <= few
            {
                *of_column = Wanted::Read(range.clone(), read.by_ref().take(range.len()).collect());
            }
        }
        Ok(true)
    }

    /// The pages to be read of the columns that have at most `few`.
    fn wanted(&self, columns: &[Column<'_>], few: usize) -> impl Iterator<Item = SegmentPage> {
        columns.iter().zip(&self.pages).flat_map(move |(column, of_column)| {
            let range = match of_column {
                Wanted::Pages(range) if range.len() <= few => range.clone(),
                Wanted::Pages(_) | Wanted::Read(..) => 0..0,
            };
            range.map(|index| column.dictionary_page(count_u32(index)))
        })
    }
}

/// The numbers in consecutive pages of a column.
fn run<'d, P: Pages>(
    column: &Column<'_>,
    range: &Range<usize>,
    read: impl Iterator<Item = &'d Arc<Page>>,
    pages: &P,
) -> Result<Run<'d, f64>, P::Error> {
    let mut run = Run { pages: Vec::with_capacity(range.len()) };
    for (index, page) in range.clone().zip(read) {
        let dictionary = as_dictionary(pages, column.segment(), page)?;
        run.pages.push((Cow::Borrowed(&*dictionary.values), column.counts(index, dictionary)));
    }
    Ok(run)
}
