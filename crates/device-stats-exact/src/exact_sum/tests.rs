//! Exact sums compared with known sums and with integers of any size.

use num_bigint::BigInt;
use proptest::prelude::*;

use super::*;
use crate::float::{self, Decomposed};

/// Returns a finite number in units of the smallest double.
fn units(number: f64) -> BigInt {
    let decomposed = Decomposed::new(number);
    BigInt::from(decomposed.signed_mantissa()) << decomposed.shift
}

/// Returns the accumulated sum in the same units.
fn total(sum: &ExactSum) -> BigInt {
    let exact = sum.to_integer();
    exact.integer() << (exact.exponent() - LOWEST_EXPONENT)
}

fn finite() -> impl Strategy<Value = f64> {
    use prop::num::f64::{NORMAL, SUBNORMAL, ZERO};
    prop_oneof![NORMAL, SUBNORMAL, ZERO, Just(f64::MAX), Just(f64::MIN), Just(-5e-324)]
}

/// 2^`exponent`.
fn power(exponent: i32) -> f64 {
    float::round(1, false, exponent).unwrap()
}

fn accumulate<'n>(numbers: impl IntoIterator<Item = &'n f64>) -> ExactSum {
    numbers.into_iter().copied().collect()
}

fn sum(numbers: &[f64]) -> Option<f64> {
    accumulate(numbers).rounded()
}

#[test]
fn one_number_is_its_own_sum() {
    for exponent in 0..2047_u64 {
        for fraction in [0, 1, 0x000f_ffff_ffff_ffff, 0x0005_5555_5555_5555] {
            let number = f64::from_bits(exponent << 52 | fraction);
            assert_eq!(sum(&[number]).unwrap().to_bits(), number.to_bits());
            let negated = sum(&[-number]).unwrap();
            assert_eq!(negated.to_bits(), (-number + 0.0).to_bits(), "sum of {:e}", -number);
        }
    }
}

#[test]
fn cancelled_digits_vanish_and_absorbed_digits_return() {
    assert_eq!(sum(&[]), Some(0.0));
    assert_eq!(sum(&[1e16, 1.0, -1e16]), Some(1.0));
    assert_eq!(sum(&[0.1; 10]), Some(1.0));
    assert_eq!(sum(&[1.0, -1.0]).map(f64::to_bits), Some(0));
    assert_eq!(sum(&[f64::MAX, f64::MAX]), None);
    assert_eq!(sum(&[f64::MIN, f64::MIN]), None);
    assert_eq!(sum(&[f64::MAX, f64::MAX, f64::MIN]), Some(f64::MAX));
    assert_eq!(sum(&[5e-324, 5e-324, -5e-324]), Some(5e-324));
    assert_eq!(sum(&[-5.160_941_558_568_763_6e-61]), Some(-5.160_941_558_568_763_6e-61));
}

/// Half a unit in the last place added to an even and an odd mantissa, then slightly more or less than half.
#[test]
fn ties_go_to_even() {
    let place = f64::EPSILON;
    assert_eq!(sum(&[1.0, place / 2.0]), Some(1.0));
    assert_eq!(sum(&[1.0 + place, place / 2.0]), Some(1.0 + 2.0 * place));
    assert_eq!(sum(&[1.0, place / 2.0, 5e-324]), Some(1.0 + place));
    assert_eq!(sum(&[1.0 + place, place / 2.0, -5e-324]), Some(1.0 + place));
    // The largest double plus half a unit in its last place is a tie. It rounds to a number out of range.
    assert_eq!(sum(&[f64::MAX, power(969)]), Some(f64::MAX));
    assert_eq!(sum(&[f64::MAX, power(970)]), None);
    assert_eq!(sum(&[2.0 - place, place / 2.0]), Some(2.0));
}

/// A first design with one bin per 64 exponents overflowed here.
#[test]
fn a_million_numbers_of_one_sign_do_not_overflow() {
    for exponent in (-1074..=950).step_by(23) {
        let number = 1.999_999_999 * power(exponent);
        let mut sum = ExactSum::default();
        for _ in 0..1 << 20 {
            sum.add(number);
        }
        assert_eq!(sum.rounded(), Some(number * f64::from(1 << 20)), "2^{exponent}");
    }
}

/// Generates small multiples of one power of two. Integer arithmetic gives their exact sum.
fn scaled() -> impl Strategy<Value = (Vec<i32>, i32)> {
    (prop::collection::vec(any::<i32>(), 0..50), -1074..940_i32)
}

#[test]
fn the_largest_allowed_number_of_additions_does_not_overflow() {
    for number in [f64::MAX, f64::MIN, 1.0_f64.next_down()] {
        let mut sum = ExactSum::default();
        for _ in 0..1_u64 << 11 {
            sum.add_times(number, u32::MAX);
        }
        let integer = sum.to_integer();
        assert_eq!(total(&sum), units(number) * u32::MAX * (1 << 11));
        let mut again = ExactSum::default();
        again.add_integer(&integer);
        assert_eq!(again.to_integer(), integer);
    }
}

