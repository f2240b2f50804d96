//! The search that ranks are found with: in many sorted columns at once, the smallest key up to which enough readings lie.
//!
//! Each round tries two keys and leaves what lies between them, or on one side of both. Each column proposes the key where
//! the wanted one would be if all columns had the same distribution; two are tried of about the same place among the
//! proposals. So there are few rounds where columns are alike, and also where they follow one another. Where a round has
//! left more than half, the next one tries a middle of middles, which leaves at most three quarters of any columns.

use std::ops::Range;

/// A sorted column.
pub(crate) trait Sorted {
    /// The key at a place; keys ascend strictly.
    fn key(&self, place: usize) -> u64;

    /// How many readings the keys at the first `places` places stand for; for more places it is never less.
    fn until(&self, places: usize) -> u64;
}

/// A key that was looked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) key: u64,
    /// For each column, at how many places the key is smaller or the same.
    pub(crate) places: Vec<usize>,
}

/// Where a column may still have the key that is looked for.
struct Open {
    /// Which of the columns.
    column: usize,
    from: usize,
    to: usize,
    /// The place of the key that this column proposes.
    proposed: usize,
    key: u64,
    tried: [Tried; 2],
}

/// Where a key that is tried lies in a column.
#[derive(Clone, Copy, Default)]
struct Tried {
    /// At how many places the key is below it.
    below: usize,
    /// At how many it is not above it.
    until: usize,
}

/// So many places a column are looked at one by one.
const FEW: usize = 8;
/// And so many at least.
const FEW_MIN: usize = 64;
/// How far from their expected place among the proposals keys are tried, as a part of all.
const MARGIN: f64 = 0.15;

/// The smallest key at a place in one of the spans such that up to it all columns together have at least `wanted`
/// readings; there are fewer of them before the spans. Nothing where there are fewer in all.
pub(crate) fn search<C: Sorted>(columns: &[C], spans: &[Range<usize>], wanted: u64) -> Option<Found> {
    let count = |place: fn(&Range<usize>) -> usize| -> u64 {
        columns.iter().zip(spans).map(|(column, span)| column.until(place(span))).sum()
    };
    let mut search = Search {
        columns,
        wanted,
        low: count(|span| span.start),
        high: count(|span| span.end),
        decided: 0,
        places: spans.iter().map(|span| span.start).collect(),
        open: Vec::with_capacity(spans.len()),
    };
    if search.high < wanted {
        return None;
    }
    let open = |(column, span): (usize, &Range<usize>)| Open {
        column,
        from: span.start,
        to: span.end,
        proposed: span.start,
        key: 0,
        tried: [Tried::default(); 2],
    };
    search.open.extend(spans.iter().enumerate().map(open));
    search.close();
    search.run()
}

struct Search<'c, C> {
    columns: &'c [C],
    wanted: u64,
    /// How many readings lie before all that is open, too few; and how many with it, enough.
    low: u64,
    high: u64,
    /// How many lie in the columns that are not open, before their places.
    decided: u64,
    /// For each column that is not open, at how many places the key is smaller than the one looked for.
    places: Vec<usize>,
    open: Vec<Open>,
}

