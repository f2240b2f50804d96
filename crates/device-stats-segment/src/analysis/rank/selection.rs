//! Selection: finds an order statistic in the pages that may hold it.

use std::ops::Range;

use device_stats_exact::OrderKey;

use super::multi_column_search::{SortedColumn, search};
use crate::analysis::part::part_column::PageCounts;

/// The values of consecutive pages of one sorted column.
#[derive(Debug)]
pub(crate) struct Run<'n, K: Copy> {
    /// For each page, its distinct values, ascending, and their cumulative counts.
    pub(crate) pages: Vec<(&'n [K], PageCounts<'n>)>,
}

impl<K: OrderKey> SortedColumn for Run<'_, K> {
    #[expect(clippy::expect_used, reason = "a search stays inside its columns")]
    fn key(&self, position: usize) -> u64 {
        self.value(position).expect("the run has the position").order_key()
    }

    fn until(&self, mut positions: usize) -> u64 {
        let mut sum = 0;
        for (values, counts) in &self.pages {
            let of_page = positions.min(values.len());
            sum += u64::from(counts.among(of_page));
            positions -= of_page;
            if positions == 0 {
                break;
            }
        }
        sum
    }
}

impl<K: OrderKey> Run<'_, K> {
    /// Returns the number of distinct values.
    pub(crate) fn len(&self) -> usize {
        self.pages.iter().map(|(values, _)| values.len()).sum()
    }

    /// Returns the first value at or after a position that a reading has.
    fn next(&self, mut position: usize) -> Option<K> {
        for (values, counts) in &self.pages {
            if let Some(value) = values.get(counts.next(position.min(values.len()))) {
                return Some(*value);
            }
            position = position.saturating_sub(values.len());
        }
        None
    }

    /// Returns the value at a position.
    fn value(&self, mut position: usize) -> Option<K> {
        for (values, _) in &self.pages {
            match values.get(position) {
                Some(value) => return Some(*value),
                None => position -= values.len(),
            }
        }
        None
    }
}

/// Returns the values with the ranks `rank` and `rank + 1`, from 0 for the smallest, among the readings of
/// all runs; `None` for ranks that the runs do not have.
pub(crate) fn select<K: OrderKey>(runs: &[Run<'_, K>], rank: u64) -> (Option<K>, Option<K>) {
    let spans: Vec<Range<usize>> = runs.iter().map(|run| 0..run.len()).collect();
    let Some(found) = search(runs, &spans, rank + 1) else { return (None, None) };
    let positions = || runs.iter().zip(&found.positions);
    let value = positions().find_map(|(run, position)| {
        let last = run.value(position.checked_sub(1)?)?;
        (last.order_key() == found.key).then_some(last)
    });
    let until: u64 = positions().map(|(run, position)| run.until(*position)).sum();
    if until > rank + 1 {
        return (value, value);
    }
    let after = positions().filter_map(|(run, position)| run.next(*position));
    (value, after.min_by_key(|next| next.order_key()))
}
