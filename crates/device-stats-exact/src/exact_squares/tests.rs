//! Exact sums of squares compared with integers of any size.

use num_bigint::BigInt;
use proptest::prelude::*;

use super::*;

/// Returns the square of a finite number, in units of the square of the smallest double.
fn square(number: f64) -> BigInt {
    let Decomposed { mantissa, shift, .. } = Decomposed::new(number);
    let magnitude = BigInt::from(mantissa) << shift;
    &magnitude * &magnitude
}

/// Returns the accumulated sum in the same units.
fn total(squares: &ExactSquares) -> BigInt {
    let exact = squares.to_integer();
    exact.integer() << (exact.exponent() - 2 * LOWEST_EXPONENT)
}

fn finite() -> impl Strategy<Value = f64> {
    use prop::num::f64::{NORMAL, SUBNORMAL, ZERO};
    prop_oneof![NORMAL, SUBNORMAL, ZERO, Just(f64::MAX), Just(f64::MIN), Just(-5e-324)]
}

#[test]
fn known_squares_are_exact() {
    let mut squares = ExactSquares::default();
    assert_eq!(squares.to_integer(), ExactInteger::from_words(0, &[]));
    squares.add(-1.5);
    assert_eq!(squares.to_integer(), ExactInteger::from_words(-2, &[9]));
    squares.add_times(0.5, 3);
    assert_eq!(squares.to_integer(), ExactInteger::from_words(0, &[3]));
    squares.add(5e-324);
    assert_eq!(squares.to_integer().exponent(), -2148);
}

#[test]
fn the_square_of_a_number_of_every_exponent_is_exact() {
    for exponent in 0..2047_u64 {
        for fraction in [0, 1, 0x000f_ffff_ffff_ffff] {
            let number = f64::from_bits(exponent << 52 | fraction);
            let mut squares = ExactSquares::default();
            squares.add(number);
            assert_eq!(total(&squares), square(number), "{number:e}");
            squares.add_times(-number, u32::MAX);
            assert_eq!(total(&squares), square(number) << 32, "{number:e}");
        }
    }
}

#[test]
fn a_million_equal_numbers_do_not_overflow() {
    for number in [f64::MAX, 1.0_f64.next_down(), 5e-324] {
        let mut squares = ExactSquares::default();
        for _ in 0..1 << 20 {
            squares.add_times(number, u32::MAX);
        }
        assert_eq!(total(&squares), square(number) * u32::MAX * (1 << 20));
    }
}

proptest! {
    #[test]
    fn every_way_of_adding_equals_integers_of_any_size(
        numbers in prop::collection::vec((finite(), any::<u32>()), 0..40),
        cut in 0_usize..40,
    ) {
        let (left, right) = numbers.split_at(cut.min(numbers.len()));
        let (mut squares, mut others) = (ExactSquares::default(), ExactSquares::default());
        let mut expected = BigInt::ZERO;
        for (number, count) in left {
            squares.add(*number);
            squares.add_times(*number, *count);
            expected += square(*number) * (BigInt::from(*count) + 1);
        }
        for (number, count) in right {
            others.add_times(*number, *count);
            expected += square(*number) * *count;
        }
        let mut merged = squares.clone();
        merged.merge(&others);
        prop_assert_eq!(total(&merged), expected);
        squares.add_integer(&others.to_integer());
        prop_assert_eq!(squares.to_integer(), merged.to_integer());
    }
}
