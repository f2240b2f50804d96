//! Positions of quantiles among sorted values: type 7 of R. J. Hyndman and Y. Fan, *Sample quantiles in
//! statistical packages*, 1996, which is the default of `NumPy` and PostgreSQL's `percentile_cont`.

use crate::interpolate::Fraction;

/// The position of a quantile among sorted values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuantilePosition {
    /// Rank of the value at or right below the quantile, from 0 for the smallest.
    pub lower_rank: u64,
    /// Rank of the value at or right above the quantile.
    pub upper_rank: u64,
    /// Distance of the position from the lower rank; less than 1.
    pub fraction: Fraction,
}

/// Returns the position of a quantile among `count` values: (`count` - 1) · `quantile`, exactly for every
/// count; `None` without values.
///
/// ```
/// use device_stats_exact::{Fraction, interpolate, quantile_position};
///
/// let sorted = [1.0, 2.0, 4.0, 8.0];
/// let ninety_percent = quantile_position(4, Fraction::new(90, 100).unwrap()).unwrap();
/// assert_eq!((ninety_percent.lower_rank, ninety_percent.upper_rank), (2, 3));
/// assert_eq!(interpolate(sorted[2], sorted[3], ninety_percent.fraction), 6.8);
/// ```
pub fn quantile_position(count: u64, quantile: Fraction) -> Option<QuantilePosition> {
    let last = count.checked_sub(1)?;
    let (numerator, denominator) = (u128::from(quantile.numerator()), u128::from(quantile.denominator()));
    // Both factors are below 2^64.
    let position = u128::from(last) * numerator;
    #[expect(clippy::cast_possible_truncation, reason = "a fraction is at most 1, a rest below its divisor")]
    let (lower_rank, rest) = ((position / denominator) as u64, (position % denominator) as u64);
    let fraction = Fraction::new(rest, quantile.denominator())?;
    Some(QuantilePosition { lower_rank, upper_rank: lower_rank + u64::from(rest > 0), fraction })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interpolate::interpolate;
    use proptest::prelude::*;

    /// Denominator of the fractions: the largest power of ten in a `u64`.
    const WHOLE: u64 = 10_000_000_000_000_000_000;

    /// Returns hundredths of a percent as a fraction.
    fn percentile(hundredths: u64) -> Fraction {
        Fraction::new(hundredths * (WHOLE / 10_000), WHOLE).unwrap()
    }

    /// Returns a quantile by sorting and interpolating.
    fn pick(values: &[f64], quantile: Fraction) -> f64 {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let position = quantile_position(sorted.len() as u64, quantile).unwrap();
        let at = |rank| sorted[usize::try_from(rank).unwrap()];
        interpolate(at(position.lower_rank), at(position.upper_rank), position.fraction)
    }

    #[test]
    fn positions_are_exact() {
        let at = |count, hundredths| {
            let QuantilePosition { lower_rank, upper_rank, fraction } =
                quantile_position(count, percentile(hundredths)).unwrap();
            (lower_rank, upper_rank, fraction)
        };
        let part =
            |numerator, denominator: u64| Fraction::new(numerator * (WHOLE / denominator), WHOLE).unwrap();
        assert_eq!(quantile_position(0, percentile(5_000)), None);
        assert_eq!(at(1, 9_990), (0, 0, part(0, 1)));
        assert_eq!(at(1001, 9_990), (999, 999, part(0, 1)));
        assert_eq!(at(1002, 9_990), (999, 1000, part(999, 1000)));
        assert_eq!(at(8, 1_000), (0, 1, part(7, 10)));
        assert_eq!(at(7, 0), (0, 0, part(0, 1)));
        assert_eq!(at(7, 10_000), (6, 6, part(0, 1)));
        // In doubles, the product of 2^53 and 0.999 has no fraction left.
        assert_eq!(at((1 << 53) + 1, 9_990), (8_998_192_055_486_251, 8_998_192_055_486_252, part(1, 125)));
        assert_eq!(at(u64::MAX, 10_000).0, u64::MAX - 1);
    }

    /// The expected values are from `numpy.percentile` of `NumPy` 2.4.6, which rounds at each step, and from
    /// Python's `Fraction`, which is exact.
    #[test]
    fn percentiles_agree_with_numpy_and_are_exact() {
        let primes = [2.0, 3.0, 5.0, 7.0, 11.0, 13.0, 17.0, 19.0, 23.0, 29.0];
        let halves: Vec<f64> = (0..101).map(|index| f64::from(index * index) / 2.0).collect();
        let negative = [-7.25, -3.5, 1e3, -0.125, 64.0];
        for (values, hundredths, numpy, exact) in [
            (&primes[..], 0, 2.0, 2.0),
            (&primes[..], 1000, 2.9, 2.9),
            (&primes[..], 2500, 5.5, 5.5),
            (&primes[..], 3330, 6.994, 6.994),
            (&primes[..], 5000, 12.0, 12.0),
            (&primes[..], 6660, 16.976, 16.976),
            (&primes[..], 7500, 18.5, 18.5),
            (&primes[..], 9000, 23.599_999_999_999_998, 23.6),
            (&primes[..], 9500, 26.299_999_999_999_994, 26.3),
            (&primes[..], 9990, 28.946_000_000_000_01, 28.946),
            (&primes[..], 10_000, 29.0, 29.0),
            (&halves[..], 100, 0.5, 0.5),
            (&halves[..], 1250, 78.25, 78.25),
            (&halves[..], 3725, 693.875, 693.875),
            (&halves[..], 5000, 1250.0, 1250.0),
            (&halves[..], 9990, 4990.05, 4990.05),
            (&negative[..], 500, -6.5, -6.5),
            (&negative[..], 2000, -4.25, -4.25),
            (&negative[..], 4000, -1.474_999_999_999_999_6, -1.475),
            (&negative[..], 6250, 31.9375, 31.9375),
            (&negative[..], 8750, 532.0, 532.0),
            (&negative[..], 9999, 999.625_599_999_999_6, 999.6256),
        ] {
            let picked = pick(values, percentile(hundredths));
            assert_eq!(picked.to_bits(), f64::to_bits(exact), "{hundredths} of {values:?}");
            let distance: f64 = picked - numpy;
            assert!(distance.abs() <= 1e-14 * f64::abs(numpy), "{hundredths} of {values:?}");
        }
    }

    proptest! {
        #[test]
        fn the_fiftieth_is_the_median(
            values in prop::collection::vec(prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL | prop::num::f64::ZERO, 1..50)
        ) {
            let mut values: Vec<f64> = values.into_iter().map(|value| value + 0.0).collect();
            let fiftieth = pick(&values, percentile(5_000));
            values.sort_by(f64::total_cmp);
            let median = values[(values.len() - 1) / 2].midpoint(values[values.len() / 2]) + 0.0;
            prop_assert_eq!(fiftieth.to_bits(), median.to_bits());
        }

        #[test]
        fn ranks_are_those_of_integer_arithmetic(count in 1..=u64::MAX, tenths in 0..=1000_u64) {
            let position = quantile_position(count, percentile(tenths * 10)).unwrap();
            let thousandths = u128::from(count - 1) * u128::from(tenths);
            prop_assert_eq!(u128::from(position.lower_rank), thousandths / 1000);
            prop_assert_eq!(u128::from(position.upper_rank), thousandths.div_ceil(1000));
            prop_assert!(position.upper_rank < count);
            let rest = u64::try_from(thousandths % 1000).unwrap() * (WHOLE / 1000);
            prop_assert_eq!(position.fraction, Fraction::new(rest, WHOLE).unwrap());
        }

        #[test]
        fn a_larger_quantile_is_no_smaller(
            values in prop::collection::vec(-1e300..1e300_f64, 1..30),
            low in 0..=WHOLE,
            high in 0..=WHOLE,
        ) {
            let pick = |numerator| pick(&values, Fraction::new(numerator, WHOLE).unwrap());
            prop_assert!(pick(low.min(high)) <= pick(low.max(high)));
        }
    }
}
