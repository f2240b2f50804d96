//! Brackets: two keys that certainly enclose an order statistic, from fences alone or also from pages that
//! were read.

use std::ops::Range;

use device_stats_exact::OrderKey;

use super::multi_column_search::{SortedColumn, search};
use super::selection::Run;
use crate::format::head::Fences;

/// A span of keys, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bracket {
    pub(crate) low: u64,
    pub(crate) high: u64,
}

impl Bracket {
    /// Encloses everything.
    pub(crate) const ALL: Self = Self { low: 0, high: u64::MAX };
}

#[expect(clippy::indexing_slicing, reason = "a page must not be skipped")]
impl<K: OrderKey> Fences<'_, K> {
    /// Returns the pages that may have a reading inside the bracket.
    pub(crate) fn pages_in(&self, bracket: Bracket) -> Range<usize> {
        let begin = self.first.partition_point(|first| first.order_key() <= bracket.low).saturating_sub(1);
        let end = self.first.partition_point(|first| first.order_key() <= bracket.high).max(begin);
        // A part of a segment may have no reading with a value of the first or the last of these pages.
        let is_empty = |page: &usize| self.below[*page] == self.below[page + 1];
        let before = (begin..end).take_while(is_empty).count();
        let after = (begin + before..end).rev().take_while(is_empty).count();
        begin + before..end - after
    }

    /// Returns the number of readings before a page. If `page` is the number of pages, returns the number of
    /// all readings.
    pub(crate) fn before(&self, page: usize) -> u64 {
        self.below[page].into()
    }
}

/// The known entries of a sorted column, by ascending key. An entry is a value, or stands for the values from
/// its key up to the key of the next entry.
pub(crate) trait Outline {
    /// Returns the number of entries.
    fn len(&self) -> usize;

    /// Returns the key of an entry.
    fn key(&self, position: usize) -> u64;

    /// Returns whether an entry is a value.
    fn is_value(&self, position: usize) -> bool;

    /// Returns the number of readings before an entry. If `position` is the number of entries, returns the
    /// number of readings up to the end of the last one.
    fn before(&self, position: usize) -> u64;
}

/// A sorted column with fences, in which some consecutive pages may have been read. Its entries ascend: each
/// value of these pages is an entry, and each other page is one entry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KnownColumn<'f, K: Copy> {
    fences: Fences<'f, K>,
    read: Option<ReadRun<'f, K>>,
}

/// Pages that were read.
#[derive(Clone, Copy, Debug)]
struct ReadRun<'f, K: Copy> {
    begin: usize,
    end: usize,
    run: &'f Run<'f, K>,
    /// Number of values.
    values: usize,
}

/// An entry of a known column.
enum Entry<'f, K: Copy> {
    /// A page that was not read.
    Page(usize),
    /// A value, by its position in the pages that were read.
    Value(&'f ReadRun<'f, K>, usize),
}

impl<'f, K: OrderKey> KnownColumn<'f, K> {
    /// Creates a column with known fences, and without pages that have been read.
    pub(crate) fn from_fences(fences: Fences<'f, K>) -> Self {
        Self { fences, read: None }
    }

    /// Creates a column in which `pages` have been read.
    pub(crate) fn with_pages(fences: Fences<'f, K>, pages: &Range<usize>, run: &'f Run<'f, K>) -> Self {
        let Range { start: begin, end } = *pages;
        Self { fences, read: Some(ReadRun { begin, end, run, values: run.len() }) }
    }

    fn entry(&self, position: usize) -> Entry<'_, K> {
        match &self.read {
            Some(read) if position >= read.begin => match position - read.begin {
                inside if inside < read.values => Entry::Value(read, inside),
                after => Entry::Page(read.end + after - read.values),
            },
            _ => Entry::Page(position),
        }
    }
}

impl<K: OrderKey> Outline for KnownColumn<'_, K> {
    fn len(&self) -> usize {
        self.fences.first.len() + self.read.map_or(0, |read| read.values)
            - self.read.map_or(0, |read| read.end - read.begin)
    }

    #[expect(clippy::indexing_slicing, reason = "an entry must not be skipped")]
    fn key(&self, position: usize) -> u64 {
        match self.entry(position) {
            Entry::Page(page) => self.fences.first[page].order_key(),
            Entry::Value(read, position) => read.run.key(position),
        }
    }

    fn is_value(&self, position: usize) -> bool {
        matches!(self.entry(position), Entry::Value(..))
    }

    fn before(&self, position: usize) -> u64 {
        match self.entry(position) {
            Entry::Page(page) => self.fences.before(page),
            Entry::Value(read, position) => self.fences.before(read.begin) + read.run.until(position),
        }
    }
}

/// Bounds of cumulative counts. An upper bound counts all readings of the entries that begin at or below a
/// key. A lower bound leaves out the last of these entries if it is not a value.
pub(crate) struct Bounds<C, const ARE_UPPER: bool>(pub(crate) C);

impl<C: Outline, const ARE_UPPER: bool> SortedColumn for Bounds<C, ARE_UPPER> {
    fn key(&self, position: usize) -> u64 {
        self.0.key(position)
    }

    fn until(&self, positions: usize) -> u64 {
        match positions.checked_sub(1) {
            Some(last) if !ARE_UPPER && !self.0.is_value(last) => self.0.before(last),
            _ => self.0.before(positions),
        }
    }
}

/// Returns a bracket that encloses the readings of the ranks from `low` to `high` in all columns together.
/// The smallest reading has rank 0.
pub(crate) fn bracket<C: Outline + Copy>(columns: &[C], low: u64, high: u64) -> Bracket {
    let mut spans: Vec<Range<usize>> = columns.iter().map(|column| 0..column.len()).collect();
    // If at most `low` readings have keys up to k, the reading of rank `low` has a key above k.
    let upper: Vec<Bounds<C, true>> = columns.iter().copied().map(Bounds).collect();
    // Contradicting counts may leave no key; then the bracket is empty, and the selection in it reports the
    // fault.
    let low = search(&upper, &spans, low + 1).map_or(u64::MAX, |found| {
        // The high end of the bracket is not below the low end, so its search starts there.
        for (span, position) in spans.iter_mut().zip(found.positions) {
            span.start = position.saturating_sub(1);
        }
        found.key
    });
    // If more than `high` readings have keys up to k, the reading of rank `high` has a key up to k.
    let lower: Vec<Bounds<C, false>> = columns.iter().copied().map(Bounds).collect();
    let high = search(&lower, &spans, high + 1).map_or(u64::MAX, |found| found.key);
    Bracket { low, high }
}
