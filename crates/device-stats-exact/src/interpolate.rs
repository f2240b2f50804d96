//! Interpolation between two numbers, rounded once. It gives percentiles between two ranks, and the edges of
//! histogram bins.
//!
//! For a fraction *n* / *d* the true number is (*a* (*d* - *n*) + *b* *n*) / *d*. A double is an integer of
//! at most 53 bits times a power of two, and *n* and *d* have at most 64 bits. So each product fits 117 bits,
//! and the sum is kept in 126 bits. Lower bits of the sum are far below the last bit of the quotient: they
//! only decide whether the quotient is exact. The quotient has at least 59 bits, which are rounded to the 53
//! or fewer bits of the result.

#[cfg(test)]
mod tests;

use crate::float::{self, Decomposed, LOWEST_EXPONENT};

/// Highest bit of a term of the sum, counted from 1.
const TERM_BITS: i32 = 125;

/// A fraction from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fraction {
    numerator: u64,
    denominator: u64,
}

impl Fraction {
    /// Returns `numerator` / `denominator`; `None` above 1 or for a denominator of zero.
    pub fn new(numerator: u64, denominator: u64) -> Option<Self> {
        (denominator > 0 && numerator <= denominator).then_some(Self { numerator, denominator })
    }

    /// Returns the numerator as given.
    pub fn numerator(self) -> u64 {
        self.numerator
    }

    /// Returns the denominator as given; at least 1.
    pub fn denominator(self) -> u64 {
        self.denominator
    }
}

/// Returns the number at `fraction` of the way from `low` to `high`, both finite, rounded once to the nearest
/// double, ties to even.
///
/// The result lies between `low` and `high`. It is `low` for the fraction 0 and `high` for 1. If
/// `low < high`, it ascends with the fraction. It cannot overflow. For other fractions than 0 and 1, it is
/// never `-0.0`.
///
/// ```
/// use device_stats_exact::{Fraction, interpolate};
///
/// let tenth = Fraction::new(1, 10).unwrap();
/// assert_eq!(interpolate(0.0, 3.0, tenth), 0.3); // 3 * 0.1 is 0.30000000000000004
/// assert_eq!(interpolate(f64::MIN, f64::MAX, Fraction::new(1, 2).unwrap()), 0.0);
/// ```
pub fn interpolate(low: f64, high: f64, fraction: Fraction) -> f64 {
    let Fraction { numerator, denominator } = fraction;
    if numerator == 0 {
        return low;
    }
    if numerator == denominator {
        return high;
    }
    let sum = add(Term::new(low, denominator - numerator), Term::new(high, numerator));
    float::with_sign(sum.divide(denominator), sum.units < 0)
}

/// A term of the sum: `units` · 2^`exponent`.
#[derive(Clone, Copy)]
struct Term {
    units: i128,
    exponent: i32,
}

impl Term {
    /// Returns a number times `weight`.
    fn new(number: f64, weight: u64) -> Self {
        let decomposed = Decomposed::new(number);
        let units = i128::from(decomposed.signed_mantissa()) * i128::from(weight);
        Self { units, exponent: LOWEST_EXPONENT + decomposed.shift.cast_signed() }
    }

    /// Returns the exponent of the bit above the highest set bit.
    fn top(self) -> i32 {
        self.exponent + bit_length(self.units.unsigned_abs())
    }
}

/// Returns the number of bits up to the highest set bit; 0 to 128.
fn bit_length(units: u128) -> i32 {
    (u128::BITS - units.leading_zeros()).cast_signed()
}

/// The sum of two terms: `units` · 2^`exponent`. If `is_inexact`, the true sum is greater by less than one
/// unit.
#[derive(Clone, Copy)]
struct Sum {
    units: i128,
    is_inexact: bool,
    exponent: i32,
}

/// Adds two terms of at most 117 bits.
fn add(a: Term, b: Term) -> Sum {
    let (large, small) = match (a.units, b.units) {
        (0, _) => (b, a),
        (_, 0) => (a, b),
        _ if a.top() >= b.top() => (a, b),
        _ => (b, a),
    };
    if small.units == 0 {
        return Sum { units: large.units, is_inexact: false, exponent: large.exponent };
    }
    let exponent = large.exponent.min(small.exponent).max(large.top() - TERM_BITS);
    let large_units = large.units << (large.exponent - exponent);
    let (small_units, is_inexact) = match exponent - small.exponent {
        cut @ 1.. => {
            // The shift rounds down, also below zero: the remainder is never negative.
            let kept = small.units >> cut.min(127);
            (kept, cut > 127 || kept << cut != small.units)
        }
        shift => (small.units << -shift, false),
    };
    Sum { units: large_units + small_units, is_inexact, exponent }
}

impl Sum {
    /// Divides the magnitude and rounds it once.
    #[expect(clippy::expect_used, reason = "the result lies between two finite numbers")]
    fn divide(self, denominator: u64) -> f64 {
        // A positive remainder reduces the magnitude of a negative sum.
        let magnitude = self.units.unsigned_abs() - u128::from(self.units < 0 && self.is_inexact);
        // An inexact sum already has its full length.
        let room = if self.is_inexact { 0 } else { (127 - bit_length(magnitude)).max(0) };
        let (magnitude, denominator) = (magnitude << room, u128::from(denominator));
        let is_inexact = self.is_inexact || !magnitude.is_multiple_of(denominator);
        let rounded = float::round(magnitude / denominator, is_inexact, self.exponent - room);
        rounded.expect("a number between two doubles is a double")
    }
}
