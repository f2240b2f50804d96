//! Multi-column search: finds the smallest key with at least a given cumulative count in many sorted columns
//! together.
//!
//! Each round tries two keys and keeps the entries between them, or on one side of both. Each column proposes
//! the key at the position that the result would have if all columns had the same distribution. The two tried
//! keys are quantiles of these proposals. So the search needs few rounds for columns with the same
//! distribution, and for columns whose keys do not overlap. After a round that keeps more than half of the
//! keys, the next round tries a median of medians. It keeps at most three quarters of the keys of any
//! columns.

use std::ops::Range;

/// A sorted column.
pub(crate) trait SortedColumn {
    /// Returns the key at a position; keys ascend strictly.
    fn key(&self, position: usize) -> u64;

    /// Returns the cumulative count of the first `positions` keys; it never descends.
    fn until(&self, positions: usize) -> u64;
}

/// The result of a search.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) key: u64,
    /// For each column, the number of smaller or equal keys.
    pub(crate) positions: Vec<usize>,
}

/// The span of a column that may still have the key.
struct OpenSpan {
    /// Index of the column.
    column: usize,
    from: usize,
    to: usize,
    /// The position of the key that this column proposes.
    proposed: usize,
    /// The proposed key.
    key: u64,
    tried: [Split; 2],
}

/// The position of a tried key in a column.
#[derive(Clone, Copy, Default)]
struct Split {
    /// Number of smaller keys.
    below: usize,
    /// Number of smaller or equal keys.
    until: usize,
}

/// Number of remaining keys per column up to which a search sorts them all.
const FEW: usize = 8;
/// Number of remaining keys in all columns together up to which a search sorts them all.
const FEW_MIN: usize = 64;
/// Distance of the tried keys from their expected quantile among the proposals.
const MARGIN: f64 = 0.15;

/// Returns the smallest key in one of the spans with a cumulative count of at least `wanted` in all columns
/// together; `None` if there are fewer readings. The caller ensures that fewer than `wanted` readings lie
/// before the spans.
pub(crate) fn search<C: SortedColumn>(columns: &[C], spans: &[Range<usize>], wanted: u64) -> Option<Found> {
    let count = |position: fn(&Range<usize>) -> usize| -> u64 {
        columns.iter().zip(spans).map(|(column, span)| column.until(position(span))).sum()
    };
    let mut search = Search {
        columns,
        wanted,
        low: count(|span| span.start),
        high: count(|span| span.end),
        decided: 0,
        positions: spans.iter().map(|span| span.start).collect(),
        open: Vec::with_capacity(spans.len()),
    };
    if search.high < wanted {
        return None;
    }
    let open = |(column, span): (usize, &Range<usize>)| OpenSpan {
        column,
        from: span.start,
        to: span.end,
        proposed: span.start,
        key: 0,
        tried: [Split::default(); 2],
    };
    search.open.extend(spans.iter().enumerate().map(open));
    search.close();
    search.run()
}

struct Search<'c, C> {
    columns: &'c [C],
    wanted: u64,
    /// Number of readings before all open spans; less than `wanted`.
    low: u64,
    /// Number of readings up to the end of all open spans; at least `wanted`.
    high: u64,
    /// Number of readings before the positions of closed columns.
    decided: u64,
    /// For each closed column, the number of keys below the result.
    positions: Vec<usize>,
    open: Vec<OpenSpan>,
}

