//! Where percentiles lie among values in order of size: type 7 of R. J. Hyndman and Y. Fan, *Sample quantiles in
//! statistical packages*, 1996, which is the default of `NumPy` and PostgreSQL's `percentile_cont`.

use device_stats_domain::Percentile;

use crate::interpolate::Fraction;

/// Where a percentile lies among values in order of size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The rank of the value below it or at it, from 0 for the smallest.
    pub below: u64,
    /// The rank of the value above it; that of the value below where it lies at that.
    pub above: u64,
    /// How far it is from the one to the other, less than 1.
    pub fraction: Fraction,
}

/// Where a percentile lies among `count` values: at (`count` - 1) times the percentile, as a fraction of the whole,
/// exactly for every count. `None` where there is no value.
///
/// ```
/// use device_stats_domain::{Finite, Percentile};
/// use device_stats_exact::{interpolate, position};
///
/// let sorted = [1.0, 2.0, 4.0, 8.0];
/// let ninety = position(4, Percentile::new(Finite::new(90.0).unwrap()).unwrap()).unwrap();
/// assert_eq!((ninety.below, ninety.above), (2, 3));
/// assert_eq!(interpolate(sorted[2], sorted[3], ninety.fraction), 6.8);
/// ```
pub fn position(count: u64, percentile: Percentile) -> Option<Position> {
    // Both are less than 2^64, so the product is less than 2^128.
    let whole = u128::from(Percentile::WHOLE);
    let parts = u128::from(count.checked_sub(1)?) * u128::from(percentile.parts());
    let below = u64::try_from(parts / whole).ok()?;
    let rest = u64::try_from(parts % whole).ok()?;
    let fraction = Fraction::new(rest, Percentile::WHOLE)?;
    Some(Position { below, above: below + u64::from(rest > 0), fraction })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interpolate::interpolate;
    use crate::summarize::summarize;
    use device_stats_domain::Finite;
    use proptest::prelude::*;

    fn percentile(number: f64) -> Percentile {
        Percentile::new(Finite::new(number).unwrap()).unwrap()
    }

    /// Sort and pick.
    fn pick(values: &[f64], number: f64) -> f64 {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let position = position(sorted.len() as u64, percentile(number)).unwrap();
        let at = |rank| sorted[usize::try_from(rank).unwrap()];
        interpolate(at(position.below), at(position.above), position.fraction)
    }

    #[test]
    fn positions_are_exact() {
        let at = |count, number| {
            let Position { below, above, fraction } = position(count, percentile(number)).unwrap();
            (below, above, fraction)
        };
        let part = |numerator, denominator: u64| {
            Fraction::new(numerator * (Percentile::WHOLE / denominator), Percentile::WHOLE).unwrap()
        };
        assert_eq!(position(0, percentile(50.0)), None);
        assert_eq!(at(1, 99.9), (0, 0, part(0, 1)));
        assert_eq!(at(1001, 99.9), (999, 999, part(0, 1)));
        assert_eq!(at(1002, 99.9), (999, 1000, part(999, 1000)));
        assert_eq!(at(8, 10.0), (0, 1, part(7, 10)));
        assert_eq!(at(7, 0.0), (0, 0, part(0, 1)));
        assert_eq!(at(7, 100.0), (6, 6, part(0, 1)));
        // In doubles, 2^53 times 0.999 has nothing left behind the point.
        assert_eq!(at((1 << 53) + 1, 99.9), (8_998_192_055_486_251, 8_998_192_055_486_252, part(1, 125)));
        assert_eq!(at(u64::MAX, 100.0).0, u64::MAX - 1);
    }

    /// `numpy.percentile` of `NumPy` 2.4.6, which rounds at each step, and Python's `Fraction`, which does not.
    #[test]
    fn what_numpy_says() {
        let primes = [2.0, 3.0, 5.0, 7.0, 11.0, 13.0, 17.0, 19.0, 23.0, 29.0];
        let halves: Vec<f64> = (0..101).map(|index| f64::from(index * index) / 2.0).collect();
        let negative = [-7.25, -3.5, 1e3, -0.125, 64.0];
        for (values, number, numpys, exact) in [
            (&primes[..], 0.0, 2.0, 2.0),
            (&primes[..], 10.0, 2.9, 2.9),
            (&primes[..], 25.0, 5.5, 5.5),
            (&primes[..], 33.3, 6.994, 6.994),
            (&primes[..], 50.0, 12.0, 12.0),
            (&primes[..], 66.6, 16.976, 16.976),
            (&primes[..], 75.0, 18.5, 18.5),
            (&primes[..], 90.0, 23.599_999_999_999_998, 23.6),
            (&primes[..], 95.0, 26.299_999_999_999_994, 26.3),
            (&primes[..], 99.9, 28.946_000_000_000_01, 28.946),
            (&primes[..], 100.0, 29.0, 29.0),
            (&halves[..], 1.0, 0.5, 0.5),
            (&halves[..], 12.5, 78.25, 78.25),
            (&halves[..], 37.25, 693.875, 693.875),
            (&halves[..], 50.0, 1250.0, 1250.0),
            (&halves[..], 99.9, 4990.05, 4990.05),
            (&negative[..], 5.0, -6.5, -6.5),
            (&negative[..], 20.0, -4.25, -4.25),
            (&negative[..], 40.0, -1.474_999_999_999_999_6, -1.475),
            (&negative[..], 62.5, 31.9375, 31.9375),
            (&negative[..], 87.5, 532.0, 532.0),
            (&negative[..], 99.99, 999.625_599_999_999_6, 999.6256),
        ] {
            let picked = pick(values, number);
            assert_eq!(picked.to_bits(), f64::to_bits(exact), "{number} of {values:?}");
            assert!((picked - numpys).abs() <= 1e-14 * numpys.abs(), "{number} of {values:?}");
        }
    }

    proptest! {
        #[test]
        fn the_fiftieth_is_the_median(
            values in prop::collection::vec(prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL | prop::num::f64::ZERO, 1..50)
        ) {
            let mut values: Vec<f64> = values.into_iter().map(|value| value + 0.0).collect();
            let fiftieth = pick(&values, 50.0);
            prop_assert_eq!(fiftieth.to_bits(), summarize(&mut values).unwrap().median.to_bits());
        }

        #[test]
        fn ranks_are_those_of_integer_arithmetic(count in 1..=u64::MAX, tenths in 0..=1000_u32) {
            let position = position(count, percentile(f64::from(tenths) / 10.0)).unwrap();
            let thousandths = u128::from(count - 1) * u128::from(tenths);
            prop_assert_eq!(u128::from(position.below), thousandths / 1000);
            prop_assert_eq!(u128::from(position.above), thousandths.div_ceil(1000));
            prop_assert!(position.above < count);
            let rest = u64::try_from(thousandths % 1000).unwrap() * (Percentile::WHOLE / 1000);
            prop_assert_eq!(position.fraction, Fraction::new(rest, Percentile::WHOLE).unwrap());
        }

        #[test]
        fn a_greater_percentile_is_no_less(
            values in prop::collection::vec(-1e300..1e300_f64, 1..30),
            low in 0.0..=100.0_f64,
            high in 0.0..=100.0_f64,
        ) {
            prop_assert!(pick(&values, low.min(high)) <= pick(&values, low.max(high)));
        }
    }
}