/// More numbers than one sum can take are merged from sums that are each almost full.
#[test]
fn any_number_of_full_sums_can_be_merged() {
    let mut full = ExactSum::default();
    for _ in 0..1_u64 << 11 {
        full.add_times(f64::MIN, u32::MAX);
    }
    let mut sum = ExactSum::default();
    for _ in 0..100 {
        sum.merge(&full);
    }
    assert_eq!(total(&sum), units(f64::MIN) * u32::MAX * (1 << 11) * 100);
}

#[test]
#[should_panic = "multiple of the lowest bit"]
fn an_integer_below_the_smallest_double_is_refused() {
    ExactSum::default().add_words(LOWEST_EXPONENT - 1, &[1]);
}

#[test]
#[should_panic = "index out of bounds"]
fn an_integer_beyond_any_sum_of_doubles_is_refused() {
    ExactSum::default()
        .add_integer(&ExactInteger::from_words(LOWEST_EXPONENT + ExactSum::PLACES.cast_signed(), &[1]));
}

proptest! {
    /// Numbers are added one by one, times a count, and as integers in several forms.
    #[test]
    fn every_way_of_adding_equals_integers_of_any_size(
        numbers in prop::collection::vec((finite(), any::<u32>()), 0..40),
        cut in 0_usize..40,
        lower in 0_i32..200,
    ) {
        let (left, right) = numbers.split_at(cut.min(numbers.len()));
        let (mut sum, mut times) = (ExactSum::default(), ExactSum::default());
        let mut expected = BigInt::ZERO;
        for (number, count) in left {
            sum.add(*number);
            times.add_times(*number, *count);
            expected += units(*number) * (BigInt::from(*count) + 1);
        }
        let exact = times.to_integer();
        sum.add_integer(&exact);
        for (number, count) in right {
            let mut one = ExactSum::default();
            one.add(*number);
            let one = one.to_integer();
            // The same number in units of a smaller power of two.
            let exponent = (one.exponent() - lower).max(LOWEST_EXPONENT);
            sum.add_words(exponent, &(1..6).find_map(|count| one.to_words_at(exponent, count)).unwrap());
            sum.add_times(*number, *count);
            expected += units(*number) * (BigInt::from(*count) + 1);
        }
        prop_assert_eq!(total(&sum), expected.clone());
        let exact = sum.to_integer();
        prop_assert!(expected == BigInt::ZERO || exact.to_words()[0] & 1 == 1);
        let mut again = ExactSum::default();
        again.add_integer(&exact);
        prop_assert_eq!(again.to_integer(), exact);
        prop_assert_eq!(again.rounded().map(f64::to_bits), sum.rounded().map(f64::to_bits));
    }

    #[test]
    fn equals_integer_arithmetic((integers, exponent) in scaled()) {
        let times_power = |number: f64| number * power(exponent);
        let numbers: Vec<f64> = integers.iter().map(|integer| times_power(f64::from(*integer))).collect();
        let total: i64 = integers.iter().map(|integer| i64::from(*integer)).sum();
        #[expect(clippy::cast_precision_loss, reason = "50 numbers of 32 bits stay below 2^53")]
        let expected = times_power(total as f64);
        prop_assert_eq!(sum(&numbers), Some(expected + 0.0));
    }

    #[test]
    fn grouping_and_order_do_not_matter(
        numbers in prop::collection::vec(prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL, 0..60),
        cut in 0_usize..60,
    ) {
        let (left, right) = numbers.split_at(cut.min(numbers.len()));
        let mut merged = accumulate(right.iter().rev());
        merged.merge(&accumulate(left));
        prop_assert_eq!(merged.rounded().map(f64::to_bits), sum(&numbers).map(f64::to_bits));
    }

    /// The exact sum minus the result is at most half the distance between the result and its neighbours.
    #[test]
    fn the_result_is_the_nearest_double(
        numbers in prop::collection::vec(-1e300_f64..1e300, 1..40),
        small in prop::collection::vec(prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL, 0..5),
    ) {
        let all: Vec<f64> = numbers.into_iter().chain(small.into_iter().map(|number| number % 1e290)).collect();
        let rounded = sum(&all).unwrap();
        let rest = accumulate(all.iter().chain(&[-rounded]));
        let rest = rest.rounded().unwrap().abs();
        let gap = (rounded.abs().next_up() - rounded.abs()).min(rounded.abs() - rounded.abs().next_down());
        prop_assert!(rest * 2.0 <= gap || rounded.abs().next_up() - rounded.abs() >= rest * 2.0);
    }
}
