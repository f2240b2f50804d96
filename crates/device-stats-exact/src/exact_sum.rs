//! Exact sums: an accumulator that holds the true sum of any finite doubles and rounds the sum once, when it
//! is read. The result equals that of Python's `math.fsum`, for any order and grouping of the additions.

#[cfg(test)]
mod tests;

use crate::ExactInteger;
use crate::accumulator::{Accumulator, BIN_EXPONENTS};
use crate::float::{Decomposed, LOWEST_EXPONENT};

/// Number of bins: 64 for the 2,046 possible shifts of a mantissa, and 4 for the words of integers above
/// these.
const BINS: usize = 68;

/// The exact sum of the numbers added to it.
///
/// Up to 2^41 numbers can be added to one sum. [`merge`](Self::merge) starts a new count: it begins with the
/// number of additions to the other sum.
///
/// ```
/// use device_stats_exact::ExactSum;
///
/// let sum: ExactSum = [1e16, 1.0, -1e16].into_iter().collect();
/// assert_eq!(sum.rounded(), Some(1.0)); // left-to-right addition gives 0
///
/// // Sums are stored and added as integers, without error.
/// let mut twice = ExactSum::default();
/// twice.add_integer(&sum.to_integer());
/// twice.merge(&sum);
/// assert_eq!(twice.rounded(), Some(2.0));
/// ```
#[derive(Clone, Debug, Default)]
pub struct ExactSum(Accumulator<BINS, LOWEST_EXPONENT>);

impl ExactSum {
    /// Number of binary places, from [`LOWEST_EXPONENT`] up, at which a word of a summand can begin.
    pub const PLACES: u32 = 68 * BIN_EXPONENTS;

    /// Adds a finite number.
    #[inline]
    pub fn add(&mut self, number: f64) {
        debug_assert!(number.is_finite(), "only finite numbers have a sum");
        let decomposed = Decomposed::new(number);
        self.0.add(decomposed.shift, decomposed.signed_mantissa().into());
    }

    /// Adds a finite number `count` times. Counts as 1,024 additions.
    pub fn add_times(&mut self, number: f64, count: u32) {
        debug_assert!(number.is_finite(), "only finite numbers have a sum");
        let Decomposed { is_negative, mantissa, shift } = Decomposed::new(number);
        self.0.add_wide(shift, u128::from(mantissa) * u128::from(count), is_negative);
    }

    /// Adds an integer in two's complement, lowest word first, in units of 2^`exponent`. Counts as 1,024
    /// additions.
    ///
    /// # Panics
    /// If `exponent` is below [`LOWEST_EXPONENT`], or a word begins [`PLACES`](Self::PLACES) or more above
    /// [`LOWEST_EXPONENT`].
    #[inline]
    pub fn add_words(&mut self, exponent: i32, words: &[u64]) {
        self.0.add_words(exponent, words);
    }

    /// Adds an exact integer. Counts as 1,024 additions.
    ///
    /// # Panics
    /// As [`add_words`](Self::add_words).
    pub fn add_integer(&mut self, integer: &ExactInteger) {
        self.0.add_integer(integer);
    }

    /// Adds everything that was added to `other`.
    pub fn merge(&mut self, other: &Self) {
        self.0.merge(&other.0);
    }

    /// Returns the sum as an integer times a power of two.
    pub fn to_integer(&self) -> ExactInteger {
        self.0.to_integer()
    }

    /// Returns the sum, rounded once to the nearest double, ties to even; `None` beyond the largest double. A
    /// sum of zero is `0.0`.
    pub fn rounded(&self) -> Option<f64> {
        self.to_integer().rounded()
    }
}

impl FromIterator<f64> for ExactSum {
    fn from_iter<I: IntoIterator<Item = f64>>(numbers: I) -> Self {
        let mut sum = Self::default();
        numbers.into_iter().for_each(|number| sum.add(number));
        sum
    }
}
