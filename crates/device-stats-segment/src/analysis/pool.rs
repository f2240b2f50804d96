//! Readings that are ranked together: columns of parts, and plain numbers.

use super::bracket::Fenced;
use super::column::Column;
use super::measure::Measured;
use crate::exact_squares::ExactSquares;
use crate::{ExactSum, Fences};

/// Readings that are ranked together: of one axis.
#[derive(Debug)]
pub(super) struct Pool<'c> {
    pub(super) columns: &'c [Column<'c>],
    pub(super) hot: Vec<&'c [f64]>,
    /// How many readings there are.
    pub(super) count: u64,
}

impl<'c> Pool<'c> {
    pub(super) fn of(columns: &'c [Column<'c>], hot: Vec<&'c [f64]>) -> Self {
        let sealed: u64 = columns.iter().map(Column::len).sum();
        let unsealed: usize = hot.iter().map(|numbers| numbers.len()).sum();
        Self { columns, hot, count: sealed + unsealed as u64 }
    }

    /// The readings that are in no segment.
    pub(super) fn hot(&self) -> impl Iterator<Item = f64> {
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

    /// The fences of all columns.
    pub(super) fn fenced(&self) -> Vec<Fenced<'c, f64>> {
        let fences = self.columns.iter().map(Column::fences);
        fences.map(|Fences { first, below }| Fenced { first, below }).collect()
    }
}