impl<C: Sorted> Search<'_, C> {
    fn run(mut self) -> Option<Found> {
        let mut proposals = Vec::with_capacity(self.open.len());
        let mut left = self.left();
        let mut is_slow = false;
        while left > (self.open.len() * FEW).max(FEW_MIN) {
            let [low, high] = self.propose(is_slow, left, &mut proposals);
            let counts = [self.count(0, low), self.count(1, high)];
            if let Some(found) = self.narrow(counts) {
                return Some(self.found(if found == 0 { low } else { high }));
            }
            self.close();
            let before = std::mem::replace(&mut left, self.left());
            is_slow = left > before / 2;
        }
        self.look_at_all()
    }

    /// Leaves what lies between the keys that were tried, or on one side of both; `counts` says how many readings lie below
    /// each and up to it. Returns which of them is the one looked for.
    fn narrow(&mut self, counts: [(u64, u64); 2]) -> Option<usize> {
        for (tried, (below, until)) in counts.into_iter().enumerate() {
            let split = |open: &Open| open.tried.get(tried).copied().unwrap_or_default();
            if below >= self.wanted {
                self.high = below;
                self.open.iter_mut().for_each(|open| open.to = split(open).below);
                return None;
            }
            self.low = until;
            self.open.iter_mut().for_each(|open| open.from = split(open).until);
            if until >= self.wanted {
                return Some(tried);
            }
        }
        None
    }

    /// At how many places the key may still be.
    fn left(&self) -> usize {
        self.open.iter().map(|open| open.to - open.from).sum()
    }

    /// Which part of the readings that are left lies below the key looked for.
    #[expect(clippy::cast_precision_loss, reason = "a guess")]
    fn share(&self) -> f64 {
        (self.wanted - self.low) as f64 / (self.high - self.low) as f64
    }

    /// Lets each column propose a key, and picks two, the smaller one first.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a place out of few, from 0 up"
    )]
    fn propose(&mut self, is_slow: bool, left: usize, proposals: &mut Vec<(u64, usize)>) -> [u64; 2] {
        let share = if is_slow { 0.5 } else { self.share() };
        proposals.clear();
        for open in &mut self.open {
            let length = open.to - open.from;
            open.proposed = open.from + ((length as f64 * share) as usize).min(length - 1);
            open.key = self.columns.get(open.column).map_or(0, |column| column.key(open.proposed));
            proposals.push((open.key, length));
        }
        proposals.sort_unstable();
        // Where columns are alike, the key lies amid the proposals; where they follow one another, it lies in the column
        // that has it.
        let parts = if is_slow { [0.5; 2] } else { [share.min(0.5) - MARGIN, share.max(0.5) + MARGIN] };
        parts.map(|part| {
            let before = (left as f64 * part) as usize;
            let mut passed = 0;
            let picked = proposals.iter().find(|(_, length)| {
                passed += length;
                passed > before
            });
            picked.or(proposals.last()).map_or(0, |(key, _)| *key)
        })
    }

    /// How many readings lie below a key that is tried, and how many up to it.
    fn count(&mut self, tried: usize, key: u64) -> (u64, u64) {
        let (mut below, mut until) = (self.decided, self.decided);
        for open in &mut self.open {
            let Some(column) = self.columns.get(open.column) else { continue };
            let place = open.places_below(column, key);
            let has_it = place < open.to && column.key(place) == key;
            let split = Tried { below: place, until: place + usize::from(has_it) };
            let count = column.until(split.below);
            below += count;
            until += if has_it { column.until(split.until) } else { count };
            if let Some(slot) = open.tried.get_mut(tried) {
                *slot = split;
            }
        }
        (below, until)
    }

    /// Takes note of the columns in which no place is left.
    fn close(&mut self) {
        self.open.retain(|open| {
            let is_open = open.from < open.to;
            if !is_open {
                self.decided += self.columns.get(open.column).map_or(0, |column| column.until(open.from));
                if let Some(place) = self.places.get_mut(open.column) {
                    *place = open.from;
                }
            }
            is_open
        });
    }

    /// Ends the search where few places are left.
    fn look_at_all(mut self) -> Option<Found> {
        let mut keys: Vec<(u64, u64)> = Vec::with_capacity(self.left());
        for open in &self.open {
            let Some(column) = self.columns.get(open.column) else { continue };
            let mut before = column.until(open.from);
            keys.extend((open.from..open.to).map(|place| {
                let until = column.until(place + 1);
                (column.key(place), until - std::mem::replace(&mut before, until))
            }));
        }
        keys.sort_unstable();
        let mut passed = self.low;
        let (key, _) = *keys.iter().find(|(_, count)| {
            passed += count;
            passed >= self.wanted
        })?;
        for open in &mut self.open {
            let Some(column) = self.columns.get(open.column) else { continue };
            open.from += (open.from..open.to).take_while(|place| column.key(*place) <= key).count();
        }
        Some(self.found(key))
    }

    fn found(mut self, key: u64) -> Found {
        for open in &self.open {
            if let Some(place) = self.places.get_mut(open.column) {
                *place = open.from;
            }
        }
        Found { key, places: self.places }
    }
}

