//! Mean, standard deviation and root mean square from exact sums: each is computed without error and rounded
//! once.

use num_bigint::BigUint;

use crate::float::{round_big, with_sign};
use crate::{ExactSquares, ExactSum};

/// Number of bits of a result before it is rounded; lower bits matter only for ties.
const RESULT_BITS: i64 = 64;

/// The exact sums from which mean, standard deviation and root mean square are computed.
///
/// ```
/// use device_stats_exact::Moments;
///
/// let mut moments = Moments::default();
/// [1e9 + 1.0, 1e9 + 2.0, 1e9 + 3.0].into_iter().for_each(|number| moments.add(number));
/// assert_eq!(moments.mean(), Some(1e9 + 2.0));
/// assert_eq!(moments.stddev(), Some(1.0));
/// assert_eq!(moments.rms(), Some(1e9 + 2.0));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Moments {
    /// Number of added numbers.
    pub count: u64,
    /// Sum of the numbers.
    pub sum: ExactSum,
    /// Sum of the squares of the numbers.
    pub squares: ExactSquares,
}

impl Moments {
    /// Adds a finite number.
    pub fn add(&mut self, number: f64) {
        self.count += 1;
        self.sum.add(number);
        self.squares.add(number);
    }

    /// Returns the arithmetic mean, rounded once to the nearest double, ties to even; `None` without numbers.
    /// It is never `-0.0`.
    pub fn mean(&self) -> Option<f64> {
        if self.count == 0 {
            return None;
        }
        let sum = self.sum.to_integer();
        let (quotient, is_inexact, exponent) =
            divide(sum.integer().magnitude(), &self.count.into(), sum.exponent(), RESULT_BITS);
        Some(with_sign(round_big(&quotient, is_inexact, exponent)?, sum.is_negative()))
    }

    /// Returns the sample standard deviation (divisor: count - 1), rounded once to the nearest double, ties
    /// to even; `None` for fewer than two numbers, and beyond the largest double.
    pub fn stddev(&self) -> Option<f64> {
        let divisor = BigUint::from(self.count) * BigUint::from(self.count.checked_sub(1)?);
        if divisor == BigUint::ZERO {
            return None;
        }
        let (sum, squares) = (self.sum.to_integer(), self.squares.to_integer());
        // (n Σx² - (Σx)²) / (n (n - 1)), both terms in units of one power of two with an even exponent.
        let unit = squares.exponent().min(sum.exponent() * 2);
        let unit = unit - unit.rem_euclid(2);
        let squares = (squares.integer() << (squares.exponent() - unit)) * self.count;
        let square = (sum.integer() * sum.integer()) << (sum.exponent() * 2 - unit);
        // Never negative (Cauchy-Schwarz).
        let (_, numerator) = (squares - square).into_parts();
        root_of_quotient(&numerator, &divisor, unit)
    }

    /// Returns the root mean square: the root of the sum of the squares divided by the count, rounded once to
    /// the nearest double, ties to even; `None` without numbers. It lies between the smallest and the largest
    /// absolute value.
    pub fn rms(&self) -> Option<f64> {
        if self.count == 0 { None } else { root_of_mean(&self.squares, self.count) }
    }
}

/// Returns the root of a sum of squares divided by `count`, rounded once to the nearest double, ties to even;
/// `None` beyond the largest double. The count is at least 1.
pub(crate) fn root_of_mean(squares: &ExactSquares, count: u64) -> Option<f64> {
    let squares = squares.to_integer();
    let unit = squares.exponent() - squares.exponent().rem_euclid(2);
    let numerator = squares.integer().magnitude() << (squares.exponent() - unit);
    root_of_quotient(&numerator, &count.into(), unit)
}

/// Returns the root of a quotient of magnitudes in units of 2^`exponent`, rounded once to the nearest double,
/// ties to even; `None` beyond the largest double. The exponent is even.
fn root_of_quotient(numerator: &BigUint, divisor: &BigUint, exponent: i32) -> Option<f64> {
    let (quotient, is_inexact, exponent) = divide(numerator, divisor, exponent, 2 * RESULT_BITS);
    let root = quotient.sqrt();
    let is_inexact = is_inexact || &root * &root != quotient;
    round_big(&root, is_inexact, exponent / 2)
}

