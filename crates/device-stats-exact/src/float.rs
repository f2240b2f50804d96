//! Doubles as integers: the decomposition into mantissa and exponent, and the one rounding back to a double.

use num_bigint::BigUint;

/// Exponent of the lowest bit of the smallest double.
pub const LOWEST_EXPONENT: i32 = -1074;
/// Exponent of the lowest bit of the largest double.
const HIGHEST_EXPONENT: i32 = 971;
/// Number of bits of a double's mantissa, including the hidden one.
const MANTISSA_BITS: i32 = 53;
/// Exponent from which each positive integer is beyond the largest double. With the opposite sign, each
/// integer of up to 128 bits is below half the smallest double.
const EXPONENT_MAX: i32 = 1_300;

/// A finite double as an integer times a power of two: ± `mantissa` · 2^([`LOWEST_EXPONENT`] + `shift`).
///
/// ```
/// use device_stats_exact::float::Decomposed;
///
/// let three = Decomposed::new(-3.0);
/// assert!(three.is_negative);
/// assert_eq!(three.bit_span(), Some((1074, 1076))); // bits 2^0 and 2^1
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decomposed {
    /// Whether the sign bit is set.
    pub is_negative: bool,
    /// The integer; at most 53 bits.
    pub mantissa: u64,
    /// Exponent of the power of two minus [`LOWEST_EXPONENT`]; 0 to 2,045.
    pub shift: u32,
}

impl Decomposed {
    /// Decomposes a finite number.
    #[inline]
    pub fn new(number: f64) -> Self {
        let bits = number.to_bits();
        let exponent_field = (bits >> 52 & 0x7ff) as u32;
        let fraction = bits & ((1 << 52) - 1);
        // Subnormal numbers have no hidden bit and the exponent of the smallest normal numbers. Branch-free,
        // because the branch would be mispredicted often.
        let mantissa = fraction | u64::from(exponent_field != 0) << 52;
        Self { is_negative: number.is_sign_negative(), mantissa, shift: exponent_field.saturating_sub(1) }
    }

    /// Returns the mantissa with the sign of the number.
    #[inline]
    pub fn signed_mantissa(&self) -> i64 {
        let sign = -i64::from(self.is_negative);
        (self.mantissa.cast_signed() ^ sign) - sign
    }

    /// Returns the position of the lowest set bit and the position after the highest, counted from
    /// [`LOWEST_EXPONENT`]; `None` for zero.
    pub fn bit_span(&self) -> Option<(u32, u32)> {
        (self.mantissa != 0).then(|| {
            let lowest = self.shift + self.mantissa.trailing_zeros();
            (lowest, self.shift + u64::BITS - self.mantissa.leading_zeros())
        })
    }
}

/// Returns the double nearest to `magnitude` · 2^`exponent`, ties to even; `None` beyond the largest double.
///
/// With `is_inexact`, the true magnitude is greater by less than one unit. The magnitude then has at least 55
/// bits, so the missing fraction only matters for ties.
pub(crate) fn round(magnitude: u128, is_inexact: bool, exponent: i32) -> Option<f64> {
    if magnitude == 0 {
        return Some(0.0);
    }
    debug_assert!(!is_inexact || magnitude >> 54 > 0, "the missing fraction would matter");
    // Beyond these exponents, no magnitude rounds to a double between zero and infinity.
    let exponent = exponent.clamp(-EXPONENT_MAX, EXPONENT_MAX);
    let bits = magnitude.ilog2().cast_signed() + 1;
    let lowest = (exponent + bits - MANTISSA_BITS).max(LOWEST_EXPONENT);
    if lowest > HIGHEST_EXPONENT {
        return None;
    }
    let dropped = lowest - exponent;
    let mantissa = if dropped <= 0 {
        magnitude << -dropped
    } else {
        let dropped = dropped.unsigned_abs();
        let kept = magnitude.unbounded_shr(dropped);
        let is_half_or_more = magnitude.unbounded_shr(dropped - 1) & 1 == 1;
        let is_above_half = is_inexact || magnitude.trailing_zeros() < dropped - 1;
        kept + u128::from(is_half_or_more && (is_above_half || kept & 1 == 1))
    };
    // The hidden bit adds one to the exponent field, and so does a carry out of the mantissa.
    #[expect(clippy::cast_possible_truncation, reason = "at most 2^53")]
    let bits = (u64::from((lowest - LOWEST_EXPONENT).unsigned_abs()) << 52) + mantissa as u64;
    Some(f64::from_bits(bits)).filter(|number| number.is_finite())
}