impl Open {
    /// At how many places of the column the key is below `tried`, which lies near the proposed one: in steps that double,
    /// and then by halving.
    fn places_below<C: Sorted>(&self, column: &C, tried: u64) -> usize {
        let (mut low, mut high, mut step) = (self.from, self.to, 1);
        if self.key < tried {
            low = self.proposed + 1;
            while low + step <= self.to {
                let place = low + step - 1;
                if column.key(place) >= tried {
                    high = place;
                    break;
                }
                low = place + 1;
                step *= 2;
            }
        } else {
            high = self.proposed;
            while high >= self.from + step {
                let place = high - step;
                if column.key(place) < tried {
                    low = place + 1;
                    break;
                }
                high = place;
                step *= 2;
            }
        }
        while low < high {
            let middle = low.midpoint(high);
            if column.key(middle) < tried {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Keys, each with the count of readings that it stands for.
    struct Column(Vec<(u64, u64)>);

    impl Sorted for Column {
        fn key(&self, place: usize) -> u64 {
            self.0[place].0
        }

        fn until(&self, places: usize) -> u64 {
            self.0[..places].iter().map(|(_, count)| count).sum()
        }
    }

    /// Looks for every rank, and compares with a list of all.
    fn check(columns: &[Column], step: usize) {
        let mut all: Vec<(u64, u64)> = columns.iter().flat_map(|column| column.0.iter().copied()).collect();
        all.sort_unstable();
        let spans: Vec<Range<usize>> = columns.iter().map(|column| 0..column.0.len()).collect();
        let total: u64 = all.iter().map(|(_, count)| count).sum();
        for wanted in (1..=total).step_by(step) {
            let mut passed = 0;
            let expected = all.iter().find(|(_, count)| {
                passed += count;
                passed >= wanted
            });
            let key = expected.unwrap().0;
            let places = columns.iter().map(|column| column.0.partition_point(|(other, _)| *other <= key));
            let found = search(columns, &spans, wanted);
            assert_eq!(found, Some(Found { key, places: places.collect() }), "{wanted} of {total}");
        }
        assert_eq!(search(columns, &spans, total + 1), None);
    }

    fn column(keys: impl IntoIterator<Item = (u64, u64)>) -> Column {
        Column(keys.into_iter().collect::<std::collections::BTreeMap<_, _>>().into_iter().collect())
    }

    proptest! {
        /// Dense, sparse and clustered keys, some of which stand for nothing.
        #[test]
        fn every_rank_of_any_columns(
            drafts in prop::collection::vec(
                (0_u64..3, 0_u32..60, prop::collection::vec((0_u64..200, 0_u64..4), 0..60)),
                0..8,
            ),
        ) {
            let columns: Vec<Column> = drafts
                .into_iter()
                .map(|(offset, shift, keys)| {
                    column(keys.into_iter().map(|(key, count)| ((key << (shift % 50)) + offset, count)))
                })
                .collect();
            check(&columns, 1);
        }
    }

    /// Long columns that are alike, that follow one another, and of which one has nearly everything.
    #[test]
    fn some_ranks_of_long_columns() {
        let alike = (0..9).map(|offset| column((0..700).map(|n| (n * n * 10 + offset, 1 + n % 3))));
        check(&alike.collect::<Vec<_>>(), 97);
        let after = (0..9).map(|part| column((0..700).map(|n| (part * 1_000 + n, 2))));
        check(&after.collect::<Vec<_>>(), 97);
        let one =
            (0..9).map(|part| column((0..if part == 4 { 4_000 } else { 2 }).map(|n| (n << part, n % 2))));
        check(&one.collect::<Vec<_>>(), 97);
    }
}
