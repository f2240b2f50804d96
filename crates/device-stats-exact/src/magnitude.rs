//! The magnitude of three numbers, √(*x*² + *y*² + *z*²), rounded once.
//!
//! The fast path computes with unevaluated sums of two doubles (T. J. Dekker, *A floating-point technique for
//! extending the available precision*, 1971). Let *u* = 2^-53, the largest relative error of one rounding.
//!
//! 1. Each square is *h* + *l* exactly, with |*l*| ≤ *u* *h*. If a product underflows, the error is below
//!    2^-1060, which is negligible for a sum of at least 2^-800.
//! 2. The three *h* add up to one double and two errors, each at most *u* times the sum *S* of the squares.
//!    The five small terms are added with four roundings. So the sum is *s* + *t* (`total` and `rest`) with
//!    an error of at most 20 *u*² *S*.
//! 3. *r* (`root`) is the root of *s*, rounded, and *c* = (*s* - *r*² + *t*) / (2 *r*) corrects it: one step
//!    of Newton's method. *r*² and *s* - *r*² are exact, and |*c*| ≤ 3 *u* *r*. The two roundings of the
//!    other operations, the error of the sum and the rest of the step, *c*² / (2 *r*), are each at most
//!    10 *u*² *r*. So the root is *r* + *c* with an error of less than 64 *u*² *r*.
//! 4. If *r* + (*c* - *e*) and *r* + (*c* + *e*) with *e* = 128 *u*² *r* round to the same double, the root
//!    does as well, because rounding never changes the order of numbers. *e* is twice the error of *c*, so
//!    that it also covers the rounding of *c* ± *e*.
//!
//! The last step fails if the root is very close to the middle between two doubles, or equal to it. Then, and
//! for numbers of extreme size, the sum of the squares is an integer of any size.

use crate::ExactSquares;
use crate::moments::root_of_mean;

/// Range of the largest absolute value for the fast path. No step overflows, and underflow does not matter.
const FAST: std::ops::Range<f64> =
    f64::from_bits(0x26f0_0000_0000_0000)..f64::from_bits(0x58f0_0000_0000_0000);
/// 2^-99, which is 128 *u*².
const ERROR: f64 = f64::from_bits(0x39c0_0000_0000_0000);
/// 2^27 + 1, which splits a double into two halves of at most 26 bits.
const SPLITTER: f64 = 134_217_729.0;

/// Returns the exact √(*x*² + *y*² + *z*²) of finite numbers, rounded once to the nearest double, ties to
/// even. Beyond the largest double, returns the largest double. The result is never `-0.0`.
///
/// ```
/// use device_stats_exact::magnitude;
///
/// assert_eq!(magnitude(1.0, -2.0, 2.0), 3.0);
/// assert_eq!(magnitude(5e-324, 0.0, 0.0), 5e-324); // the square is not a double
/// assert_eq!(magnitude(f64::MAX, f64::MAX, 0.0), f64::MAX);
/// ```
pub fn magnitude(x: f64, y: f64, z: f64) -> f64 {
    fast(x, y, z).unwrap_or_else(|| slow(x, y, z))
}

/// Returns the magnitude if the fast path is certain of it.
#[inline]
fn fast(x: f64, y: f64, z: f64) -> Option<f64> {
    if !FAST.contains(&x.abs().max(y.abs()).max(z.abs())) {
        return None;
    }
    let [(hx, lx), (hy, ly), (hz, lz)] = [x, y, z].map(square);
    let (sum, first) = add(hx, hy);
    let (sum, second) = add(sum, hz);
    let small = (first + second) + (lx + ly + lz);
    let total = sum + small;
    let rest = small - (total - sum);
    let root = total.sqrt();
    let (high, low) = square(root);
    let correction = ((total - high) - low + rest) / (2.0 * root);
    let error = ERROR * root;
    let (low, high) = (root + (correction - error), root + (correction + error));
    // The sum of positive numbers is never `-0.0`, so equal numbers have equal bits.
    (low.to_bits() == high.to_bits()).then_some(low)
}

/// Returns the sum of two doubles and the error of this sum: both together are exact.
#[inline]
fn add(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let part = sum - a;
    (sum, (a - (sum - part)) + (b - part))
}

/// Returns the square of a double and the error of this square: both together are exact.
#[inline]
fn square(number: f64) -> (f64, f64) {
    let scaled = SPLITTER * number;
    let high = scaled - (scaled - number);
    let low = number - high;
    let square = number * number;
    (square, low * low - ((square - high * high) - 2.0 * high * low))
}

/// Returns the magnitude of any finite numbers.
#[cold]
fn slow(x: f64, y: f64, z: f64) -> f64 {
    let mut squares = ExactSquares::default();
    for number in [x, y, z] {
        squares.add(number);
    }
    root_of_mean(&squares, 1).unwrap_or(f64::MAX)
}

#[cfg(test)]
mod tests {
    use num_bigint::BigUint;
    use proptest::prelude::*;

    use super::*;
    use crate::float::Decomposed;

    /// Returns twice the absolute value, in units of the smallest double.
    fn halves(number: f64) -> BigUint {
        let Decomposed { mantissa, shift, .. } = Decomposed::new(number);
        BigUint::from(mantissa) << (shift + 1)
    }

    /// Returns the point halfway between two neighbouring doubles, in units of half the smallest double.
    fn middle(low: f64, high: f64) -> BigUint {
        (halves(low) + halves(high)) >> 1_u32
    }

