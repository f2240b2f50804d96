//! Dictionaries: the distinct values of an axis in ascending order, and how often each occurs.

use std::mem;

use device_stats_exact::Key;

/// Distinct values and how many readings have each.
#[derive(Debug, Default)]
pub(crate) struct Dictionary {
    /// Ascending by [`f64::total_cmp`].
    pub(crate) values: Vec<f64>,
    pub(crate) counts: Vec<u32>,
}

/// A value on its way into a dictionary: what it sorts by, and its position where it came from.
type Entry = (u64, u32);

/// Makes dictionaries, in memory that is used again for the next.
#[derive(Debug, Default)]
pub(crate) struct DictionaryBuilder {
    entries: Vec<Entry>,
    spare: Vec<Entry>,
}

impl DictionaryBuilder {
    /// The dictionary of `numbers`, of which each stands for as many readings as `count_at` says for its position, and
    /// for each of them the position of its value there.
    pub(crate) fn build(
        &mut self,
        numbers: impl Iterator<Item = f64>,
        count_at: impl Fn(u32) -> u32,
    ) -> (Dictionary, Vec<u32>) {
        self.entries.clear();
        self.entries.extend(numbers.map(Key::key).zip(0..));
        sort(&mut self.entries, &mut self.spare);
        let mut codes = vec![0; self.entries.len()];
        let mut dictionary = Dictionary::default();
        for (code, same) in (0..).zip(self.entries.chunk_by(|(left, _), (right, _)| left == right)) {
            let mut count = 0;
            for (_, position) in same {
                count += count_at(*position);
                if let Some(place) = codes.get_mut(*position as usize) {
                    *place = code;
                }
            }
            dictionary.values.extend(same.first().map(|(key, _)| number_of(*key)));
            dictionary.counts.push(count);
        }
        (dictionary, codes)
    }
}

/// The number of a key.
fn number_of(key: u64) -> f64 {
    f64::from_bits(if key >> 63 == 1 { key & !(1 << 63) } else { !key })
}

/// Bits of a key that one pass of the sort looks at.
const DIGIT_BITS: u32 = 11;
/// Values of these bits.
const DIGITS: usize = 1 << DIGIT_BITS;
/// Fewer entries are sorted by comparing.
const RADIX_MIN: usize = 2 * DIGITS;

/// Sorts entries by key: digit by digit from the lowest up, where they are many, and only by digits that differ.
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
            if let Some(count) = counts.get_mut(digit(*key, *shift)) {
                *count += 1;
            }
        }
    }
    spare.clear();
    spare.resize(entries.len(), (0, 0));
    for (shift, counts) in &mut passes {
        distribute(entries, spare, *shift, counts);
        mem::swap(entries, spare);
    }
}

/// The bits of a key from `shift` up that one pass looks at.
#[expect(clippy::cast_possible_truncation, reason = "eleven bits")]
fn digit(key: u64, shift: u32) -> usize {
    (key >> shift & (DIGITS as u64 - 1)) as usize
}

/// Copies entries in the order of one digit of their keys, each of which `counts` says how many have; those of the same
/// digit stay in order.
fn distribute(from: &[Entry], to: &mut [Entry], shift: u32, counts: &mut [u32; DIGITS]) {
    let mut next = 0;
    for count in counts.iter_mut() {
        next += mem::replace(count, next);
    }
    for entry in from {
        if let Some(place) = counts.get_mut(digit(entry.0, shift)) {
            if let Some(slot) = to.get_mut(*place as usize) {
                *slot = *entry;
            }
            *place += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Builds a dictionary and compares it with one built by sorting.
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
        fn few_values(numbers in prop::collection::vec(prop::num::f64::ANY.prop_filter("no number", |n| n.is_finite()), 0..50)) {
            check(&numbers);
        }

        /// Long enough to be sorted by digits; the mask leaves only some bits to differ.
        #[test]
        fn many_values(seed in any::<u64>(), mask in any::<u64>(), other in any::<u64>()) {
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
