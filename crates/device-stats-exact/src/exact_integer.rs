//! The stored form of an exact sum.

/// Bits of a word.
const WORD_BITS: u32 = u64::BITS;

/// An integer in two's complement times a power of two.
///
/// One number has many such forms. Those that this crate makes are all in lowest terms: the integer is odd and has no
/// more words than it needs; zero is one word with exponent 0. So equal numbers are equal here.
///
/// ```
/// use device_stats_exact::ExactInteger;
///
/// let number = ExactInteger::new(-1, &[24]);
/// assert_eq!((number.exponent, &*number.words), (2, [3].as_slice())); // 24/2 = 3 * 4
/// assert_eq!(number.words_at(0, 2), Some(vec![12, 0]));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExactInteger {
    /// The number counts units of 2 to this power.
    pub exponent: i32,
    /// The integer in two's complement, lowest word first; at least one word.
    pub words: Box<[u64]>,
}

impl ExactInteger {
    /// The number in lowest terms. No word at all is zero.
    pub fn new(exponent: i32, words: &[u64]) -> Self {
        let Some(zero_words) = words.iter().position(|word| *word != 0) else {
            return Self { exponent: 0, words: Box::new([0]) };
        };
        let sign = sign_of(words);
        let from_lowest = words.get(zero_words..).unwrap_or_default();
        let zero_bits = from_lowest.first().map_or(0, |word| word.trailing_zeros());
        let above = from_lowest.iter().skip(1).chain(std::iter::once(&sign));
        let mut shifted: Vec<u64> = from_lowest
            .iter()
            .zip(above)
            .map(|(low, high)| low >> zero_bits | high.checked_shl(WORD_BITS - zero_bits).unwrap_or(0))
            .collect();
        drop_sign_words(&mut shifted, sign);
        let zeros = i32::try_from(zero_words * WORD_BITS as usize).unwrap_or(i32::MAX);
        let zeros = zeros.saturating_add_unsigned(zero_bits);
        Self { exponent: exponent.saturating_add(zeros), words: shifted.into() }
    }

    /// The same number as that many words that count units of 2 to the power of `exponent`; `None` where it is no
    /// such integer.
    pub fn words_at(&self, exponent: i32, count: usize) -> Option<Vec<u64>> {
        let sign = sign_of(&self.words);
        if self.words.iter().all(|word| *word == 0) {
            return Some(vec![0; count]);
        }
        let shift = usize::try_from(self.exponent.checked_sub(exponent)?).ok()?;
        let (words, bits) = (shift / 64, u32::try_from(shift % 64).ok()?);
        if words >= count {
            return None;
        }
        let mut moved = vec![0; words];
        let below = std::iter::once(&0).chain(&*self.words);
        moved.extend(
            self.words
                .iter()
                .chain(std::iter::once(&sign))
                .zip(below)
                .map(|(high, low)| high << bits | low.checked_shr(WORD_BITS - bits).unwrap_or(0)),
        );
        drop_sign_words(&mut moved, sign);
        (moved.len() <= count).then(|| {
            moved.resize(count, sign);
            moved
        })
    }
}

/// What every word above the highest is: all ones below zero, else none.
fn sign_of(words: &[u64]) -> u64 {
    words.last().map_or(0, |highest| if highest >> 63 == 1 { u64::MAX } else { 0 })
}

/// Takes highest words away as long as the sign stays.
fn drop_sign_words(words: &mut Vec<u64>, sign: u64) {
    while let [.., below, highest] = words.as_slice()
        && *highest == sign
        && below >> 63 == sign & 1
    {
        words.pop();
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use num_bigint::BigInt;
    use proptest::prelude::*;

    /// The integer that words stand for.
    pub(crate) fn integer(words: &[u64]) -> BigInt {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        BigInt::from_signed_bytes_le(&bytes)
    }

    #[test]
    fn zero_is_one_word() {
        let zero = ExactInteger { exponent: 0, words: Box::new([0]) };
        assert_eq!(ExactInteger::new(-7, &[]), zero);
        assert_eq!(ExactInteger::new(70, &[0, 0, 0]), zero);
        assert_eq!(zero.words_at(-1074, 3), Some(vec![0; 3]));
    }

    #[test]
    fn known_forms() {
        let form = |exponent, words: &[u64]| ExactInteger { exponent, words: words.into() };
        assert_eq!(ExactInteger::new(0, &[12]), form(2, &[3]));
        assert_eq!(ExactInteger::new(0, &[u64::MAX]), form(0, &[u64::MAX]));
        assert_eq!(ExactInteger::new(0, &[u64::MAX, 0]), form(0, &[u64::MAX, 0]), "not -1");
        assert_eq!(ExactInteger::new(0, &[0, 1 << 63]), form(127, &[u64::MAX]));
        assert_eq!(ExactInteger::new(5, &[0, 0, 2, 0]), form(5 + 129, &[1]));
        assert_eq!(form(0, &[1]).words_at(-63, 1), None, "the sign takes a bit");
        assert_eq!(form(0, &[1]).words_at(-63, 2), Some(vec![1 << 63, 0]));
        assert_eq!(form(0, &[u64::MAX]).words_at(-63, 1), Some(vec![1 << 63]));
        assert_eq!(form(0, &[1]).words_at(1, 9), None, "not an integer there");
    }

    proptest! {
        #[test]
        fn lowest_terms_are_the_same_number(
            words in prop::collection::vec(prop_oneof![Just(0), Just(u64::MAX), Just(1 << 63), any::<u64>()], 1..6),
            exponent in -1074..1000_i32,
            more in 0_usize..3,
        ) {
            let exact = ExactInteger::new(exponent, &words);
            prop_assert!(exact.words[0] & 1 == 1 || integer(&words) == BigInt::ZERO);
            prop_assert_eq!(ExactInteger::new(exact.exponent, &exact.words), exact.clone());
            let back = exact.words_at(exponent, words.len() + more).unwrap();
            prop_assert_eq!(integer(&back), integer(&words));
            prop_assert_eq!(back.len(), words.len() + more);
        }
    }
}