    /// Checks that no double is nearer to the magnitude, by comparing squares of integers.
    fn check(x: f64, y: f64, z: f64) {
        let found = magnitude(x, y, z);
        assert_eq!(found.to_bits(), slow(x, y, z).to_bits(), "{x:e} {y:e} {z:e}");
        assert_eq!(found.to_bits(), magnitude(z, -x, -y).to_bits(), "{x:e} {y:e} {z:e}");
        let squares: BigUint = [x, y, z].map(|number| halves(number).pow(2)).into_iter().sum();
        let is_even = found.to_bits() & 1 == 0;
        let is_inside = |bound: &BigUint| squares == *bound && is_even;
        if found > 0.0 {
            let below = middle(found.next_down(), found).pow(2);
            assert!(below < squares || is_inside(&below), "{x:e} {y:e} {z:e}: {found:e}");
        }
        if found < f64::MAX {
            let above = middle(found, found.next_up()).pow(2);
            assert!(squares < above || is_inside(&above), "{x:e} {y:e} {z:e}: {found:e}");
        }
    }

    #[test]
    fn known_magnitudes() {
        for (numbers, expected) in [
            ([0.0, 0.0, 0.0], 0.0),
            ([-0.0, -0.0, -0.0], 0.0),
            ([3.0, 4.0, 0.0], 5.0),
            ([-1.0, 2.0, -2.0], 3.0),
            ([1.0, 1.0, 1.0], 1.732_050_807_568_877_2),
            ([0.1, 0.2, 0.2], 0.300_000_000_000_000_04),
            ([5e-324, 0.0, 0.0], 5e-324),
            ([5e-324, 5e-324, 0.0], 5e-324),
            ([5e-324, 5e-324, 5e-324], 1e-323),
            ([1e-200, 0.0, 1e-200], 1.414_213_562_373_095e-200),
            ([1e200, 1e200, 1e-200], 1.414_213_562_373_095e200),
            ([f64::MAX, 0.0, 0.0], f64::MAX),
            ([f64::MAX, 5e-324, 1.0], f64::MAX),
            ([f64::MIN, f64::MIN, f64::MIN], f64::MAX),
            ([1.5e308, 1e308, 0.0], f64::MAX),
        ] {
            let [x, y, z] = numbers;
            assert_eq!(magnitude(x, y, z).to_bits(), f64::to_bits(expected), "{numbers:?}");
            check(x, y, z);
        }
    }

    /// n² + (n + 1)² + (n (n + 1))² = (n (n + 1) + 1)². The root is an odd integer of 54 bits, in the middle
    /// between two doubles.
    #[test]
    #[expect(clippy::cast_precision_loss, reason = "all are doubles except the root, which is a tie")]
    fn ties_go_to_even() {
        for n in 94_906_266_u64..94_906_366 {
            let root = n * (n + 1) + 1;
            assert!(root > 1 << 53 && root % 2 == 1);
            let [x, y, z] = [n, n + 1, n * (n + 1)].map(|number| number as f64);
            assert_eq!(fast(x, y, z), None, "{n}");
            assert_eq!(magnitude(x, y, z).to_bits(), (root as f64).to_bits(), "{n}");
            check(x, y, z);
        }
    }

    #[test]
    fn all_combinations_of_nasty_numbers_are_rounded_correctly() {
        const NASTY: [f64; 16] = [
            0.0,
            5e-324,
            1.5e-323,
            f64::MIN_POSITIVE,
            1e-250,
            FAST.start,
            1e-100,
            0.1,
            1.0,
            1.0 + f64::EPSILON,
            3.0,
            1e16,
            1e100,
            FAST.end,
            1e300,
            f64::MAX,
        ];
        for x in NASTY {
            for y in NASTY {
                for z in NASTY {
                    check(x, y, z);
                    check(x.next_up().min(f64::MAX), y, z.next_down());
                }
            }
        }
    }

    #[test]
    fn ordinary_numbers_take_the_fast_path() {
        let slow = (0..100_000_u32).filter(|n| {
            let number = |step: u32| f64::from((n * step) % 20_011) / 1000.0 - 10.0;
            fast(number(7), number(11), number(13)).is_none()
        });
        assert_eq!(slow.count(), 0);
    }

    fn number() -> impl Strategy<Value = f64> {
        use prop::num::f64::{NORMAL, SUBNORMAL, ZERO};
        prop_oneof![
            (-20_000..20_000_i32).prop_map(|n| f64::from(n) / 1000.0),
            -10.0..10.0_f64,
            NORMAL | SUBNORMAL | ZERO,
            (-3_i64..3, -410..410_i32).prop_map(|(steps, exponent)| {
                let power = crate::float::round(1, false, exponent).unwrap();
                f64::from_bits(power.to_bits().saturating_add_signed(steps))
            }),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4 * ProptestConfig::default().cases, ..ProptestConfig::default() })]

        #[test]
        fn the_magnitude_is_the_nearest_double(x in number(), y in number(), z in number()) {
            check(x, y, z);
        }

        /// Numbers of similar size, so that all three matter.
        #[test]
        fn numbers_of_similar_size_are_rounded_correctly(
            mantissas in prop::array::uniform3(0..1_u64 << 53),
            exponent in -1074..971_i32,
            spread in prop::array::uniform3(0..30_i32),
        ) {
            let number = |index: usize| {
                let exponent = (exponent + spread[index]).min(971);
                crate::float::round(mantissas[index].into(), false, exponent).unwrap()
            };
            check(number(0), number(1), number(2));
        }
    }
}
