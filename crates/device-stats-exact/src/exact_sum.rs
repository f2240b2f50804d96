//! Exact sums: an accumulator that holds the true sum of any finite doubles and rounds it once, when asked. The result
//! is that of Python's `math.fsum`, whatever the order and the grouping of the additions.
//!
//! A double is an integer of at most 53 bits times a power of two between 2^-1074 and 2^971. The accumulator keeps one
//! `i128` for every 32 of those exponents and adds each mantissa, shifted by less than 32 places, to its bin. A summand
//! takes less than 2^85 of a bin's 2^127, so 2^41 additions fit before a bin could overflow, with room for carries; these
//! are resolved only when the sum is read. (Small superaccumulators: R. Neal, "Fast exact summation using small and large
//! superaccumulators", 2015.)

#[cfg(test)]
mod tests;

use crate::ExactInteger;
use crate::float::{LOWEST_EXPONENT, Parts};

/// Exponents a bin stands for.
const BIN_EXPONENTS: u32 = 32;
/// 64 bins for the 2,046 possible shifts of a mantissa, and what the highest word of an integer may reach above them.
const BINS: usize = 68;
/// Bits of a double's mantissa, the hidden one included.
const MANTISSA_BITS: u32 = 53;
/// 32-bit digits of the resolved sum: the bins, and 128 bits for carries out of the last. An even number of them.
const DIGITS: usize = BINS + 4;
/// How many places above [`LOWEST_EXPONENT`] a word of an integer may begin at.
pub const SUM_PLACES: u32 = 68 * BIN_EXPONENTS;

/// The exact sum of the numbers added to it.
///
/// ```
/// use device_stats_exact::ExactSum;
///
/// let sum: ExactSum = [1e16, 1.0, -1e16].into_iter().collect();
/// assert_eq!(sum.rounded(), Some(1.0)); // adding from left to right would say 0
///
/// // Sums are stored and added as integers, without error.
/// let mut again = ExactSum::default();
/// again.add_integer(&sum.to_integer());
/// again.merge(&sum);
/// assert_eq!(again.rounded(), Some(2.0));
/// ```
#[derive(Clone, Debug)]
pub struct ExactSum {
    bins: [i128; BINS],
}

impl Default for ExactSum {
    fn default() -> Self {
        Self { bins: [0; BINS] }
    }
}

impl ExactSum {
    /// Adds a finite number. At most 2^41 numbers may be added to one sum, those of merged sums counted along.
    pub fn add(&mut self, number: f64) {
        debug_assert!(number.is_finite(), "only finite numbers have a sum");
        let parts = Parts::of(number);
        let summand = i128::from(parts.signed_mantissa()) << (parts.shift % BIN_EXPONENTS);
        if let Some(bin) = self.bins.get_mut((parts.shift / BIN_EXPONENTS) as usize) {
            *bin += summand;
        }
    }

    /// Adds a finite number as if it were added `count` times. Counts as 1,024 additions.
    pub fn add_times(&mut self, number: f64, count: u32) {
        debug_assert!(number.is_finite(), "only finite numbers have a sum");
        let Parts { negative, mantissa, shift } = Parts::of(number);
        let sign = -i128::from(negative);
        // At most 85 bits: the lowest 64 for one bin, the rest for the one 64 exponents above.
        let product = (u128::from(mantissa) * u128::from(count)).cast_signed();
        for (part, shift) in [(product & i128::from(u64::MAX), shift), (product >> 64, shift + 64)] {
            self.add_to_bin(shift, ((part ^ sign) - sign) << (shift % BIN_EXPONENTS));
        }
    }

    /// Adds an integer times a power of two, as [`ExactInteger`] has it. Counts as 1,024 additions.
    ///
    /// The number has to be a sum of at most 2^41 doubles: a multiple of 2^-1074, and below 2^1066. What is beyond is
    /// lost.
    pub fn add_words(&mut self, exponent: i32, words: &[u64]) {
        let above = exponent.saturating_sub(LOWEST_EXPONENT);
        debug_assert!(above >= 0, "no double has a bit so low");
        let Some((highest, lower)) = words.split_last() else { return };
        let mut shift = u32::try_from(above).unwrap_or(0);
        for word in lower {
            self.add_to_bin(shift, i128::from(*word) << (shift % BIN_EXPONENTS));
            shift += u64::BITS;
        }
        self.add_to_bin(shift, i128::from(highest.cast_signed()) << (shift % BIN_EXPONENTS));
    }

