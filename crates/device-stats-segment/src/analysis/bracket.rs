//! Two bounds that enclose a rank with certainty, from fences alone.

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
    pub(super) fn pages(&self, bracket: Bracket) -> std::ops::Range<usize> {
        let begin = self.first.partition_point(|first| first.key() <= bracket.low).saturating_sub(1);
        begin..self.first.partition_point(|first| first.key() <= bracket.high).max(begin)
    }

    /// How many readings lie in the pages before `index`.
    pub(super) fn below(&self, index: usize) -> u64 {
        self.below.get(index).or(self.below.last()).copied().map_or(0, u64::from)
    }
}

/// Encloses the readings with the ranks from `low` to `high` (from 0 up) of all columns together, where `unfenced`
/// further readings may lie anywhere.
pub(super) fn bracket<K: Key>(columns: &[Fenced<'_, K>], unfenced: u64, low: u64, high: u64) -> Bracket {
    // The last key that at most `low` readings can be below: the reading of that rank is not smaller. What is below a key
    // is at most all pages that begin below it.
    let at_most = halve(columns, |pages, column| column.below(pages), |below| below + unfenced <= low);
    // The last key that more than `high` readings need not be below: the reading of that rank is not greater. What is
    // below a key is at least all pages but the last of those that begin below it.
    let at_least = |pages: usize, column: &Fenced<'_, K>| column.below(pages.saturating_sub(1));
    let high = halve(columns, at_least, |below| below <= high);
    Bracket { low: at_most, high }
}

/// A column during halving: the number of its pages that begin below the key lies between `from` and `until`.
struct Search<'c, 'f, K> {
    column: &'c Fenced<'f, K>,
    from: usize,
    until: usize,
    /// How many begin below the key that is tried.
    tried: usize,
}

/// The last key for which `holds` is true of the sum of `count` over all columns; `count` gets the number of pages that
/// begin below the key. True for key 0, and never true again after it was false once.
fn halve<K: Key>(
    columns: &[Fenced<'_, K>],
    count: impl Fn(usize, &Fenced<'_, K>) -> u64,
    holds: impl Fn(u64) -> bool,
) -> u64 {
    let mut open: Vec<_> = columns
        .iter()
        .map(|column| Search { column, from: 0, until: column.first.len(), tried: 0 })
        .collect();
    let mut decided = 0;
    let (mut low, mut high) = (0, u64::MAX);
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        let mut below = decided;
        for search in &mut open {
            let between = search.column.first.get(search.from..search.until).unwrap_or_default();
            search.tried = search.from + between.partition_point(|first| first.key() < middle);
            below += count(search.tried, search.column);
        }
        let is_true = holds(below);
        if is_true {
            low = middle;
        } else {
            high = middle - 1;
        }
        open.retain_mut(|search| {
            let end = if is_true { &mut search.from } else { &mut search.until };
            *end = search.tried;
            let is_open = search.from < search.until;
            if !is_open {
                decided += count(search.from, search.column);
            }
            is_open
        });
        if open.is_empty() {
            // No page begins between the two, so all keys above `low` and up to `high` have the same counts.
            return if holds(decided) { high } else { low };
        }
    }
    low
}
