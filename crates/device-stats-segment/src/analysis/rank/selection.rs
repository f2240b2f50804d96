//! The reading of a rank, exactly: in the pages that may hold it.

use std::borrow::Cow;
use std::ops::Range;

use crate::analysis::part::part_column::ColumnCounts;
use crate::analysis::rank::multi_column_search::{Sorted, search};
use device_stats_exact::Key;

/// Ascending numbers of one column that follow one another there.
#[derive(Debug)]
pub(crate) struct Run<'n, K: Copy> {
    /// The numbers, distinct, and how many readings have them; in pages, as they were read.
    pub(crate) pages: Vec<(Cow<'n, [K]>, ColumnCounts<'n>)>,
}

impl<K: Key> Sorted for Run<'_, K> {
    fn key(&self, place: usize) -> u64 {
        self.number(place).map_or(u64::MAX, Key::key)
    }

    fn until(&self, mut places: usize) -> u64 {
        let mut sum = 0;
        for (numbers, counts) in &self.pages {
            let of_page = places.min(numbers.len());
            sum += u64::from(counts.among(of_page));
            places -= of_page;
            if places == 0 {
                break;
            }
        }
        sum
    }
}

impl<K: Key> Run<'_, K> {
    /// How many distinct numbers it has.
    pub(crate) fn len(&self) -> usize {
        self.pages.iter().map(|(numbers, _)| numbers.len()).sum()
    }

    /// The first number from a place on that a reading has.
    fn next(&self, mut place: usize) -> Option<K> {
        for (numbers, counts) in &self.pages {
            if let Some(number) = numbers.get(counts.next(place.min(numbers.len()))) {
                return Some(*number);
            }
            place = place.saturating_sub(numbers.len());
        }
        None
    }

    /// The number at a place.
    fn number(&self, mut place: usize) -> Option<K> {
        for (numbers, _) in &self.pages {
            match numbers.get(place) {
                Some(number) => return Some(*number),
                None => place -= numbers.len(),
            }
        }
        None
    }
}

/// The numbers with the ranks `rank` and `rank + 1` (from 0 up) among the readings of all runs; the second one is missing
/// where `rank` is the last.
pub(crate) fn select<K: Key>(runs: &[Run<'_, K>], rank: u64) -> Option<(K, Option<K>)> {
    let spans: Vec<Range<usize>> = runs.iter().map(|run| 0..run.len()).collect();
    let found = search(runs, &spans, rank + 1)?;
    let places = || runs.iter().zip(&found.places);
    let number = places().find_map(|(run, place)| {
        let last = run.number(place.checked_sub(1)?)?;
        (last.key() == found.key).then_some(last)
    })?;
    let until: u64 = places().map(|(run, place)| run.until(*place)).sum();
    if until > rank + 1 {
        return Some((number, Some(number)));
    }
    let after = places().filter_map(|(run, place)| run.next(*place));
    Some((number, after.min_by_key(|next| next.key())))
}
