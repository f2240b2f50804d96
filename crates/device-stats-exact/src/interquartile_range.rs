//! The interquartile range: the exact difference of two quartiles, rounded once.
//!
//! A quartile at *n* quarters of the way from *a* to *b* is (*a* (4 - *n*) + *b* *n*) / 4. Therefore four
//! times the difference of two quartiles is a sum of doubles, each with a small integer factor. It is added
//! exactly; the division by four changes only the exponent.

use crate::ExactInteger;
use crate::exact_sum::ExactSum;

/// A quartile between two values of neighbouring ranks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quartile {
    lower: f64,
    upper: f64,
    quarters: u32,
}

impl Quartile {
    /// Creates the quartile at `quarters` quarters of the way from `lower` to `upper`, both finite; `None`
    /// for more than four quarters.
    pub fn new(lower: f64, upper: f64, quarters: u64) -> Option<Self> {
        let quarters = u32::try_from(quarters).ok().filter(|quarters| *quarters <= 4)?;
        Some(Self { lower, upper, quarters })
    }

    /// Adds four times the quartile, or four times its negative, to a sum.
    fn add_to(self, sum: &mut ExactSum, sign: f64) {
        sum.add_times(sign * self.lower, 4 - self.quarters);
        sum.add_times(sign * self.upper, self.quarters);
    }
}

/// Returns the exact difference between the third and the first quartile, rounded once to the nearest double,
/// ties to even; `None` beyond the largest double.
///
/// ```
/// use device_stats_exact::{Quartile, interquartile_range};
///
/// // The quartiles of 0.1, 0.1 and 0.2 are halfway between two values.
/// let first = Quartile::new(0.1, 0.1, 2).unwrap();
/// let third = Quartile::new(0.1, 0.2, 2).unwrap();
/// assert_eq!(interquartile_range(first, third), Some(0.05)); // 0.15000000000000002 - 0.1 rounds twice
/// ```
pub fn interquartile_range(first: Quartile, third: Quartile) -> Option<f64> {
    let mut sum = ExactSum::default();
    third.add_to(&mut sum, 1.0);
    first.add_to(&mut sum, -1.0);
    let four_times = sum.to_integer();
    ExactInteger::new(four_times.exponent() - 2, four_times.integer().clone()).rounded()
}

#[cfg(test)]
mod tests {
    use num_bigint::BigInt;
    use proptest::prelude::*;

    use super::*;
    use crate::float::{Decomposed, LOWEST_EXPONENT, round_big, with_sign};

    fn quartile(lower: f64, upper: f64, quarters: u64) -> Quartile {
        Quartile::new(lower, upper, quarters).unwrap()
    }

    #[test]
    fn known_ranges() {
        let range = |first: (f64, f64, u64), third: (f64, f64, u64)| {
            interquartile_range(quartile(first.0, first.1, first.2), quartile(third.0, third.1, third.2))
        };
        assert_eq!(range((1.0, 2.0, 3), (3.0, 4.0, 1)), Some(1.5));
        assert_eq!(range((7.0, 7.0, 0), (7.0, 7.0, 0)).map(f64::to_bits), Some(0));
        assert_eq!(range((-0.0, -0.0, 0), (0.0, 0.0, 0)).map(f64::to_bits), Some(0));
        assert_eq!(range((f64::MIN, f64::MIN, 0), (0.0, 0.0, 0)), Some(f64::MAX));
        assert_eq!(range((f64::MIN, f64::MAX, 1), (f64::MIN, f64::MAX, 3)), Some(f64::MAX));
        assert_eq!(range((f64::MIN, f64::MIN, 0), (f64::MAX, f64::MAX, 0)), None);
        assert_eq!(range((0.0, 0.0, 0), (0.0, 5e-324, 2)), Some(0.0), "half of the smallest double is a tie");
        assert_eq!(range((0.0, 0.0, 0), (0.0, 5e-324, 3)), Some(5e-324));
        // The difference of the rounded quartiles is 2^53 - 1.
        let power = 9_007_199_254_740_992.0;
        assert_eq!(range((0.0, 1.0, 3), (power, power + 2.0, 2)), Some(power));
    }

    #[test]
    fn a_quartile_has_at_most_four_quarters() {
        assert_eq!(Quartile::new(0.0, 1.0, 5), None);
        assert_eq!(Quartile::new(0.0, 1.0, u64::MAX), None);
    }

    /// Returns four times the number at `quarters` quarters of the way, in units of the smallest double.
    fn four_times((lower, upper, quarters): (f64, f64, u64)) -> BigInt {
        let units = |number: f64| {
            let decomposed = Decomposed::new(number);
            BigInt::from(decomposed.signed_mantissa()) << decomposed.shift
        };
        units(lower) * (4 - quarters) + units(upper) * quarters
    }

    fn between() -> impl Strategy<Value = (f64, f64, u64)> {
        use prop::num::f64::{NORMAL, SUBNORMAL, ZERO};
        let number =
            || prop_oneof![NORMAL | SUBNORMAL | ZERO, -10.0..10.0_f64, Just(f64::MAX), Just(f64::MIN)];
        (number(), number(), 0..=4_u64)
    }

    proptest! {
        #[test]
        fn the_range_equals_rational_arithmetic(first in between(), third in between()) {
            let exact = four_times(third) - four_times(first);
            let magnitude = round_big(exact.magnitude(), false, LOWEST_EXPONENT - 2);
            let expected = magnitude.map(|magnitude| with_sign(magnitude, exact < BigInt::ZERO));
            let range = interquartile_range(
                quartile(first.0, first.1, first.2),
                quartile(third.0, third.1, third.2),
            );
            prop_assert_eq!(range.map(f64::to_bits), expected.map(f64::to_bits));
        }
    }
}
