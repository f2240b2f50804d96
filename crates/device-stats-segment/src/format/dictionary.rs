//! Dictionaries: the distinct values of an axis, ascending, and the number of readings with each.

use std::mem;

use device_stats_exact::{OrderKey, double_from_key};

/// Distinct values and the number of readings with each.
#[derive(Debug, Default)]
pub(crate) struct Dictionary {
    /// Ascending by [`f64::total_cmp`].
    pub(crate) values: Vec<f64>,
    pub(crate) counts: Vec<u32>,
}

/// The sort key of a value, and the position of the value in the input.
type Entry = (u64, u32);

/// Builds dictionaries and reuses its memory for the next one.
#[derive(Debug, Default)]
pub(crate) struct DictionaryBuilder {
    entries: Vec<Entry>,
    spare: Vec<Entry>,
}

impl DictionaryBuilder {
    /// Returns the dictionary of `numbers`, and for each number the position of its value in the dictionary.
    /// The number at a position stands for `count_at` readings.
    #[expect(clippy::indexing_slicing, reason = "a code must not be dropped")]
    pub(crate) fn build(
        &mut self,
        numbers: impl Iterator<Item = f64>,
        count_at: impl Fn(u32) -> u32,
    ) -> (Dictionary, Vec<u32>) {
        self.entries.clear();
        self.entries.extend(numbers.map(OrderKey::order_key).zip(0..));
        sort(&mut self.entries, &mut self.spare);
        let mut codes = vec![0; self.entries.len()];
        let mut dictionary = Dictionary::default();
        for (code, same) in (0..).zip(self.entries.chunk_by(|(left, _), (right, _)| left == right)) {
            let mut count = 0;
            for (_, position) in same {
                count += count_at(*position);
                codes[*position as usize] = code;
            }
            dictionary.values.extend(same.first().map(|(key, _)| double_from_key(*key)));
            dictionary.counts.push(count);
        }
        (dictionary, codes)
    }
}

/// Number of bits of a key that one pass of the sort compares.
const DIGIT_BITS: u32 = 11;
/// Number of values of these bits.
const DIGITS: usize = 1 << DIGIT_BITS;
/// Minimum number of entries for a radix sort; fewer are sorted by comparison.
const RADIX_MIN: usize = 2 * DIGITS;

/// Sorts entries by key. From [`RADIX_MIN`] entries up, sorts digit by digit, lowest digit first, and skips
/// digits that are equal in all keys.
#[expect(clippy::indexing_slicing, reason = "an entry must not be dropped")]
fn sort(entries: &mut Vec<Entry>, spare: &mut Vec<Entry>) {
    let Some((first, _)) = entries.first().copied().filter(|_| entries.len() >= RADIX_MIN) else {
        entries.sort_unstable_by_key(|(key, _)| *key);
        return;
    };
    let differing = entries.iter().fold(0, |bits, (key, _)| bits | (key ^ first));
    let shifts = (differing.trailing_zeros()..u64::BITS).step_by(DIGIT_BITS as usize);
    let shifts = shifts.filter(|shift| digit(differing, *shift) != 0);
    let mut passes: Vec<(u32, [u32; DIGITS])> = shifts.map(|shift| (shift, [0; DIGITS])).collect();
    for (key, _) in entries.iter() {
        for (shift, counts) in &mut passes {
            counts[digit(*key, *shift)] += 1;
        }
    }
    spare.clear();
    spare.resize(entries.len(), (0, 0));
    for (shift, counts) in &mut passes {
        distribute(entries, spare, *shift, counts);
        mem::swap(entries, spare);
    }
}

/// Returns the bits of a key from `shift` up that one pass compares.
#[expect(clippy::cast_possible_truncation, reason = "eleven bits")]
fn digit(key: u64, shift: u32) -> usize {
    (key >> shift & (DIGITS as u64 - 1)) as usize
}

/// Copies entries in the order of one digit of their keys; `counts` has the number of entries with each
/// digit. Entries with the same digit stay in order.
#[expect(clippy::indexing_slicing, reason = "an entry must not be dropped")]
fn distribute(from: &[Entry], to: &mut [Entry], shift: u32, counts: &mut [u32; DIGITS]) {
    let mut next = 0;
    for count in counts.iter_mut() {
        next += mem::replace(count, next);
    }
    for entry in from {
        let position = &mut counts[digit(entry.0, shift)];
        to[*position as usize] = *entry;
        *position += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Compares a dictionary with one built by sorting.
    fn check(numbers: &[f64]) {
        let (dictionary, codes) =
            DictionaryBuilder::default().build(numbers.iter().copied(), |position| position);
        let mut sorted = numbers.to_vec();
        sorted.sort_by(f64::total_cmp);
        sorted.dedup_by_key(|number| number.to_bits());
        let bits = |numbers: &[f64]| numbers.iter().map(|number| number.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&dictionary.values), bits(&sorted));
        let mut counts = vec![0; sorted.len()];
        for (position, (number, code)) in (0..).zip(numbers.iter().zip(&codes)) {
            assert_eq!(sorted[*code as usize].to_bits(), number.to_bits());
            counts[*code as usize] += position;
        }
        assert_eq!(dictionary.counts, counts);
    }

    proptest! {
        #[test]
        fn few_values_equal_sorting(numbers in prop::collection::vec(prop::num::f64::ANY.prop_filter("not finite", |n| n.is_finite()), 0..50)) {
            check(&numbers);
        }

        /// Enough numbers for the radix sort; the mask selects the bits that differ.
        #[test]
        fn many_values_equal_sorting(seed in any::<u64>(), mask in any::<u64>(), other in any::<u64>()) {
            let mut state = seed | 1;
            let numbers: Vec<f64> = (0..RADIX_MIN + 77)
                .map(|_| {
                    state ^= state << 13;
                    state ^= state >> 7;
                    state ^= state << 17;
                    let number = f64::from_bits(state & mask | other & !mask);
                    if number.is_finite() { number } else { -0.0 }
                })
                .collect();
            check(&numbers);
        }
    }
}
