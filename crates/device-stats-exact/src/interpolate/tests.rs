//! Interpolation compared with exact arithmetic.

use super::*;
use crate::exact_sum::ExactSum;
use proptest::prelude::*;

/// Returns the number halfway between two numbers, never `-0.0`.
fn midpoint(low: f64, high: f64) -> f64 {
    low.midpoint(high) + 0.0
}

fn fraction(numerator: u64, denominator: u64) -> Fraction {
    Fraction::new(numerator, denominator).unwrap()
}

/// Returns whether no neighbour of `number` is nearer to the true number. The distances are multiplied by
/// `denominator`, so that they are exact sums.
fn is_nearest(number: f64, low: f64, high: f64, numerator: u32, denominator: u32) -> bool {
    let distance = |number: f64| {
        let mut sum = ExactSum::default();
        (numerator..denominator).for_each(|_| sum.add(low));
        (0..numerator).for_each(|_| sum.add(high));
        (0..denominator).for_each(|_| sum.add(-number));
        sum.rounded().unwrap().abs()
    };
    let own = distance(number);
    [number.next_up(), number.next_down()]
        .into_iter()
        .filter(|other| other.is_finite())
        .all(|other| own <= distance(other))
}

const NASTY: [f64; 15] = [
    f64::MIN,
    -1e300,
    -3.0,
    -1.0,
    -f64::MIN_POSITIVE,
    -1.5e-323,
    -5e-324,
    0.0,
    5e-324,
    1e-310,
    0.1,
    1.0,
    1e16,
    1.7e308,
    f64::MAX,
];

#[test]
fn every_pair_of_nasty_numbers_is_interpolated_to_the_nearest_double() {
    for (index, low) in NASTY.into_iter().enumerate() {
        for high in NASTY.into_iter().skip(index) {
            let mut last = low;
            for numerator in 0..=24 {
                let number = interpolate(low, high, fraction(numerator.into(), 24));
                assert!(number >= last && number <= high, "{low:e} {high:e} {numerator}");
                assert!(
                    is_nearest(number, low, high, numerator, 24),
                    "{low:e} {high:e} {numerator}: {number:e}"
                );
                last = number;
            }
            assert_eq!(interpolate(low, high, fraction(0, 1)).to_bits(), low.to_bits());
            assert_eq!(last.to_bits(), high.to_bits());
            let half = interpolate(low, high, fraction(1, 2));
            assert_eq!(half.to_bits(), midpoint(low, high).to_bits(), "{low:e} {high:e}");
        }
    }
}

/// Two numbers `a` and `b`, a numerator `n` over 10^19, and Python's
/// `float(Fraction(a) + (Fraction(b) - Fraction(a)) * Fraction(n, 10**19))`.
const KNOWN: [(f64, f64, u64, f64); 20] = [
    (1.0, 2.0, 1_000_000_000_000_000_000, 1.1),
    (0.1, 0.3, 9_990_000_000_000_000_000, 0.2998),
    (-1.0, 1.0, 3_333_333_333_333_333_333, -0.333_333_333_333_333_3),
    (1e308, -1e308, 1_428_571_428_571_428_571, 7.142_857_142_857_143e307),
    (5e-324, 1e-322, 5_000_000_000_000_000_000, 5e-323),
    (-5e-324, 5e-324, 7_000_000_000_000_000_000, 0.0),
    (
        1.797_693_134_862_315_7e308,
        1.797_693_134_862_315_5e308,
        3_000_000_000_000_000_000,
        1.797_693_134_862_315_7e308,
    ),
    (1.0, 1.000_000_000_000_000_2, 5_000_000_000_000_000_001, 1.000_000_000_000_000_2),
    (1.0, 1.000_000_000_000_000_2, 5_000_000_000_000_000_000, 1.0),
    (1.000_000_000_000_000_2, 1.000_000_000_000_000_4, 5_000_000_000_000_000_000, 1.000_000_000_000_000_4),
    (1e-300, 1e300, 1, 1e281),
    (-1e16, 3.0, 9_999_999_999_999_999_999, 2.999),
    (1e17, 5e-324, 5_000_000_000_000_000_000, 5e16),
    (2.225_073_858_507_201_4e-308, -5e-324, 9_999_999_999_999_999_000, -5e-324),
    (
        -3.523_344_703_336_752_7e-147,
        -9.034_271_527_463_753e247,
        6_745_769_884_264_228_881,
        -6.094_311_679_623_079e247,
    ),
    (
        1.655_760_118_067_102_1e218,
        -8.281_055_326_216_567e127,
        4_439_448_776_366_754_703,
        9.206_938_950_561_15e217,
    ),
    (
        -8.185_739_733_122_698e133,
        1.309_073_883_861_593_4e-73,
        7_317_463_276_519_295_733,
        -2.195_854_744_295_677_8e133,
    ),
    (
        -9.008_213_732_204_57e-75,
        7.169_369_180_973_591e-05,
        2_661_036_548_695_044_674,
        1.907_795_342_165_858_6e-05,
    ),
    (
        8.137_177_106_428_495e282,
        6.322_527_182_400_628e-116,
        6_869_522_164_640_927_941,
        2.547_325_257_406_567e282,
    ),
    (
        -8.051_388_480_105_333e-237,
        -3.832_769_869_998_295_5e-237,
        7_887_685_854_882_091_362,
        -4.723_874_646_296_970_4e-237,
    ),
];

