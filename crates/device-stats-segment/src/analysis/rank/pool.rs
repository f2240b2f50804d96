//! Pools: columns whose readings are ranked together.

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
}

/// Returns the smallest and the largest value; `None` without columns.
pub(crate) fn extremes(extremes: impl Iterator<Item = (f64, f64)>) -> Option<(f64, f64)> {
    let smaller = |a: f64, b: f64| if b.total_cmp(&a).is_lt() { b } else { a };
    let larger = |a: f64, b: f64| if b.total_cmp(&a).is_gt() { b } else { a };
    extremes.reduce(|(min, max), (low, high)| (smaller(min, low), larger(max, high)))
}
