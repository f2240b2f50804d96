//! The reading of a rank, exactly: by halving what lies between two bounds.

use std::borrow::Cow;

use super::bracket::Bracket;
use crate::key::Key;

/// Ascending numbers of one column between the bounds.
#[derive(Debug)]
pub(super) struct Run<'n, K: Copy> {
    /// The numbers, distinct.
    numbers: Cow<'n, [K]>,
    /// For each, how many readings of the column have that number or a smaller one.
    until: Cow<'n, [u32]>,
    /// How many readings of the column lie before these numbers; in `until` they are counted along.
    before: u32,
    /// Which of the numbers may still be the wanted one.
    from: usize,
    to: usize,
}

impl<'n, K: Key> Run<'n, K> {
    /// Those of `numbers` that lie in the bracket; and how many readings lie below it, as far as these numbers tell.
    /// `before` readings of the column lie before all of `numbers`.
    pub(super) fn of(
        numbers: Cow<'n, [K]>,
        until: Cow<'n, [u32]>,
        before: u32,
        bracket: Bracket,
    ) -> (Self, u64) {
        let from = numbers.partition_point(|number| number.key() < bracket.low);
        let to = numbers.partition_point(|number| number.key() <= bracket.high);
        let run = Self { numbers, until, before, from, to };
        let below = run.count(from);
        (run, below)
    }

    /// How many readings have one of the first `numbers` numbers.
    fn count(&self, numbers: usize) -> u64 {
        let until = match numbers.checked_sub(1) {
            Some(last) => self.until.get(last).copied().unwrap_or(self.before),
            None => self.before,
        };
        u64::from(until.saturating_sub(self.before))
    }

    /// The first number from `from` on, and before `end`, that a reading has.
    fn next(&self, end: usize) -> Option<K> {
        let until = self.until.get(self.from..end)?;
        let passed = self.count(self.from) + u64::from(self.before);
        let without = until.partition_point(|until| u64::from(*until) <= passed);
        self.numbers.get(self.from..end)?.get(without).copied()
    }

    /// How many of the numbers have a key of at most `key`.
    fn numbers_until(&self, key: u64) -> usize {
        let between = self.numbers.get(self.from..self.to).unwrap_or_default();
        self.from + between.partition_point(|number| number.key() <= key)
    }
}

/// The numbers with the ranks `rank` and `rank + 1` (from 0 up) among all readings; the second one is missing where
/// `rank` is the last. The bracket encloses both. `below` readings lie below it.
pub(super) fn select<K: Key>(
    mut runs: Vec<Run<'_, K>>,
    below: u64,
    rank: u64,
    bracket: Bracket,
) -> Option<(K, Option<K>)> {
    // From here on a number is counted with all numbers of its run that are not greater, those below the bracket too.
    let starts: u64 = runs.iter().map(|run| run.count(run.from)).sum();
    let wanted = (rank + 1 + starts).checked_sub(below)?;
    let ends: Vec<usize> = runs.iter().map(|run| run.to).collect();
    let found = halve(&mut runs, wanted, bracket)?;
    let until: u64 = runs.iter().map(|run| run.count(run.from)).sum();
    if until > wanted {
        return Some((found, Some(found)));
    }
    let after = runs.iter().zip(ends).filter_map(|(run, end)| run.next(end));
    Some((found, after.min_by_key(|next| next.key())))
}

/// The smallest number up to which `wanted` readings are counted. Leaves each run behind that number.
fn halve<K: Key>(runs: &mut [Run<'_, K>], wanted: u64, bracket: Bracket) -> Option<K> {
    let (mut low, mut high) = (bracket.low, bracket.high);
    let mut open: Vec<usize> = (0..runs.len()).collect();
    // What is counted in runs that have no number left between the two keys.
    let mut decided = 0;
    let mut tried = Vec::with_capacity(runs.len());
    while low < high {
        open.retain(|index| {
            let Some(run) = runs.get(*index) else { return false };
            let is_open = run.from < run.to;
            if !is_open {
                decided += run.count(run.from);
            }
            is_open
        });
        let middle = low + (high - low) / 2;
        tried.clear();
        let mut count = decided;
        for run in open.iter().filter_map(|index| runs.get(*index)) {
            let place = run.numbers_until(middle);
            count += run.count(place);
            tried.push(place);
        }
        let is_enough = count >= wanted;
        for (index, place) in open.iter().zip(&tried) {
            if let Some(run) = runs.get_mut(*index) {
                let end = if is_enough { &mut run.to } else { &mut run.from };
                *end = *place;
            }
        }
        if is_enough {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    let mut found = None;
    for run in runs {
        if run.from < run.to && run.numbers.get(run.from).is_some_and(|number| number.key() == low) {
            found = run.numbers.get(run.from).copied();
            run.from += 1;
        }
    }
    found
}