#[test]
fn known_numbers_equal_rational_arithmetic() {
    for (low, high, numerator, expected) in KNOWN {
        let number = interpolate(low, high, fraction(numerator, 10_000_000_000_000_000_000));
        assert_eq!(number.to_bits(), expected.to_bits(), "{low:e} {high:e} {numerator}: {number:e}");
    }
}

#[test]
fn a_fraction_is_from_0_to_1() {
    assert_eq!(Fraction::new(0, 0), None);
    assert_eq!(Fraction::new(2, 1), None);
    assert_eq!(fraction(0, 7).numerator(), 0);
}

#[test]
fn a_number_between_two_others_is_never_minus_zero() {
    assert_eq!(interpolate(-5e-324, 0.0, fraction(1, 2)).to_bits(), 0);
    assert_eq!(interpolate(-5e-324, 5e-324, fraction(1, 3)).to_bits(), 0);
}

fn double() -> impl Strategy<Value = f64> {
    (prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL | prop::num::f64::ZERO)
        .prop_map(|number| number + 0.0)
}

proptest! {
    #[test]
    fn the_result_is_the_nearest_double(a in double(), b in double(), close in -100..100_i64, (n, d) in (1..60_u32).prop_flat_map(|d| (0..=d, Just(d)))) {
        let near = f64::from_bits(a.to_bits().saturating_add_signed(close));
        let near = if near.is_finite() { near + 0.0 } else { a };
        for other in [b, -b, near, -near] {
            let number = interpolate(a, other, fraction(n.into(), d.into()));
            prop_assert!(is_nearest(number, a, other, n, d), "{:e} {:e} {}/{}: {:e}", a, other, n, d, number);
        }
    }

    #[test]
    fn the_result_lies_between_both_numbers_and_ascends(a in double(), b in double(), n in any::<u64>(), m in any::<u64>(), d in 1..=u64::MAX) {
        let (n, m) = (n % d, m % d);
        let (low, high) = (a.min(b), a.max(b));
        let one = interpolate(low, high, fraction(n.min(m), d));
        let other = interpolate(low, high, fraction(n.max(m), d));
        prop_assert!(low <= one && one <= other && other <= high);
        // An end of the span keeps its sign of zero.
        let bits = |low, high, n| (interpolate(low, high, fraction(n, d)) + 0.0).to_bits();
        prop_assert_eq!(bits(high, low, d - n), bits(low, high, n));
        prop_assert_eq!(bits(-low, -high, n), (-interpolate(low, high, fraction(n, d)) + 0.0).to_bits());
    }

    #[test]
    fn half_way_is_the_midpoint(a in double(), b in double(), half in 1..=u64::MAX / 2) {
        prop_assert_eq!(interpolate(a, b, fraction(half, 2 * half)).to_bits(), midpoint(a, b).to_bits());
    }
}
