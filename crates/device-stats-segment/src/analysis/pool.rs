//! Readings that are ranked together: columns of parts, and plain numbers.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use super::bracket::{Bracket, Fenced, bracket};
use super::column::{Column, ColumnCounts};
use super::measure::{Measured, contradiction};
use super::pages::{Pages, SegmentPage, as_dictionary};
use super::part::count_u32;
use super::select::{Run, select};
use crate::exact_squares::ExactSquares;
use crate::key::Key;
use crate::{Counts, ExactSum, Fences, Page};

/// Readings that are ranked together: of one axis.
#[derive(Debug)]
pub(super) struct Pool<'c> {
    pub(super) columns: &'c [Column<'c>],
    pub(super) hot: Vec<&'c [f64]>,
    /// How many readings there are.
    pub(super) count: u64,
}

/// A rank that is looked for, and where.
#[derive(Debug)]
pub(super) struct Search {
    rank: u64,
    bracket: Bracket,
    /// For each column, its pages that may hold the rank.
    pages: Vec<Range<usize>>,
}

impl<'c> Pool<'c> {
    pub(super) fn of(columns: &'c [Column<'c>], hot: Vec<&'c [f64]>) -> Self {
        let sealed: u64 = columns.iter().map(Column::len).sum();
        let unsealed: usize = hot.iter().map(|numbers| numbers.len()).sum();
        Self { columns, hot, count: sealed + unsealed as u64 }
    }

    fn hot(&self) -> impl Iterator<Item = f64> {
        self.hot.iter().copied().flatten().copied()
    }

    /// The smallest and the greatest number.
    pub(super) fn ends(&self, measured: &[Measured<'_>]) -> (f64, f64) {
        let mins = measured.iter().map(|measured| measured.min).chain(self.hot());
        let maxs = measured.iter().map(|measured| measured.max).chain(self.hot());
        (
            mins.min_by(f64::total_cmp).unwrap_or(f64::INFINITY),
            maxs.max_by(f64::total_cmp).unwrap_or(f64::NEG_INFINITY),
        )
    }

    /// The exact sum.
    pub(super) fn sum(&self, measured: &[Measured<'_>]) -> ExactSum {
        let mut sum = ExactSum::default();
        for measured in measured {
            measured.add_sum(&mut sum);
        }
        self.hot().for_each(|number| sum.add(number));
        sum
    }

    /// The exact sum of the squares, which the columns were measured with.
    pub(super) fn squares(&self, measured: &[Measured<'_>]) -> ExactSquares {
        let mut squares = ExactSquares::default();
        for measured in measured {
            measured.add_squares(&mut squares);
        }
        self.hot().for_each(|number| squares.add(number));
        squares
    }

    fn fenced(&self) -> Vec<Fenced<'c, f64>> {
        let fences = self.columns.iter().map(Column::fences);
        fences.map(|Fences { first, below }| Fenced { first, below }).collect()
    }

    /// Encloses ranks (and the ranks after them), and adds the pages they need to `wanted`.
    pub(super) fn enclose(&self, ranks: &[u64], wanted: &mut Vec<SegmentPage>) -> Vec<Search> {
        let fenced = self.fenced();
        let unfenced = self.hot.iter().map(|numbers| numbers.len() as u64).sum();
        let mut searches = Vec::with_capacity(ranks.len());
        for &rank in ranks {
            let bracket = bracket(&fenced, unfenced, rank, rank + 1);
            let pages: Vec<_> = fenced.iter().map(|fenced| fenced.pages(bracket)).collect();
            for (column, pages) in self.columns.iter().zip(&pages) {
                wanted.extend(pages.clone().map(|index| column.dictionary_page(count_u32(index))));
            }
            searches.push(Search { rank, bracket, pages });
        }
        searches
    }

    /// Finds a rank and the one after it (twice the last one where there is none) in the pages it needed, which come in
    /// the order in which [`Self::enclose`] asked for them.
    pub(super) fn find<'r, P: Pages>(
        &self,
        search: &Search,
        read: &mut impl Iterator<Item = (&'r SegmentPage, &'r Arc<Page>)>,
        pages: &P,
    ) -> Result<(f64, f64), P::Error> {
        let mut runs = Vec::with_capacity(self.columns.len() + 1);
        let mut below = 0;
        for ((column, fenced), range) in self.columns.iter().zip(self.fenced()).zip(&search.pages) {
            below += fenced.below(range.start);
            let mut run = Run { pages: Vec::with_capacity(range.len()) };
            for (index, (_, page)) in range.clone().zip(read.by_ref()) {
                let dictionary = as_dictionary(pages, column.segment(), page)?;
                run.pages.push((Cow::Borrowed(&*dictionary.values), column.counts(index, dictionary)));
            }
            runs.push(run);
        }
        let (run, lower) = self.hot_run(search.bracket);
        runs.push(run);
        let segment = self.columns.first().map_or(0, Column::segment);
        let found = search.rank.checked_sub(below + lower).and_then(|rank| select(&runs, rank));
        let (number, next) = found.ok_or_else(|| pages.fault(segment, contradiction()))?;
        Ok((number, next.unwrap_or(number)))
    }

    /// The hot readings inside a bracket, and how many lie below it.
    fn hot_run(&self, bracket: Bracket) -> (Run<'static, f64>, u64) {
        let below = self.hot().filter(|number| number.key() < bracket.low).count() as u64;
        let mut inside: Vec<f64> =
            self.hot().filter(|number| (bracket.low..=bracket.high).contains(&number.key())).collect();
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
        (Run { pages: vec![(Cow::Owned(numbers), ColumnCounts::Part(Counts::new(0, until).into()))] }, below)
    }
}