/// Returns the quotient of two magnitudes with at least `bits` bits, whether it was rounded down, and its
/// exponent. The new exponent is even if `exponent` is.
fn divide(numerator: &BigUint, divisor: &BigUint, exponent: i32, bits: i64) -> (BigUint, bool, i32) {
    let length = |number: &BigUint| number.bits().cast_signed();
    let shift = (bits + 1 - (length(numerator) - length(divisor))).max(0);
    let shift = shift + shift % 2;
    let numerator = numerator << shift;
    let quotient = &numerator / divisor;
    let is_inexact = &quotient * divisor != numerator;
    #[expect(clippy::cast_possible_truncation, reason = "at most the 64 bits of a count more than `bits`")]
    (quotient, is_inexact, exponent - shift as i32)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::float::Decomposed;

    fn moments(numbers: &[f64]) -> Moments {
        let mut moments = Moments::default();
        for number in numbers {
            moments.add(*number);
        }
        moments
    }

    #[test]
    fn no_number_has_no_mean_and_one_has_no_deviation() {
        assert_eq!(moments(&[]).mean(), None);
        assert_eq!(moments(&[]).rms(), None);
        assert_eq!(moments(&[]).stddev(), None);
        assert_eq!(moments(&[0.1]).mean(), Some(0.1));
        assert_eq!(moments(&[0.1]).stddev(), None);
    }

    /// The expected values were computed with Python's `fractions` and `decimal` (60 digits), then rounded
    /// once.
    #[test]
    fn known_moments() {
        assert_eq!(moments(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]).mean(), Some(5.0));
        assert_eq!(moments(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]).stddev(), Some(2.138_089_935_299_395));
        // The usual formula cancels all digits here.
        assert_eq!(moments(&[1e9 + 1.0, 1e9 + 2.0, 1e9 + 3.0]).stddev(), Some(1.0));
        assert_eq!(moments(&[1e16, 1.0, -1e16]).mean(), Some(1.0 / 3.0));
        assert_eq!(moments(&[0.1, 0.1, 0.1]).stddev(), Some(0.0));
        assert_eq!(moments(&[3.0, -4.0]).rms(), Some(3.535_533_905_932_737_8));
        assert_eq!(moments(&[-0.1, 0.1, 0.1]).rms(), Some(0.1));
    }

    #[test]
    fn the_ends_of_the_range_neither_overflow_nor_vanish() {
        assert_eq!(moments(&[f64::MAX, f64::MAX]).mean(), Some(f64::MAX));
        assert_eq!(moments(&[f64::MAX, f64::MIN]).mean(), Some(0.0));
        assert_eq!(moments(&[f64::MAX, f64::MIN]).stddev(), None);
        assert_eq!(moments(&[5e-324, 0.0]).mean(), Some(0.0), "half of the smallest double is a tie");
        assert_eq!(moments(&[5e-324, 5e-324, 0.0]).mean(), Some(5e-324));
        assert_eq!(moments(&[5e-324, 0.0]).stddev(), Some(5e-324), "0.707 of the smallest double");
        assert_eq!(moments(&[f64::MAX, 0.0]).stddev(), Some(1.271_161_006_153_646_2e308));
        assert_eq!(moments(&[f64::MAX, f64::MIN]).rms(), Some(f64::MAX));
        assert_eq!(moments(&[f64::MAX, 0.0]).rms(), Some(1.271_161_006_153_646_2e308));
        assert_eq!(moments(&[5e-324, 0.0]).rms(), Some(5e-324), "0.707 of the smallest double");
        assert_eq!(
            moments(&[5e-324, 0.0, 0.0, 0.0]).rms(),
            Some(0.0),
            "half of the smallest double is a tie"
        );
        assert_eq!(moments(&[0.0]).rms().map(f64::to_bits), Some(0));
    }

    #[test]
    fn a_mean_is_never_minus_zero() {
        assert_eq!(moments(&[-5e-324, 0.0]).mean().map(f64::to_bits), Some(0));
        assert_eq!(moments(&[-1.0, 1.0]).mean().map(f64::to_bits), Some(0));
    }

    proptest! {
        /// The hardware divides two integers below 2^53 with one rounding.
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

        /// Shifting all numbers does not change the deviation. Scaling them by a power of two scales it
        /// exactly.
        #[test]
        fn the_deviation_ignores_shifts_and_scales_exactly(
            integers in prop::collection::vec(-1_000_000_i32..1_000_000, 2..50),
            shift in -1_000_000_i32..1_000_000,
            exponent in -500..400_i32,
        ) {
            let power = crate::float::round(1, false, exponent).unwrap();
            let plain: Vec<f64> = integers.iter().map(|integer| f64::from(*integer)).collect();
            let stddev = moments(&plain).stddev().unwrap();
            let shifted: Vec<f64> = plain.iter().map(|number| number + f64::from(shift)).collect();
            prop_assert_eq!(moments(&shifted).stddev().unwrap().to_bits(), stddev.to_bits());
            let scaled: Vec<f64> = plain.iter().map(|number| number * power).collect();
            prop_assert_eq!(moments(&scaled).stddev().unwrap().to_bits(), (stddev * power).to_bits());
        }

        /// Compares the exact square of the root with the squares of the midpoints between the result and its
        /// neighbours. In units of 2^-1075, these midpoints are integers.
        #[test]
        fn the_root_mean_square_is_the_nearest_double(
            numbers in prop::collection::vec(
                prop_oneof![
                    prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL | prop::num::f64::ZERO,
                    (-9..9_i32).prop_map(f64::from),
                ],
                1..20,
            ),
        ) {
            let rms = moments(&numbers).rms().unwrap();
            let half_units = |number: f64| {
                let Decomposed { mantissa, shift, .. } = Decomposed::new(number);
                BigUint::from(mantissa) << (shift + 1)
            };
            let squares: BigUint = numbers.iter().map(|number| half_units(*number).pow(2)).sum();
            let below = if rms > 0.0 { half_units(rms) + half_units(rms.next_down()) } else { BigUint::ZERO } >> 1_u32;
            let above = if rms < f64::MAX { half_units(rms) + half_units(rms.next_up()) } else { BigUint::from(1_u8) << 2100_u32 } >> 1_u32;
            let is_even = rms.to_bits() & 1 == 0;
            let (below, above) = (below.pow(2) * numbers.len(), above.pow(2) * numbers.len());
            prop_assert!(below < squares || is_even && below == squares, "{:e}", rms);
            prop_assert!(squares < above || is_even && squares == above, "{:e}", rms);
        }

        #[test]
        fn the_deviation_is_close_to_that_of_two_passes(
            numbers in prop::collection::vec(-1000.0..1000.0_f64, 2..100),
        ) {
            #[expect(clippy::cast_precision_loss, reason = "a hundred")]
            let count = numbers.len() as f64;
            let mean = numbers.iter().sum::<f64>() / count;
            let squares: f64 = numbers.iter().map(|number| (number - mean) * (number - mean)).sum();
            let expected = (squares / (count - 1.0)).sqrt();
            let stddev = moments(&numbers).stddev().unwrap();
            prop_assert!((stddev - expected).abs() <= expected.abs() * 1e-12 + 1e-300);
        }
    }
}
