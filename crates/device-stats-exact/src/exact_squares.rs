//! Exact sums of squares, for the standard deviation: like [`ExactSum`](crate::ExactSum), with twice the range.
//!
//! The square of a double is an integer of at most 106 bits times a power of two between 2^-2148 and 2^1942. It is taken
//! as four digits of 32 bits; each, times a count of 32 bits and shifted by less than 32 places, takes less than 2^95 of
//! a bin's 2^128, so 2^32 additions fit before a bin could overflow, with room for carries.

#[cfg(test)]
mod tests;

use crate::ExactInteger;
use crate::float::{LOWEST_EXPONENT, Parts};

/// Exponents a bin stands for.
const BIN_EXPONENTS: u32 = 32;
/// 4,090 possible shifts of a square, 32 to a bin; its other digits; and what the highest word of an integer may reach
/// above them.
const BINS: usize = 136;
/// 32-bit digits of the resolved sum: the bins, and 128 bits for carries out of the last. An even number of them.
const DIGITS: usize = BINS + 4;
/// How many places above twice [`LOWEST_EXPONENT`] a word of an integer may begin at.
pub const SQUARE_PLACES: u32 = 136 * BIN_EXPONENTS;

/// The exact sum of the squares of the numbers added to it.
///
/// ```
/// use device_stats_exact::{ExactInteger, ExactSquares};
///
/// let mut squares = ExactSquares::default();
/// squares.add(1.5); // 9/4
/// squares.add_times(0.5, 3); // 3/4
/// assert_eq!(squares.to_integer(), ExactInteger::new(0, &[3]));
/// ```
#[derive(Clone, Debug)]
pub struct ExactSquares {
    bins: Box<[u128; BINS]>,
}

impl Default for ExactSquares {
    fn default() -> Self {
        Self { bins: Box::new([0; BINS]) }
    }
}

impl ExactSquares {
    /// Adds the square of a finite number. At most 2^32 additions may be made to one sum, those of merged sums counted
    /// along.
    pub fn add(&mut self, number: f64) {
        debug_assert!(number.is_finite(), "only finite numbers have a square");
        let Parts { mantissa, shift, .. } = Parts::of(number);
        let square = u128::from(mantissa) * u128::from(mantissa);
        for (half, shift) in [(square & u128::from(u64::MAX), shift * 2), (square >> 64, shift * 2 + 64)] {
            if let Some(bin) = self.bins.get_mut((shift / BIN_EXPONENTS) as usize) {
                *bin += half << (shift % BIN_EXPONENTS);
            }
        }
    }

    /// Adds the square of a finite number as if it were added `count` times. Counts as one addition.
    pub fn add_times(&mut self, number: f64, count: u32) {
        if count == 1 {
            return self.add(number);
        }
        debug_assert!(number.is_finite(), "only finite numbers have a square");
        let Parts { mantissa, shift, .. } = Parts::of(number);
        let square = u128::from(mantissa) * u128::from(mantissa);
        let shift = shift * 2;
        let first = (shift / BIN_EXPONENTS) as usize;
        for (index, bin) in (0..).step_by(32).zip(self.bins.iter_mut().skip(first).take(4)) {
            let digit = square >> index & 0xffff_ffff;
            *bin += (digit * u128::from(count)) << (shift % BIN_EXPONENTS);
        }
    }

    /// Adds everything that was added to `other`.
    pub fn merge(&mut self, other: &Self) {
        for (bin, others) in self.bins.iter_mut().zip(other.bins.iter()) {
            *bin += others;
        }
    }

    /// Adds a sum of squares that came from [`to_integer`](Self::to_integer). Counts as one addition.
    ///
    /// The number has to be a sum of at most 2^64 squares: not negative, a multiple of 2^-2148, and below 2^2112. What
    /// is beyond is lost.
    pub fn add_integer(&mut self, integer: &ExactInteger) {
        let above = integer.exponent.saturating_sub(2 * LOWEST_EXPONENT);
        debug_assert!(above >= 0, "no square has a bit so low");
        let mut shift = u32::try_from(above).unwrap_or(0);
        for word in &integer.words {
            debug_assert!(shift < SQUARE_PLACES || *word == 0, "no sum of squares is so large");
            if let Some(bin) = self.bins.get_mut((shift / BIN_EXPONENTS) as usize) {
                *bin += u128::from(*word) << (shift % BIN_EXPONENTS);
            }
            shift += u64::BITS;
        }
    }

    /// The sum as an integer times a power of two, in lowest terms.
    pub fn to_integer(&self) -> ExactInteger {
        let mut digits = [0; DIGITS];
        let mut carried = 0;
        for (digit, bin) in digits.iter_mut().zip(self.bins.iter().chain(&[0; DIGITS - BINS])) {
            let sum = bin + carried;
            *digit = sum & 0xffff_ffff;
            carried = sum >> 32;
        }
        let (pairs, _) = digits.as_chunks::<2>();
        #[expect(clippy::cast_possible_truncation, reason = "two digits of 32 bits")]
        let words: Vec<u64> = pairs.iter().map(|[low, high]| (low | high << 32) as u64).collect();
        ExactInteger::new(2 * LOWEST_EXPONENT, &words)
    }
}
