//! Readings that are ranked together: columns of parts, and plain numbers.

use crate::analysis::part::part_column::Column;
use crate::analysis::part::part_totals::Measured;
use crate::analysis::rank::bracket::Fenced;
use crate::{ExactSum, Fences};
use device_stats_exact::ExactSquares;

/// Readings that are ranked together: of one axis.
#[derive(Debug)]
pub(crate) struct Pool<'c> {
    pub(crate) columns: &'c [Column<'c>],
    pub(crate) hot: Vec<&'c [f64]>,
    /// How many readings there are.
    pub(crate) count: u64,
}

impl<'c> Pool<'c> {
    pub(crate) fn of(columns: &'c [Column<'c>], hot: Vec<&'c [f64]>) -> Self {
        let sealed: u64 = columns.iter().map(Column::len).sum();
        let unsealed: usize = hot.iter().map(|numbers| numbers.len()).sum();
        Self { columns, hot, count: sealed + unsealed as u64 }
    }

    /// The readings that are in no segment.
    pub(crate) fn hot(&self) -> impl Iterator<Item = f64> {
        self.hot.iter().copied().flatten().copied()
    }

    /// The smallest and the greatest number.
    pub(crate) fn ends(&self, measured: &[Measured<'_>]) -> (f64, f64) {
        let mins = measured.iter().map(|measured| measured.min).chain(self.hot());
        let maxs = measured.iter().map(|measured| measured.max).chain(self.hot());
        (
            mins.min_by(f64::total_cmp).unwrap_or(f64::INFINITY),
            maxs.max_by(f64::total_cmp).unwrap_or(f64::NEG_INFINITY),
        )
    }

    /// The exact sum.
    pub(crate) fn sum(&self, measured: &[Measured<'_>]) -> ExactSum {
        let mut sum = ExactSum::default();
        for measured in measured {
            measured.add_sum(&mut sum);
        }
        self.hot().for_each(|number| sum.add(number));
        sum
    }

    /// The exact sum of the squares, which the columns were measured with.
    pub(crate) fn squares(&self, measured: &[Measured<'_>]) -> ExactSquares {
        let mut squares = ExactSquares::default();
        for measured in measured {
            measured.add_squares(&mut squares);
        }
        self.hot().for_each(|number| squares.add(number));
        squares
    }

    /// The fences of all columns.
    pub(crate) fn fenced(&self) -> Vec<Fenced<'c, f64>> {
        let fences = self.columns.iter().map(Column::fences);
        fences.map(|Fences { first, below }| Fenced { first, below }).collect()
    }
}
