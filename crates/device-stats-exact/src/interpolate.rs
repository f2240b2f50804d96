//! The number between two others, rounded once. Percentiles between two ranks and the edges of histograms are such
//! numbers.
//!
//! For a fraction *n* / *d* the true number is (*a* (*d* - *n*) + *b* *n*) / *d*. A double is an integer of at most 53
//! bits times a power of two, and *n* and *d* have at most 64, so each product fits 117 bits and the sum 126, but for
//! bits so far below the quotient's last that only whether there are any matters. The division leaves at least 59 bits,
//! which are rounded to the 53 or fewer of the result.

#[cfg(test)]
mod tests;

/// Highest bit that a term of the sum may have, counted from 1.
const TERM_BITS: i32 = 125;
/// Bits of a double's mantissa, the hidden one included.
const MANTISSA_BITS: i32 = 53;
/// Exponent of the lowest bit of the smallest double.
const LOWEST_EXPONENT: i32 = -1074;

/// How far it is from one number to another: 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fraction {
    numerator: u64,
    denominator: u64,
}

impl Fraction {
    /// No way at all.
    pub const ZERO: Self = Self { numerator: 0, denominator: 1 };

    /// `numerator` parts of `denominator`; `None` where that is more than 1, or nothing is divided.
    pub fn new(numerator: u64, denominator: u64) -> Option<Self> {
        (denominator > 0 && numerator <= denominator).then_some(Self { numerator, denominator })
    }

    /// Whether it is no way at all.
    pub fn is_zero(self) -> bool {
        self.numerator == 0
    }
}

/// The number that lies `fraction` of the way from `low` to `high`, both finite: the true one, rounded once to the
/// nearest double, ties to even. It never leaves the two, is `low` itself for 0 and `high` for 1, grows with the fraction
/// where `low < high`, and cannot overflow.
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
    if sum.units == 0 && !sum.more {
        return 0.0;
    }
    let magnitude = divide(sum.magnitude(), denominator);
    if sum.units < 0 { -magnitude } else { magnitude }
}

/// `units` times 2 to the power of `exponent`.
#[derive(Clone, Copy)]
struct Term {
    units: i128,
    exponent: i32,
}

impl Term {
    /// A number `weight` times.
    fn new(number: f64, weight: u64) -> Self {
        let bits = number.to_bits();
        let exponent_field = i32::try_from(bits >> 52 & 0x7ff).unwrap_or(0);
        let fraction = bits & ((1 << 52) - 1);
        // Subnormal numbers have no hidden bit and the exponent of the smallest normal ones.
        let (mantissa, exponent) = match exponent_field {
            0 => (fraction, LOWEST_EXPONENT),
            field => (fraction | 1 << 52, field - 1 + LOWEST_EXPONENT),
        };
        let units = i128::from(mantissa) * i128::from(weight);
        Self { units: if number.is_sign_negative() { -units } else { units }, exponent }
    }

    /// The exponent of the bit above its highest one.
    fn top(self) -> i32 {
        self.exponent + bit_length(self.units.unsigned_abs())
    }
}

/// Bits up to the highest one that is set; 0 to 128.
fn bit_length(units: u128) -> i32 {
    i32::try_from(u128::BITS - units.leading_zeros()).unwrap_or(0)
}

/// A sum: `units` and, where there is `more`, something above 0 and below 1, times 2 to the power of `exponent`.
#[derive(Clone, Copy)]
struct Sum {
    units: i128,
    more: bool,
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
        return Sum { units: large.units, more: false, exponent: large.exponent };
    }
    let exponent = large.exponent.min(small.exponent).max(large.top() - TERM_BITS);
    let large_units = large.units << (large.exponent - exponent);
    let (small_units, more) = match exponent - small.exponent {
        cut @ 1.. => {
            // Rounds down, also below zero: what is cut off is never negative.
            let kept = small.units >> cut.min(127);
            (kept, cut > 127 || kept << cut != small.units)
        }
        shift => (small.units << -shift, false),
    };
    Sum { units: large_units + small_units, more, exponent }
}

impl Sum {
    /// The sum without its sign.
    fn magnitude(self) -> (u128, bool, i32) {
        let units = match (self.units < 0, self.more) {
            // What there is more makes a negative sum smaller by less than 1.
            (true, true) => (!self.units).unsigned_abs(),
            _ => self.units.unsigned_abs(),
        };
        (units, self.more, self.exponent)
    }
}

/// Divides a magnitude and rounds to the nearest double, ties to even.
fn divide((units, more, exponent): (u128, bool, i32), denominator: u64) -> f64 {
    // Where there is more, the highest bit is one of the last few already.
    let room = if more { 0 } else { 127 - bit_length(units) };
    let (units, exponent) = (units << room.max(0), exponent - room.max(0));
    let denominator = u128::from(denominator);
    let quotient = units / denominator;
    round(quotient, more || units % denominator != 0, exponent)
}

/// The double nearest to `quotient` times 2 to the power of `exponent`; `more` where something below 1 is missing in
/// the quotient, which then has more bits than a double.
fn round(quotient: u128, more: bool, exponent: i32) -> f64 {
    let lowest = (exponent + bit_length(quotient) - MANTISSA_BITS).max(LOWEST_EXPONENT);
    let cut = lowest - exponent;
    // A quotient has at most 127 bits, so one that is cut by 128 is below half of the lowest place.
    let (kept, half, rest) = match cut {
        1..=127 => (quotient >> cut, quotient >> (cut - 1) & 1 == 1, quotient & ((1 << (cut - 1)) - 1) != 0),
        _ => (0, false, true),
    };
    let rounds_up = half && (more || rest || kept & 1 == 1);
    let kept = u64::try_from(kept).unwrap_or(0) + u64::from(rounds_up);
    // The hidden bit adds one to the exponent, and so does a carry out of the mantissa.
    let places = u64::try_from(lowest - LOWEST_EXPONENT).unwrap_or(0);
    f64::from_bits((places << 52) + kept)
}
