//! The stored form of an exact sum.

use num_bigint::{BigInt, Sign};

use crate::float;

/// An integer times a power of two, in lowest terms: the integer is odd, or zero with exponent 0. Equal
/// numbers therefore compare as equal.
///
/// ```
/// use device_stats_exact::ExactInteger;
///
/// let number = ExactInteger::from_words(-1, &[24]);
/// assert_eq!((number.exponent(), number.to_words()), (2, vec![3])); // 24/2 = 3 * 4
/// assert_eq!(number.to_words_at(0, 2), Some(vec![12, 0]));
/// assert_eq!(number.rounded(), Some(12.0));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExactInteger {
    exponent: i32,
    integer: BigInt,
}

impl ExactInteger {
    /// Returns `integer` · 2^`exponent`.
    ///
    /// # Panics
    /// If the exponent of the lowest set bit does not fit an `i32`.
    #[expect(clippy::expect_used, reason = "documented")]
    pub(crate) fn new(exponent: i32, integer: BigInt) -> Self {
        let Some(zeros) = integer.trailing_zeros() else { return Self { exponent: 0, integer } };
        let raised = i32::try_from(zeros).ok().and_then(|zeros| exponent.checked_add(zeros));
        Self { exponent: raised.expect("the exponent fits 32 bits"), integer: integer >> zeros }
    }

    /// Creates a number from the words of an integer in two's complement, lowest word first, in units of
    /// 2^`exponent`. An empty slice is zero.
    ///
    /// # Panics
    /// If the exponent of the lowest set bit does not fit an `i32`.
    pub fn from_words(exponent: i32, words: &[u64]) -> Self {
        Self::new(exponent, to_integer(words))
    }

    /// Creates a number from the results of [`exponent`](Self::exponent) and [`to_words`](Self::to_words);
    /// `None` for any other form of the number.
    pub fn from_lowest_terms(exponent: i32, words: &[u64]) -> Option<Self> {
        let integer = to_integer(words);
        let is_lowest = if integer == BigInt::ZERO { exponent == 0 } else { integer.bit(0) };
        let number = Self { exponent, integer };
        (is_lowest && number.to_words() == words).then_some(number)
    }

    /// Returns the exponent of the lowest set bit; 0 for zero.
    pub fn exponent(&self) -> i32 {
        self.exponent
    }

    /// Returns the integer, which is odd or zero.
    pub(crate) fn integer(&self) -> &BigInt {
        &self.integer
    }

    /// Returns whether the number is below zero.
    pub fn is_negative(&self) -> bool {
        self.integer.sign() == Sign::Minus
    }

    /// Returns the integer in two's complement, lowest word first, in the smallest number of words that holds
    /// it; at least one word.
    pub fn to_words(&self) -> Vec<u64> {
        to_words(&self.integer)
    }

    /// Returns the number as `count` words in two's complement in units of 2^`exponent`; `None` if it does
    /// not fit.
    pub fn to_words_at(&self, exponent: i32, count: usize) -> Option<Vec<u64>> {
        let shift = if self.integer == BigInt::ZERO { 0 } else { self.exponent.checked_sub(exponent)? };
        let shift = usize::try_from(shift).ok().filter(|shift| shift / 64 < count)?;
        let mut words = to_words(&(&self.integer << shift));
        let sign = if self.is_negative() { u64::MAX } else { 0 };
        (words.len() <= count).then(|| {
            words.resize(count, sign);
            words
        })
    }

    /// Returns the nearest double, ties to even; `None` beyond the largest double. Zero is `0.0`.
    pub fn rounded(&self) -> Option<f64> {
        let magnitude = float::round_big(self.integer.magnitude(), false, self.exponent)?;
        Some(float::with_sign(magnitude, self.is_negative()))
    }
}

fn to_integer(words: &[u64]) -> BigInt {
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    BigInt::from_signed_bytes_le(&bytes)
}

fn to_words(integer: &BigInt) -> Vec<u64> {
    let mut bytes = integer.to_signed_bytes_le();
    let sign = if integer.sign() == Sign::Minus { u8::MAX } else { 0 };
    bytes.resize(bytes.len().next_multiple_of(size_of::<u64>()), sign);
    bytes.as_chunks().0.iter().map(|word| u64::from_le_bytes(*word)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn zero_is_one_word_with_exponent_0() {
        for zero in [ExactInteger::from_words(-7, &[]), ExactInteger::from_words(70, &[0, 0, 0])] {
            assert_eq!((zero.exponent(), zero.to_words()), (0, vec![0]));
            assert_eq!(zero.to_words_at(-1074, 3), Some(vec![0; 3]));
            assert_eq!(zero.rounded().map(f64::to_bits), Some(0));
        }
    }

    #[test]
    fn known_numbers_in_lowest_terms() {
        let form = |exponent, words: &[u64]| {
            let number = ExactInteger::from_words(exponent, words);
            (number.exponent(), number.to_words())
        };
        assert_eq!(form(0, &[12]), (2, vec![3]));
        assert_eq!(form(0, &[u64::MAX]), (0, vec![u64::MAX]));
        assert_eq!(form(0, &[u64::MAX, 0]), (0, vec![u64::MAX, 0]), "not -1");
        assert_eq!(form(0, &[0, 1 << 63]), (127, vec![u64::MAX]));
        assert_eq!(form(5, &[0, 0, 2, 0]), (5 + 129, vec![1]));
        let at = |word, exponent, count| ExactInteger::from_words(0, &[word]).to_words_at(exponent, count);
        assert_eq!(at(1, -63, 1), None, "the sign takes a bit");
        assert_eq!(at(1, -63, 2), Some(vec![1 << 63, 0]));
        assert_eq!(at(u64::MAX, -63, 1), Some(vec![1 << 63]));
        assert_eq!(at(1, 1, 9), None, "not an integer in that unit");
    }

    #[test]
    fn other_forms_are_not_lowest_terms() {
        for (exponent, words) in
            [(0, &[2][..]), (1, &[0]), (0, &[]), (0, &[1, 0]), (0, &[u64::MAX, u64::MAX])]
        {
            assert_eq!(ExactInteger::from_lowest_terms(exponent, words), None, "{words:?}");
        }
        assert!(ExactInteger::from_lowest_terms(i32::MAX, &[1]).is_some());
    }

    proptest! {
        #[test]
        fn lowest_terms_are_the_same_number(
            words in prop::collection::vec(prop_oneof![Just(0), Just(u64::MAX), Just(1 << 63), any::<u64>()], 1..6),
            exponent in -1074..1000_i32,
            more in 0_usize..3,
        ) {
            let exact = ExactInteger::from_words(exponent, &words);
            let lowest = exact.to_words();
            prop_assert!(lowest[0] & 1 == 1 || to_integer(&words) == BigInt::ZERO);
            prop_assert_eq!(ExactInteger::from_lowest_terms(exact.exponent(), &lowest), Some(exact.clone()));
            let back = exact.to_words_at(exponent, words.len() + more).unwrap();
            prop_assert_eq!(to_integer(&back), to_integer(&words));
            prop_assert_eq!(back.len(), words.len() + more);
        }
    }
}