#[expect(
    clippy::indexing_slicing,
    clippy::expect_used,
    reason = "a column must not be skipped or miscounted"
)]
impl<C: SortedColumn> Search<'_, C> {
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
        self.sort_all()
    }

    /// Keeps the entries between the tried keys, or on one side of both. For each tried key, `counts` has the
    /// number of readings below it and the number up to it. Returns the index of the tried key that is the
    /// result, if any.
    fn narrow(&mut self, counts: [(u64, u64); 2]) -> Option<usize> {
        for (tried, (below, until)) in counts.into_iter().enumerate() {
            if below >= self.wanted {
                self.high = below;
                self.open.iter_mut().for_each(|open| open.to = open.tried[tried].below);
                return None;
            }
            self.low = until;
            self.open.iter_mut().for_each(|open| open.from = open.tried[tried].until);
            if until >= self.wanted {
                return Some(tried);
            }
        }
        None
    }

    /// Returns the number of keys in open spans.
    fn left(&self) -> usize {
        self.open.iter().map(|open| open.to - open.from).sum()
    }

    /// Returns the share of the readings in open spans that lies below the result.
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    fn share(&self) -> f64 {
        (self.wanted - self.low) as f64 / (self.high - self.low) as f64
    }

    /// Picks two of the keys that the columns propose, and returns the smaller one first.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an estimate of a position"
    )]
    fn propose(&mut self, is_slow: bool, left: usize, proposals: &mut Vec<(u64, usize)>) -> [u64; 2] {
        let share = if is_slow { 0.5 } else { self.share() };
        proposals.clear();
        for open in &mut self.open {
            let length = open.to - open.from;
            open.proposed = open.from + ((length as f64 * share) as usize).min(length - 1);
            open.key = self.columns[open.column].key(open.proposed);
            proposals.push((open.key, length));
        }
        proposals.sort_unstable();
        // In columns with the same distribution, the result is near the median of the proposals. In columns
        // whose keys do not overlap, the result is near the proposal of the column that contains it.
        let shares = if is_slow { [0.5; 2] } else { [share.min(0.5) - MARGIN, share.max(0.5) + MARGIN] };
        shares.map(|share| {
            let before = (left as f64 * share) as usize;
            let mut passed = 0;
            let picked = proposals.iter().position(|(_, length)| {
                passed += length;
                passed > before
            });
            proposals[picked.unwrap_or(proposals.len() - 1)].0
        })
    }

    /// Returns the number of readings below a tried key, and the number up to it.
    fn count(&mut self, tried: usize, key: u64) -> (u64, u64) {
        let (mut below, mut until) = (self.decided, self.decided);
        for open in &mut self.open {
            let column = &self.columns[open.column];
            let position = open.position_of(column, key);
            let has_key = position < open.to && column.key(position) == key;
            let split = Split { below: position, until: position + usize::from(has_key) };
            let count = column.until(split.below);
            below += count;
            until += if has_key { column.until(split.until) } else { count };
            open.tried[tried] = split;
        }
        (below, until)
    }

    /// Closes empty spans.
    fn close(&mut self) {
        self.open.retain(|open| {
            let is_open = open.from < open.to;
            if !is_open {
                self.decided += self.columns[open.column].until(open.from);
                self.positions[open.column] = open.from;
            }
            is_open
        });
    }

    /// Ends the search by sorting the few keys that are left.
    fn sort_all(mut self) -> Option<Found> {
        let mut keys: Vec<(u64, u64)> = Vec::with_capacity(self.left());
        for open in &self.open {
            let column = &self.columns[open.column];
            let mut before = column.until(open.from);
            keys.extend((open.from..open.to).map(|position| {
                let until = column.until(position + 1);
                let count = until.checked_sub(std::mem::replace(&mut before, until));
                (column.key(position), count.expect("cumulative counts never descend"))
            }));
        }
        keys.sort_unstable();
        let mut passed = self.low;
        let (key, _) = *keys.iter().find(|(_, count)| {
            passed += count;
            passed >= self.wanted
        })?;
        for open in &mut self.open {
            let column = &self.columns[open.column];
            open.from += (open.from..open.to).take_while(|position| column.key(*position) <= key).count();
        }
        Some(self.found(key))
    }

    fn found(mut self, key: u64) -> Found {
        for open in &self.open {
            self.positions[open.column] = open.from;
        }
        Found { key, positions: self.positions }
    }
}

impl OpenSpan {
    /// Returns the number of keys below `tried`, which is close to the proposed key: searches in doubling
    /// steps, then by halving.
    fn position_of<C: SortedColumn>(&self, column: &C, tried: u64) -> usize {
        let (mut low, mut high, mut step) = (self.from, self.to, 1);
        if self.key < tried {
            low = self.proposed + 1;
            while low + step <= self.to {
                let position = low + step - 1;
                if column.key(position) >= tried {
                    high = position;
                    break;
                }
                low = position + 1;
                step *= 2;
            }
        } else {
            high = self.proposed;
            while high >= self.from + step {
                let position = high - step;
                if column.key(position) < tried {
                    low = position + 1;
                    break;
                }
                high = position;
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

    /// Keys with their reading counts.
    struct Column(Vec<(u64, u64)>);

    impl SortedColumn for Column {
        fn key(&self, position: usize) -> u64 {
            self.0[position].0
        }

        fn until(&self, positions: usize) -> u64 {
            self.0[..positions].iter().map(|(_, count)| count).sum()
        }
    }

    /// Searches every `step`-th rank and compares with a sorted list.
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
            let positions = columns.iter().map(|column| column.0.partition_point(|(other, _)| *other <= key));
            let found = search(columns, &spans, wanted);
            assert_eq!(found, Some(Found { key, positions: positions.collect() }), "{wanted} of {total}");
        }
        assert_eq!(search(columns, &spans, total + 1), None);
    }

    fn column(keys: impl IntoIterator<Item = (u64, u64)>) -> Column {
        Column(keys.into_iter().collect::<std::collections::BTreeMap<_, _>>().into_iter().collect())
    }

    proptest! {
        /// Dense, sparse and clustered keys; some have no reading.
        #[test]
        fn every_rank_of_any_columns_is_found(
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

    /// Columns with the same distribution, columns whose keys do not overlap, and one column with nearly all
    /// readings.
    #[test]
    fn ranks_of_long_columns_are_found() {
        let alike = (0..9).map(|offset| column((0..700).map(|n| (n * n * 10 + offset, 1 + n % 3))));
        check(&alike.collect::<Vec<_>>(), 97);
        let after = (0..9).map(|part| column((0..700).map(|n| (part * 1_000 + n, 2))));
        check(&after.collect::<Vec<_>>(), 97);
        let one =
            (0..9).map(|part| column((0..if part == 4 { 4_000 } else { 2 }).map(|n| (n << part, n % 2))));
        check(&one.collect::<Vec<_>>(), 97);
    }
}
