//! Mean and standard deviation from exact sums: each is computed without error and rounded once.

use num_bigint::{BigInt, BigUint, Sign};

use crate::{ExactInteger, ExactSquares, ExactSum};

/// Bits of a double's mantissa, the hidden one included.
const MANTISSA_BITS: u64 = 53;
/// Exponent of the lowest bit of the smallest double.
const LOWEST_EXPONENT: i64 = -1074;
/// Exponent of the lowest bit of the greatest double.
const HIGHEST_EXPONENT: i64 = 971;
/// Bits of a result before it is rounded; enough that what lies below them only matters for not being zero.
const RESULT_BITS: i64 = 64;

/// The exact sums from which mean and standard deviation are computed.
#[derive(Clone, Debug, Default)]
pub struct Moments {
    /// How many numbers there are.
    pub count: u64,
    /// Their sum.
    pub sum: ExactSum,
    /// The sum of their squares.
    pub squares: ExactSquares,
}

/// An exact number: an integer times a power of two.
struct Exact {
    integer: BigInt,
    exponent: i64,
}

impl From<&ExactInteger> for Exact {
    fn from(stored: &ExactInteger) -> Self {
        let bytes: Vec<u8> = stored.words.iter().flat_map(|word| word.to_le_bytes()).collect();
        Self { integer: BigInt::from_signed_bytes_le(&bytes), exponent: stored.exponent.into() }
    }
}

impl Moments {
    /// The arithmetic mean: the true one, rounded once to the nearest double, ties to even. `None` of no number.
    pub fn mean(&self) -> Option<f64> {
        if self.count == 0 {
            return None;
        }
        let Exact { integer, exponent } = Exact::from(&self.sum.to_integer());
        let (sign, magnitude) = integer.into_parts();
        let (quotient, is_inexact, exponent) = divide(&magnitude, &self.count.into(), exponent, RESULT_BITS);
        let mean = round(&quotient, is_inexact, exponent)?;
        Some(if sign == Sign::Minus { -mean } else { mean })
    }

    /// The standard deviation of a sample, whose divisor is the count less one: the true one, rounded once to the nearest
    /// double, ties to even. `None` of fewer than two numbers, and beyond the largest double.
    pub fn stddev(&self) -> Option<f64> {
        let divisor = BigUint::from(self.count) * BigUint::from(self.count.checked_sub(1)?);
        if divisor == BigUint::ZERO {
            return None;
        }
        let sum = Exact::from(&self.sum.to_integer());
        let squares = Exact::from(&self.squares.to_integer());
        // (n Σx² - (Σx)²) / (n (n - 1)), both terms in units of one power of two, which is even.
        let unit = squares.exponent.min(sum.exponent * 2);
        let unit = unit - unit.rem_euclid(2);
        let squares = (squares.integer << (squares.exponent - unit)) * BigInt::from(self.count);
        let sum = (&sum.integer * &sum.integer) << (sum.exponent * 2 - unit);
        // Never negative (Cauchy and Schwarz).
        let (_, numerator) = (squares - sum).into_parts();
        let (quotient, is_inexact, exponent) = divide(&numerator, &divisor, unit, 2 * RESULT_BITS);
        let root = quotient.sqrt();
        let is_inexact = is_inexact || &root * &root != quotient;
        round(&root, is_inexact, exponent / 2)
    }
}

/// The quotient of two magnitudes with at least so many bits, whether something is missing from it, and its exponent, which
/// is even where `exponent` is.
fn divide(numerator: &BigUint, divisor: &BigUint, exponent: i64, bits: i64) -> (BigUint, bool, i64) {
    let length = |number: &BigUint| i64::try_from(number.bits()).unwrap_or(i64::MAX);
    let shift = (bits + 1 - (length(numerator) - length(divisor))).max(0);
    let shift = shift + shift % 2;
    let numerator = numerator << shift;
    let quotient = &numerator / divisor;
    let is_inexact = &quotient * divisor != numerator;
    (quotient, is_inexact, exponent - shift)
}

/// The double nearest to a magnitude times a power of two, ties to even; with `is_inexact` the true magnitude is a little
/// greater, by less than one. `None` beyond the largest double.
fn round(magnitude: &BigUint, is_inexact: bool, exponent: i64) -> Option<f64> {
    let bits = magnitude.bits();
    // The lowest place that the double has.
    let place = (exponent + i64::try_from(bits.saturating_sub(MANTISSA_BITS)).ok()?).max(LOWEST_EXPONENT);
    let Ok(dropped) = u64::try_from(place - exponent) else {
        // All places of the magnitude are above the lowest one of the double.
        return scale(u64::try_from(magnitude).ok()?, exponent);
    };
    let mut mantissa = u64::try_from(&(magnitude >> dropped)).ok()?;
    if dropped > 0 && magnitude.bit(dropped - 1) {
        let is_above_half = is_inexact || magnitude.trailing_zeros().is_some_and(|zeros| zeros < dropped - 1);
        // May carry into a 54th bit; the number is then a power of two, and still a double.
        mantissa += u64::from(is_above_half || mantissa & 1 == 1);
    }
    scale(mantissa, place)
}