    /// Adds an exact integer: [`add_words`](Self::add_words) of its parts.
    pub fn add_integer(&mut self, integer: &ExactInteger) {
        self.add_words(integer.exponent, &integer.words);
    }

    /// The sum as an integer times a power of two, in lowest terms.
    pub fn to_integer(&self) -> ExactInteger {
        let (_, digits) = carry(&self.bins, 1);
        let (pairs, _) = digits.as_chunks::<2>();
        let words: Vec<u64> =
            pairs.iter().map(|[low, high]| u64::from(*low) | u64::from(*high) << 32).collect();
        ExactInteger::new(LOWEST_EXPONENT, &words)
    }

    fn add_to_bin(&mut self, shift: u32, summand: i128) {
        if let Some(bin) = self.bins.get_mut((shift / BIN_EXPONENTS) as usize) {
            *bin += summand;
        } else {
            debug_assert!(summand == 0, "no sum of doubles is so large");
        }
    }

    /// Adds everything that was added to `other`.
    pub fn merge(&mut self, other: &Self) {
        for (bin, others) in self.bins.iter_mut().zip(&other.bins) {
            *bin += others;
        }
    }

    /// The sum, rounded once to the nearest double, ties to even; `None` where it is beyond the largest double. A sum
    /// of zero is `0.0`.
    pub fn rounded(&self) -> Option<f64> {
        let (negative, digits) = self.resolve();
        let magnitude = round(&digits)?;
        Some(if negative { -magnitude } else { magnitude })
    }

    /// Carries resolved: the sign, and the magnitude in 32-bit digits from the lowest up.
    fn resolve(&self) -> (bool, [u32; DIGITS]) {
        let (negative, digits) = carry(&self.bins, 1);
        if negative { (true, carry(&self.bins, -1).1) } else { (false, digits) }
    }
}

impl Extend<f64> for ExactSum {
    fn extend<I: IntoIterator<Item = f64>>(&mut self, numbers: I) {
        for number in numbers {
            self.add(number);
        }
    }
}

impl FromIterator<f64> for ExactSum {
    fn from_iter<I: IntoIterator<Item = f64>>(numbers: I) -> Self {
        let mut sum = Self::default();
        sum.extend(numbers);
        sum
    }
}

/// The digits of `sign` times the bins, and whether that is below zero (then the digits are its two's complement).
fn carry(bins: &[i128; BINS], sign: i128) -> (bool, [u32; DIGITS]) {
    let mut digits = [0; DIGITS];
    let mut carried: i128 = 0;
    for (digit, bin) in digits.iter_mut().zip(bins.iter().chain(&[0; DIGITS - BINS])) {
        let sum = sign * bin + carried;
        *digit = low_digit(sum);
        carried = sum >> 32;
    }
    (carried < 0, digits)
}

/// The lowest 32 bits of a number in two's complement.
fn low_digit(number: i128) -> u32 {
    u32::try_from(number & 0xffff_ffff).unwrap_or(0)
}

/// The double nearest to a magnitude given in digits, ties to even; `None` beyond the largest double.
fn round(digits: &[u32; DIGITS]) -> Option<f64> {
    let bit =
        |index: u32| digits.get((index / 32) as usize).is_some_and(|digit| digit >> (index % 32) & 1 == 1);
    let Some(top) = (0..).step_by(32).zip(digits).filter(|(_, digit)| **digit != 0).last() else {
        return Some(0.0);
    };
    let top_bit: u32 = top.0 + top.1.ilog2();
    let lowest = (top_bit + 1).saturating_sub(MANTISSA_BITS);
    let mut mantissa =
        (lowest..=top_bit).rev().fold(0_u64, |mantissa, index| mantissa << 1 | u64::from(bit(index)));
    if lowest > 0 && bit(lowest - 1) {
        let above_half = (0..lowest - 1).any(bit);
        // May carry into a 54th bit; the number is then a power of two, and still a double.
        mantissa += u64::from(above_half || mantissa & 1 == 1);
    }
    scale(mantissa, lowest)
}

/// `mantissa` (at most 2^53) times 2 to the power of `shift` places above the lowest bit of all; `None` beyond the
/// largest double. Never rounds.
fn scale(mantissa: u64, shift: u32) -> Option<f64> {
    let exponent = i32::try_from(shift).ok()? + LOWEST_EXPONENT;
    // Two factors, since the power alone may be out of range where the product is not.
    #[expect(clippy::cast_precision_loss, reason = "at most 2^53, which a double holds exactly")]
    let product = mantissa as f64 * 2_f64.powi(exponent / 2) * 2_f64.powi(exponent - exponent / 2);
    product.is_finite().then_some(product)
}
