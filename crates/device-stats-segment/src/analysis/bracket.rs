//! Two bounds that enclose a rank with certainty, from fences alone.

use std::ops::Range;

use super::search::{Sorted, search};
use crate::key::Key;

/// The fences of a sorted column.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fenced<'f, K> {
    /// The first number of each page, ascending.
    pub(super) first: &'f [K],
    /// For each page, how many readings lie in earlier pages; then the number of all readings.
    pub(super) below: &'f [u32],
}

/// A span of keys, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bracket {
    pub(super) low: u64,
    pub(super) high: u64,
}

impl<K: Key> Fenced<'_, K> {
    /// The pages that may have a number inside the bracket.
    pub(super) fn pages(&self, bracket: Bracket) -> Range<usize> {
        let begin = self.first.partition_point(|first| first.key() <= bracket.low).saturating_sub(1);
        begin..self.first.partition_point(|first| first.key() <= bracket.high).max(begin)
    }

    fn key(&self, page: usize) -> u64 {
        self.first.get(page).map_or(u64::MAX, |first| first.key())
    }

    /// How many readings lie in the pages before `index`.
    pub(super) fn below(&self, index: usize) -> u64 {
        self.below.get(index).or(self.below.last()).copied().map_or(0, u64::from)
    }
}

/// How many readings may lie below or at a key, at most: all those of pages that begin there.
struct AtMost<'f, K>(Fenced<'f, K>);

impl<K: Key> Sorted for AtMost<'_, K> {
    fn key(&self, place: usize) -> u64 {
        self.0.key(place)
    }

    fn until(&self, places: usize) -> u64 {
        self.0.below(places)
    }
}

/// How many readings lie below a key, at least: all those of pages that begin there or before it, but for the last one.
struct AtLeast<'f, K>(Fenced<'f, K>);

impl<K: Key> Sorted for AtLeast<'_, K> {
    fn key(&self, place: usize) -> u64 {
        self.0.key(place)
    }

    fn until(&self, places: usize) -> u64 {
        self.0.below(places.saturating_sub(1))
    }
}

/// Encloses the readings with the ranks from `low` to `high` (from 0 up) of all columns together, where `unfenced`
/// further readings may lie anywhere.
pub(super) fn bracket<K: Key>(columns: &[Fenced<'_, K>], unfenced: u64, low: u64, high: u64) -> Bracket {
    let mut spans: Vec<Range<usize>> = columns.iter().map(|column| 0..column.first.len()).collect();
    // The first page with which more than `low` readings may have begun: the reading of that rank is not smaller.
    let at_most: Vec<AtMost<'_, K>> = columns.iter().copied().map(AtMost).collect();
    let low = match (low + 1).saturating_sub(unfenced) {
        0 => 0,
        wanted => search(&at_most, &spans, wanted).map_or(u64::MAX, |found| {
            // The other bound is not below this one.
            for (span, places) in spans.iter_mut().zip(found.places) {
                span.start = places.saturating_sub(1);
            }
            found.key
        }),
    };
    // The first page at which more than `high` readings are below: the reading of that rank is not greater.
    let at_least: Vec<AtLeast<'_, K>> = columns.iter().copied().map(AtLeast).collect();
    let high = search(&at_least, &spans, high + 1).map_or(u64::MAX, |found| found.key);
    Bracket { low, high }
}
