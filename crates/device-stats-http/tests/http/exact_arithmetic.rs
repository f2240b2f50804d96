//! Slow and simple exact arithmetic, the reference for the engine. It shares no code with the engine. It
//! writes an exact number in decimal, with more digits than can change the result, and the standard library
//! parses the text with correct rounding.

use std::sync::LazyLock;

use num_bigint::BigInt;

/// Every double is a multiple of the unit, 2 to the power of minus this exponent.
const UNIT: u32 = 1074;
/// Number of decimal digits kept below the last digit of a unit.
const MORE_PLACES: u32 = 40;

/// One unit, as a multiple of the last decimal digit kept: 2^-1074 is 5^1074 times 10^-1074.
static SCALE: LazyLock<BigInt> =
    LazyLock::new(|| BigInt::from(5).pow(UNIT) * BigInt::from(10).pow(MORE_PLACES));

/// Returns a double as a number of units of 2^-1074.
pub(crate) fn units(number: f64) -> BigInt {
    let bits = number.to_bits();
    let (exponent, fraction) = (bits >> 52 & 0x7ff, bits & ((1 << 52) - 1));
    let mantissa = if exponent == 0 { fraction } else { fraction | 1 << 52 };
    let magnitude = BigInt::from(mantissa) << exponent.saturating_sub(1);
    if number.is_sign_negative() { -magnitude } else { magnitude }
}

/// Returns the double nearest to `units` divided by `divisor`, or `None` outside the range of a double.
pub(crate) fn nearest(units: &BigInt, divisor: u64) -> Option<f64> {
    let scaled = units * &*SCALE;
    let divisor = BigInt::from(divisor);
    let quotient = &scaled / &divisor;
    let is_whole = &quotient * &divisor == scaled;
    read(&quotient, is_whole)
}

/// Returns the double nearest to the square root of `squared_units` divided by `divisor`, or `None` outside
/// the range of a double.
pub(crate) fn nearest_root(squared_units: &BigInt, divisor: u64) -> Option<f64> {
    let scaled = squared_units * &*SCALE * &*SCALE;
    let divisor = BigInt::from(divisor);
    let quotient = &scaled / &divisor;
    let root = quotient.sqrt();
    let is_whole = &root * &root * &divisor == scaled;
    read(&root, is_whole)
}

/// Parses the digits. If digits were cut off, one more digit stands for them. The number then rounds as with
/// all its digits.
fn read(places: &BigInt, is_whole: bool) -> Option<f64> {
    let more = if is_whole { '0' } else { '1' };
    let number: f64 = format!("{places}{more}e-{}", UNIT + MORE_PLACES + 1).parse().unwrap();
    number.is_finite().then_some(number)
}

/// Known results: single numbers, ties and roots.
#[test]
fn known_numbers_are_rounded_correctly() {
    for number in [0.0, 5e-324, -5e-324, 2.5e-308, 0.1, -1.0, 1e16, f64::MAX, f64::MIN] {
        assert_eq!(nearest(&units(number), 1).unwrap().to_bits(), number.to_bits());
    }
    let sum = |numbers: &[f64]| numbers.iter().map(|number| units(*number)).sum::<BigInt>();
    assert_eq!(nearest(&sum(&[0.1; 10]), 1), Some(1.0));
    assert_eq!(nearest(&sum(&[1e16, 1.0, -1e16]), 1), Some(1.0));
    assert_eq!(nearest(&sum(&[1.0, f64::EPSILON / 2.0]), 1), Some(1.0));
    assert_eq!(nearest(&sum(&[1.0, f64::EPSILON / 2.0, 5e-324]), 1), Some(1.0 + f64::EPSILON));
    assert_eq!(nearest(&sum(&[f64::MAX, f64::MAX]), 1), None);
    assert_eq!(nearest(&sum(&[1.0]), 3), Some(1.0 / 3.0));
    assert_eq!(nearest(&sum(&[-5e-324]), 3).map(f64::to_bits), Some((-0.0_f64).to_bits()));
    assert_eq!(nearest_root(&(units(2.0) * units(1.0)), 1), Some(2_f64.sqrt()));
    assert_eq!(nearest_root(&(units(1.0) * units(1.0)), 4), Some(0.5));
    assert_eq!(nearest_root(&(units(f64::MAX) * units(f64::MAX) * 2), 1), None);
}