/// `mantissa` (at most 2^53) times 2 to the power of `exponent`; `None` beyond the largest double. Never rounds.
fn scale(mantissa: u64, exponent: i64) -> Option<f64> {
    if mantissa == 0 {
        return Some(0.0);
    }
    if exponent > HIGHEST_EXPONENT {
        return None;
    }
    let exponent = i32::try_from(exponent).ok()?;
    // Two factors, since the power alone may be out of range where the product is not.
    #[expect(clippy::cast_precision_loss, reason = "at most 2^53, which a double holds exactly")]
    let product = mantissa as f64 * 2_f64.powi(exponent / 2) * 2_f64.powi(exponent - exponent / 2);
    product.is_finite().then_some(product)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn moments(numbers: &[f64]) -> Moments {
        let mut moments = Moments { count: numbers.len() as u64, ..Moments::default() };
        for number in numbers {
            moments.sum.add(*number);
            moments.squares.add(*number);
        }
        moments
    }

    #[test]
    fn none_and_one() {
        assert_eq!(moments(&[]).mean(), None);
        assert_eq!(moments(&[]).stddev(), None);
        assert_eq!(moments(&[0.1]).mean(), Some(0.1));
        assert_eq!(moments(&[0.1]).stddev(), None);
    }

    /// Computed with Python's `fractions` and `decimal` (60 digits), then rounded once.
    #[test]
    fn known_moments() {
        assert_eq!(moments(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]).mean(), Some(5.0));
        assert_eq!(moments(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]).stddev(), Some(2.138_089_935_299_395));
        // Where the usual formula cancels all digits.
        assert_eq!(moments(&[1e9 + 1.0, 1e9 + 2.0, 1e9 + 3.0]).stddev(), Some(1.0));
        assert_eq!(moments(&[1e16, 1.0, -1e16]).mean(), Some(1.0 / 3.0));
        assert_eq!(moments(&[0.1, 0.1, 0.1]).stddev(), Some(0.0));
    }

    #[test]
    fn the_ends_of_the_range() {
        assert_eq!(moments(&[f64::MAX, f64::MAX]).mean(), Some(f64::MAX));
        assert_eq!(moments(&[f64::MAX, f64::MIN]).mean(), Some(0.0));
        assert_eq!(moments(&[f64::MAX, f64::MIN]).stddev(), None);
        assert_eq!(moments(&[5e-324, 0.0]).mean(), Some(0.0), "half of the smallest double is a tie");
        assert_eq!(moments(&[5e-324, 5e-324, 0.0]).mean(), Some(5e-324));
        assert_eq!(moments(&[5e-324, 0.0]).stddev(), Some(5e-324), "0.707 of the smallest double");
        assert_eq!(moments(&[f64::MAX, 0.0]).stddev(), Some(1.271_161_006_153_646_2e308));
    }

    proptest! {
        /// A mean of integers, against exact integer arithmetic: twice the distance to the true quotient is at most the
        /// distance to either neighbour.
        #[test]
        fn the_mean_is_the_nearest_double(integers in prop::collection::vec(-1_000_000_000_i64..1_000_000_000, 1..50)) {
            #[expect(clippy::cast_precision_loss, reason = "below 2^53")]
            let numbers: Vec<f64> = integers.iter().map(|integer| *integer as f64).collect();
            let mean = moments(&numbers).mean().unwrap();
            let total: i64 = integers.iter().sum();
            #[expect(clippy::cast_precision_loss, reason = "below 2^53, so the division rounds once")]
            let expected = total as f64 / integers.len() as f64;
            prop_assert_eq!(mean.to_bits(), (expected + 0.0).to_bits());
        }

        /// Shifting all numbers changes no deviation, and scaling by a power of two scales it exactly.
        #[test]
        fn the_deviation_moves_and_scales(
            integers in prop::collection::vec(-1_000_000_i32..1_000_000, 2..50),
            shift in -1_000_000_i32..1_000_000,
            exponent in -500..400_i32,
        ) {
            let plain: Vec<f64> = integers.iter().map(|integer| f64::from(*integer)).collect();
            let stddev = moments(&plain).stddev().unwrap();
            let shifted: Vec<f64> = plain.iter().map(|number| number + f64::from(shift)).collect();
            prop_assert_eq!(moments(&shifted).stddev().unwrap().to_bits(), stddev.to_bits());
            let scaled: Vec<f64> = plain.iter().map(|number| number * 2_f64.powi(exponent)).collect();
            prop_assert_eq!(moments(&scaled).stddev().unwrap().to_bits(), (stddev * 2_f64.powi(exponent)).to_bits());
        }

        #[test]
        fn the_deviation_is_near_that_of_two_passes(
            numbers in prop::collection::vec(-1000.0..1000.0_f64, 2..100),
        ) {
            #[expect(clippy::cast_precision_loss, reason = "a hundred")]
            let count = numbers.len() as f64;
            let mean = numbers.iter().sum::<f64>() / count;
            let expected = (numbers.iter().map(|number| (number - mean).powi(2)).sum::<f64>() / (count - 1.0)).sqrt();
            let stddev = moments(&numbers).stddev().unwrap();
            prop_assert!((stddev - expected).abs() <= expected.abs() * 1e-12 + 1e-300);
        }
    }
}
