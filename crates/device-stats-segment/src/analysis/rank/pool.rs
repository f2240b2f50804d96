//! Pools: columns whose readings are ranked together.

use crate::analysis::page_source::{Pages, contradiction};
use crate::analysis::part::cut_column::CutColumn;
use crate::analysis::part::part_column::PartColumn;

/// Columns of one axis whose readings are ranked together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pool<'c> {
    pub(crate) columns: &'c [PartColumn<'c>],
    /// Number of readings.
    pub(crate) count: u64,
}

impl<'c> Pool<'c> {
    pub(crate) fn new(columns: &'c [PartColumn<'c>]) -> Self {
        Self { columns, count: columns.iter().map(PartColumn::len).sum() }
    }

    /// Checks that a reading has this rank; the smallest reading has rank 0.
    ///
    /// # Panics
    /// If none has, which is a mistake of the caller.
    pub(crate) fn check_rank(&self, rank: u64) {
        assert!(rank < self.count, "rank {rank} is not below the number of readings, {}", self.count);
    }

    /// Returns the columns that are cut.
    pub(crate) fn cut(&self) -> impl Iterator<Item = &'c CutColumn<'c>> + Clone + use<'c> {
        self.columns.iter().filter_map(PartColumn::cut)
    }

    /// Returns the number of pages of codes that have to be read again.
    pub(crate) fn released_codes(&self) -> usize {
        self.cut().filter(|column| column.is_released()).map(CutColumn::codes_count).sum()
    }

    /// Returns the error for pages that contradict the heads of their segments.
    pub(crate) fn contradiction<P: Pages>(&self, pages: &P) -> P::Error {
        let segment = self.columns.iter().find_map(PartColumn::segment);
        let Some(segment) = segment else { unreachable!("hot readings do not contradict each other") };
        contradiction(pages, segment)
    }
}

/// Returns the smallest and the largest value; `None` without columns.
pub(crate) fn extremes(extremes: impl Iterator<Item = (f64, f64)>) -> Option<(f64, f64)> {
    let smaller = |a: f64, b: f64| if b.total_cmp(&a).is_lt() { b } else { a };
    let larger = |a: f64, b: f64| if b.total_cmp(&a).is_gt() { b } else { a };
    extremes.reduce(|(min, max), (low, high)| (smaller(min, low), larger(max, high)))
}
