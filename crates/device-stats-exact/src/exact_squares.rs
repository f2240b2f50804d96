//! Exact sums of squares, for the standard deviation: like [`ExactSum`](crate::ExactSum), with twice the
//! range.
//!
//! The square of a double is an integer of at most 106 bits times a power of two between 2^-2148 and 2^1942.

#[cfg(test)]
mod tests;

use crate::ExactInteger;
use crate::accumulator::{Accumulator, BIN_EXPONENTS};
use crate::float::{Decomposed, LOWEST_EXPONENT};

/// Number of bins. They hold the 4,090 possible shifts of a square, 32 per bin, the higher digits of the
/// largest square, and the words of integers above these.
const BINS: usize = 136;

/// The exact sum of the squares of the numbers added to it.
///
/// Up to 2^31 additions can be made to one sum. Merging starts a new count, as for
/// [`ExactSum`](crate::ExactSum).
///
/// ```
/// use device_stats_exact::{ExactInteger, ExactSquares};
///
/// let mut squares = ExactSquares::default();
/// squares.add(1.5); // 9/4
/// squares.add_times(0.5, 3); // 3/4
/// assert_eq!(squares.to_integer(), ExactInteger::from_words(0, &[3]));
/// ```
#[derive(Clone, Debug, Default)]
pub struct ExactSquares(Box<Accumulator<BINS, { 2 * LOWEST_EXPONENT }>>);

impl ExactSquares {
    /// Number of binary places, from 2 · [`LOWEST_EXPONENT`] up, at which a word of a summand can begin.
    pub const PLACES: u32 = 136 * BIN_EXPONENTS;

    /// Adds the square of a finite number.
    pub fn add(&mut self, number: f64) {
        debug_assert!(number.is_finite(), "only finite numbers have a square");
        let Decomposed { mantissa, shift, .. } = Decomposed::new(number);
        self.0.add_wide(shift * 2, u128::from(mantissa) * u128::from(mantissa), false);
    }

    /// Adds the square of a finite number `count` times. Counts as one addition.
    pub fn add_times(&mut self, number: f64, count: u32) {
        if count == 1 {
            return self.add(number);
        }
        debug_assert!(number.is_finite(), "only finite numbers have a square");
        let Decomposed { mantissa, shift, .. } = Decomposed::new(number);
        let square = u128::from(mantissa) * u128::from(mantissa);
        for digit in (0..u128::BITS).step_by(BIN_EXPONENTS as usize) {
            let product = (square >> digit & u128::from(u32::MAX)) * u128::from(count);
            self.0.add(shift * 2 + digit, product.cast_signed());
        }
    }

    /// Adds everything that was added to `other`.
    pub fn merge(&mut self, other: &Self) {
        self.0.merge(&other.0);
    }

    /// Adds a sum of squares that came from [`to_integer`](Self::to_integer). Counts as one addition.
    ///
    /// # Panics
    /// If a bit of the integer is below 2 · [`LOWEST_EXPONENT`], or a word of the integer begins
    /// [`PLACES`](Self::PLACES) or more above this exponent.
    pub fn add_integer(&mut self, integer: &ExactInteger) {
        self.0.add_integer(integer);
    }

    /// Returns the sum as an integer times a power of two.
    pub fn to_integer(&self) -> ExactInteger {
        self.0.to_integer()
    }
}
