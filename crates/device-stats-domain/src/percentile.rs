//! Percentiles that a request may name.

use crate::number::Finite;

/// Number of decimal places of the exact value of a percentage.
const PLACES: usize = 17;

/// A percentile: 0 is the minimum, 50 the median, 100 the maximum.
///
/// Its exact value is the shortest decimal number that parses as the given double, rounded to 17 decimal
/// places. So 99.9 means 999 of 1,000, although no double equals 99.9.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Percentile {
    number: f64,
    parts: u64,
}

/// The rule that a number breaks as a percentile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPercentile {
    /// It is less than 0.
    #[error("is less than 0")]
    TooLow,
    /// It is greater than 100.
    #[error("is greater than 100")]
    TooHigh,
}

impl Percentile {
    /// Denominator of [`Percentile::parts`]: the value of 100 percent.
    pub const WHOLE: u64 = 10_000_000_000_000_000_000;

    /// Makes a percentile from a percentage.
    ///
    /// # Errors
    /// [`InvalidPercentile`] outside 0 to 100.
    pub fn new(percent: Finite) -> Result<Self, InvalidPercentile> {
        let number = percent.get();
        if number < 0.0 {
            Err(InvalidPercentile::TooLow)
        } else if number > 100.0 {
            Err(InvalidPercentile::TooHigh)
        } else {
            Ok(Self { number, parts: parts(number) })
        }
    }

    /// Returns the percentage as given; 0 to 100.
    pub fn get(self) -> f64 {
        self.number
    }

    /// Returns the exact value as the numerator of a fraction with the denominator [`Percentile::WHOLE`]; 0
    /// to the denominator.
    pub fn parts(self) -> u64 {
        self.parts
    }
}

/// Returns the shortest decimal number for a double between 0 and 100, in units of the last of [`PLACES`]
/// decimal places.
fn parts(percent: f64) -> u64 {
    // `Display` writes the shortest digits that parse as the same double, and never an exponent.
    let digits = percent.to_string();
    let (whole, places) = digits.split_once('.').unwrap_or((&digits, ""));
    let digit = |byte: u8| {
        assert!(byte.is_ascii_digit(), "a double between 0 and 100 is displayed as digits: {digits}");
        u64::from(byte - b'0')
    };
    let places = places.bytes().chain(std::iter::repeat(b'0'));
    let kept = whole.bytes().chain(places.clone().take(PLACES)).fold(0, |sum, byte| 10 * sum + digit(byte));
    let rounds_up = places.skip(PLACES).take(1).any(|byte| byte >= b'5');
    kept + u64::from(rounds_up)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn percentile(number: f64) -> Result<Percentile, InvalidPercentile> {
        Percentile::new(Finite::new(number).unwrap())
    }

    #[test]
    fn the_exact_value_is_the_shortest_decimal() {
        for (number, parts) in [
            (0.0, 0),
            (-0.0, 0),
            (50.0, 5_000_000_000_000_000_000),
            (99.9, 9_990_000_000_000_000_000),
            (0.1, 10_000_000_000_000_000),
            (33.333_333_333_333_336, 3_333_333_333_333_333_600),
            (0.012_345_678_901_234_567, 1_234_567_890_123_457),
            (1e-17, 1),
            (5e-18, 1),
            (4.9e-18, 0),
            (5e-324, 0),
            (99.999_999_999_999_99, 9_999_999_999_999_999_000),
            (100.0, Percentile::WHOLE),
        ] {
            assert_eq!(percentile(number).unwrap().parts(), parts, "{number}");
        }
    }

    #[test]
    fn numbers_outside_0_to_100_are_refused() {
        assert_eq!(percentile(-5e-324), Err(InvalidPercentile::TooLow));
        assert_eq!(percentile(100.000_000_000_000_01), Err(InvalidPercentile::TooHigh));
        assert_eq!(percentile(f64::MAX), Err(InvalidPercentile::TooHigh));
    }

    proptest! {
        #[test]
        fn thousandths_are_exact(thousandths in 0..=100_000_u32) {
            let parts = percentile(f64::from(thousandths) / 1000.0).unwrap().parts();
            prop_assert_eq!(parts, u64::from(thousandths) * (Percentile::WHOLE / 100_000));
        }

        #[test]
        fn the_exact_value_ascends_with_the_number(low in 0.0..=100.0_f64, high in 0.0..=100.0_f64) {
            let parts = |number| percentile(number).unwrap().parts();
            prop_assert!(parts(low.min(high)) <= parts(low.max(high)));
        }
    }
}
