//! Two bounds that enclose a rank with certainty, from fences alone, or also from pages that were read already.

use std::ops::Range;

use crate::analysis::rank::multi_column_search::{Sorted, search};
use crate::analysis::rank::selection::Run;
use device_stats_exact::Key;

/// The fences of a sorted column.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fenced<'f, K> {
    /// The first number of each page, ascending.
    pub(crate) first: &'f [K],
    /// For each page, how many readings lie in earlier pages; then the number of all readings.
    pub(crate) below: &'f [u32],
}

/// A span of keys, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bracket {
    pub(crate) low: u64,
    pub(crate) high: u64,
}

impl<K: Key> Fenced<'_, K> {
    /// The pages that may have a reading inside the bracket.
    pub(crate) fn pages(&self, bracket: Bracket) -> Range<usize> {
        let begin = self.first.partition_point(|first| first.key() <= bracket.low).saturating_sub(1);
        let end = self.first.partition_point(|first| first.key() <= bracket.high).max(begin);
        // A part of a segment may have no reading of the first pages, or of the last.
        let is_empty = |page: &usize| self.below(*page) == self.below(page + 1);
        let before = (begin..end).take_while(is_empty).count();
        let after = (begin + before..end).rev().take_while(is_empty).count();
        begin + before..end - after
    }

    fn key(&self, page: usize) -> u64 {
        self.first.get(page).map_or(u64::MAX, |first| first.key())
    }

    /// How many readings lie in the pages before `index`.
    pub(crate) fn below(&self, index: usize) -> u64 {
        self.below.get(index).or(self.below.last()).copied().map_or(0, u64::from)
    }
}

/// A sorted column of which some pages, one after the other, may have been read. Its places are the numbers of these pages
/// and the other pages as a whole, ascending.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known<'f, K: Copy> {
    fenced: Fenced<'f, K>,
    read: Option<Read<'f, K>>,
}

/// Pages that were read.
#[derive(Clone, Copy, Debug)]
struct Read<'f, K: Copy> {
    begin: usize,
    end: usize,
    run: &'f Run<'f, K>,
    numbers: usize,
}

/// What a place stands for.
enum Place<'f, K: Copy> {
    Page(usize),
    Number(&'f Read<'f, K>, usize),
}

impl<'f, K: Key> Known<'f, K> {
    /// A column of which nothing but the fences is known.
    pub(crate) fn by_fences(fenced: Fenced<'f, K>) -> Self {
        Self { fenced, read: None }
    }

    /// A column of which the numbers in some pages are known.
    pub(crate) fn with_pages(fenced: Fenced<'f, K>, pages: &Range<usize>, run: &'f Run<'f, K>) -> Self {
        let Range { start: begin, end } = *pages;
        Self { fenced, read: Some(Read { begin, end, run, numbers: run.len() }) }
    }

    fn places(&self) -> usize {
        let replaced = self.read.map_or(0, |read| read.end - read.begin);
        self.fenced.first.len() - replaced + self.read.map_or(0, |read| read.numbers)
    }

    fn place(&self, place: usize) -> Place<'_, K> {
        match &self.read {
            Some(read) if place >= read.begin => match place - read.begin {
                inside if inside < read.numbers => Place::Number(read, inside),
                after => Place::Page(read.end + after - read.numbers),
            },
            _ => Place::Page(place),
        }
    }

    fn key(&self, place: usize) -> u64 {
        match self.place(place) {
            Place::Page(page) => self.fenced.key(page),
            Place::Number(read, place) => read.run.key(place),
        }
    }

    /// How many readings lie before a place.
    fn before(&self, place: usize) -> u64 {
        match self.place(place) {
            Place::Page(page) => self.fenced.below(page),
            Place::Number(read, place) => self.fenced.below(read.begin) + read.run.until(place),
        }
    }
}

/// How many readings may lie below or at a key, at most: all those of pages that begin there.
struct AtMost<'f, K: Copy>(Known<'f, K>);

impl<K: Key> Sorted for AtMost<'_, K> {
    fn key(&self, place: usize) -> u64 {
        self.0.key(place)
    }

    fn until(&self, places: usize) -> u64 {
        self.0.before(places)
    }
}

/// How many readings lie below or at a key, at least: all those of pages that begin there or before it, but for the last
/// one, if it was not read.
struct AtLeast<'f, K: Copy>(Known<'f, K>);

impl<K: Key> Sorted for AtLeast<'_, K> {
    fn key(&self, place: usize) -> u64 {
        self.0.key(place)
    }

    fn until(&self, places: usize) -> u64 {
        let Some(last) = places.checked_sub(1) else { return 0 };
        match self.0.place(last) {
            Place::Page(page) => self.0.fenced.below(page),
            Place::Number(..) => self.0.before(places),
        }
    }
}

/// Encloses the readings with the ranks from `low` to `high` (from 0 up) of all columns together and of further readings,
/// of which at least `further.start` lie below both, and not more than `further.end` below or between them.
pub(crate) fn bracket<K: Key>(
    columns: &[Known<'_, K>],
    further: &Range<u64>,
    low: u64,
    high: u64,
) -> Bracket {
    let mut spans: Vec<Range<usize>> = columns.iter().map(|column| 0..column.places()).collect();
    // The first place with which more than `low` readings may have begun: the reading of that rank is not smaller.
    let at_most: Vec<AtMost<'_, K>> = columns.iter().copied().map(AtMost).collect();
    let low = match (low + 1).saturating_sub(further.end) {
        0 => 0,
        wanted => search(&at_most, &spans, wanted).map_or(u64::MAX, |found| {
            // The other bound is not below this one.
            for (span, places) in spans.iter_mut().zip(found.places) {
                span.start = places.saturating_sub(1);
            }
            found.key
        }),
    };
    // The first place at which more than `high` readings are below or there: the reading of that rank is not greater.
    let at_least: Vec<AtLeast<'_, K>> = columns.iter().copied().map(AtLeast).collect();
    let wanted = (high + 1).saturating_sub(further.start);
    let high = search(&at_least, &spans, wanted).map_or(u64::MAX, |found| found.key);
    Bracket { low, high }
}