/// Rounds a magnitude of any size like [`round`].
pub(crate) fn round_big(magnitude: &BigUint, is_inexact: bool, exponent: i32) -> Option<f64> {
    let dropped = magnitude.bits().saturating_sub(u128::BITS.into());
    let is_inexact = is_inexact || magnitude.trailing_zeros().is_some_and(|zeros| zeros < dropped);
    let highest = magnitude >> dropped;
    let highest =
        highest.iter_u64_digits().rev().fold(0, |bits, digit| bits << u64::BITS | u128::from(digit));
    round(highest, is_inexact, exponent.checked_add(i32::try_from(dropped).ok()?)?)
}

/// Returns a magnitude with a sign; zero is always `0.0`.
pub(crate) fn with_sign(magnitude: f64, is_negative: bool) -> f64 {
    if is_negative { 0.0 - magnitude } else { magnitude }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ExactInteger;

    #[test]
    fn every_power_of_two_is_built_from_bits() {
        for exponent in LOWEST_EXPONENT..=1023 {
            let power = round(1, false, exponent).unwrap();
            let place = (exponent - LOWEST_EXPONENT).unsigned_abs();
            assert_eq!(Decomposed::new(power).bit_span(), Some((place, place + 1)));
        }
        assert_eq!(round(1, false, 1024), None);
        assert_eq!(round(1, false, -1075), Some(0.0), "half of the smallest double is a tie");
        assert_eq!(round(3, false, -1076), Some(5e-324));
        assert_eq!(round(u128::MAX, false, LOWEST_EXPONENT - 128), Some(5e-324));
        assert_eq!(round(u128::MAX, false, LOWEST_EXPONENT - 129), Some(0.0));
    }

    #[test]
    fn ties_go_to_even_up_to_the_largest_double() {
        assert_eq!(round((1 << 53) + 1, false, 0), Some(9_007_199_254_740_992.0));
        assert_eq!(round((1 << 53) + 3, false, 0), Some(9_007_199_254_740_996.0));
        assert_eq!(round(((1 << 53) + 1) << 2, true, -2), Some(9_007_199_254_740_994.0));
        assert_eq!(round((1 << 53) - 1, false, HIGHEST_EXPONENT), Some(f64::MAX));
        assert_eq!(round((1 << 54) - 1, false, HIGHEST_EXPONENT - 1), None);
        assert_eq!(round_big(&((BigUint::from(1_u8) << 200_u32) + 1_u8), false, -200), Some(1.0));
        let above_half = (BigUint::from((1_u64 << 53) + 1) << 200_u32) + 1_u8;
        assert_eq!(round_big(&above_half, false, -200), Some(9_007_199_254_740_994.0));
    }

    /// The exponents overflowed.
    #[test]
    fn the_ends_of_the_exponents_do_not_overflow() {
        for magnitude in [1, u128::MAX] {
            assert_eq!(round(magnitude, false, i32::MAX), None);
            assert_eq!(round(magnitude, false, i32::MIN), Some(0.0));
            assert_eq!(round(magnitude, false, EXPONENT_MAX), None);
            assert_eq!(round(magnitude, false, -EXPONENT_MAX), Some(0.0));
        }
        assert_eq!(ExactInteger::from_words(i32::MAX, &[u64::MAX >> 1]).rounded(), None);
        assert_eq!(ExactInteger::from_words(i32::MIN, &[1]).rounded(), Some(0.0));
    }

    #[test]
    fn zero_has_one_sign() {
        assert_eq!(with_sign(0.0, true).to_bits(), 0);
        assert_eq!(with_sign(1.5, true).to_bits(), (-1.5_f64).to_bits());
    }

    proptest! {
        #[test]
        fn a_decomposed_double_rounds_to_itself(number in prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL) {
            let Decomposed { is_negative, mantissa, shift } = Decomposed::new(number);
            let rounded = round(mantissa.into(), false, LOWEST_EXPONENT + shift.cast_signed()).unwrap();
            prop_assert_eq!(with_sign(rounded, is_negative).to_bits(), number.to_bits());
        }

        #[test]
        fn integers_round_as_the_hardware_rounds_them(integer in any::<u64>()) {
            #[expect(clippy::cast_precision_loss, reason = "the rounding to compare with")]
            let expected = integer as f64;
            prop_assert_eq!(round(integer.into(), false, 0), Some(expected));
            prop_assert_eq!(round_big(&BigUint::from(integer), false, 0), Some(expected));
        }
    }
}
