//! Numeric times: a count of units since 1970 UTC, computed from its decimal digits, never through a double.
//! So the same instant has the same microsecond in every notation.

use super::{AFTER, BEFORE, InvalidTime, RequestTime, Timestamp};

/// Unit of a number that stands for a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeUnit {
    /// Seconds since 1970 UTC.
    Seconds,
    /// Milliseconds since 1970 UTC.
    Milliseconds,
    /// Microseconds since 1970 UTC.
    Microseconds,
    /// Nanoseconds since 1970 UTC.
    Nanoseconds,
}

/// Largest absolute number that stands for seconds if no unit is given. This is pydantic's rule.
const SECONDS_MAX: i128 = 20_000_000_000;
/// Start of the year 0, in microseconds since 1970 UTC.
const YEAR_ZERO_US: i128 = -62_167_219_200_000_000;
/// A time in microseconds with more digits is always out of range.
const DIGITS_MAX: i64 = 20;

impl TimeUnit {
    /// Returns the exponent of ten of the unit in microseconds.
    fn exponent(self) -> i64 {
        match self {
            Self::Seconds => 6,
            Self::Milliseconds => 3,
            Self::Microseconds => 0,
            Self::Nanoseconds => -3,
        }
    }

    /// Returns the microsecond that contains a count of units. A result outside `i64` becomes the minimum or
    /// maximum of `i64`, which no reading may have.
    pub fn to_micros(self, count: i64) -> i64 {
        match self {
            Self::Seconds => count.saturating_mul(1_000_000),
            Self::Milliseconds => count.saturating_mul(1_000),
            Self::Microseconds => count,
            Self::Nanoseconds => count.div_euclid(1_000),
        }
    }

    /// Returns the plural name of the unit, such as `seconds`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Seconds => "seconds",
            Self::Milliseconds => "milliseconds",
            Self::Microseconds => "microseconds",
            Self::Nanoseconds => "nanoseconds",
        }
    }
}

/// A number that stands for a time: its digits, and the position of its decimal point.
#[derive(Clone, Copy, Debug)]
pub struct EpochNumber<'t> {
    is_negative: bool,
    /// The digits before the decimal point.
    whole: &'t [u8],
    /// The digits after the decimal point.
    fraction: &'t [u8],
    exponent: i64,
}

impl<'t> EpochNumber<'t> {
    /// Reads a decimal number with an optional sign, fraction and exponent; `None` for any other text.
    pub fn parse(text: &'t str) -> Option<Self> {
        // Most texts are dates with a year of four digits. In a number, no `-` follows a digit.
        if let Some([digit, b'-']) = text.as_bytes().get(3..5)
            && digit.is_ascii_digit()
        {
            return None;
        }
        let (number, exponent) = match text.split_once(['e', 'E']) {
            // An exponent outside `i32` gives the same result as the nearest `i32`.
            Some((number, exponent)) => {
                let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
                let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
                let beyond = if exponent.starts_with('-') { i32::MIN } else { i32::MAX };
                (number, i64::from(is_number.then(|| exponent.parse::<i32>().unwrap_or(beyond))?))
            }
            None => (text, 0),
        };
        let unsigned = number.strip_prefix(['+', '-']).unwrap_or(number);
        let (whole, fraction) = match unsigned.split_once('.') {
            Some((whole, fraction)) => (whole, fraction),
            None => (unsigned, ""),
        };
        let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() && fraction.is_empty() || !are_digits(whole) || !are_digits(fraction) {
            return None;
        }
        Some(Self {
            is_negative: number.starts_with('-'),
            whole: whole.as_bytes(),
            fraction: fraction.as_bytes(),
            exponent,
        })
    }

    /// Returns the number as an integer, if it is whole, however it is written.
    pub fn as_integer(self) -> Option<i64> {
        let (magnitude, has_rest) = self.scale(0)?;
        let magnitude = i64::try_from(magnitude).ok().filter(|_| !has_rest)?;
        Some(if self.is_negative { -magnitude } else { magnitude })
    }

    /// Returns the unit that pydantic takes for the number: seconds up to an absolute value of 2e10,
    /// otherwise milliseconds.
    pub fn inferred_unit(self) -> TimeUnit {
        // In microseconds, so that a fraction counts.
        let seconds = self.floor(TimeUnit::Seconds.exponent());
        match seconds {
            Some(micros) if micros.abs() <= SECONDS_MAX * 1_000_000 => TimeUnit::Seconds,
            _ => TimeUnit::Milliseconds,
        }
    }

    /// Converts a count of units to the microsecond that contains it.
    ///
    /// # Errors
    /// [`InvalidTime::Number`] or [`InvalidTime::YearZero`].
    pub fn to_time(self, unit: TimeUnit) -> Result<RequestTime, InvalidTime> {
        let beyond = if self.is_negative { BEFORE } else { AFTER };
        let micros = self.floor(unit.exponent()).ok_or(beyond)?;
        match i64::try_from(micros).map_err(|_| beyond)? {
            _ if micros < YEAR_ZERO_US => Err(BEFORE),
            micros if micros < Timestamp::MIN.0 => Err(InvalidTime::YearZero),
            micros if micros > Timestamp::MAX.0 => Err(AFTER),
            micros => Ok(RequestTime(micros)),
        }
    }

    /// Returns the number times a power of ten, rounded down; `None` if it has too many digits.
    fn floor(self, exponent: i64) -> Option<i128> {
        let (magnitude, has_rest) = self.scale(exponent)?;
        Some(if self.is_negative { -magnitude - i128::from(has_rest) } else { magnitude })
    }

    /// Returns the absolute number times a power of ten, without its fraction, and whether it has one; `None`
    /// if it has too many digits.
    fn scale(self, exponent: i64) -> Option<(i128, bool)> {
        let digits = || self.whole.iter().chain(self.fraction).skip_while(|digit| **digit == b'0');
        let leading_zeros = self.whole.len() + self.fraction.len() - digits().count();
        // The number of digits before the point after the multiplication.
        let length = i64::try_from(self.whole.len()).ok()? - i64::try_from(leading_zeros).ok()?;
        let length = length + self.exponent + exponent;
        if digits().next().is_none() {
            return Some((0, false));
        }
        if length > DIGITS_MAX {
            return None;
        }
        let length = usize::try_from(length).unwrap_or(0);
        let mut magnitude: i128 = 0;
        for digit in digits().chain(std::iter::repeat(&b'0')).take(length) {
            magnitude = 10 * magnitude + i128::from(digit - b'0');
        }
        let has_rest = digits().skip(length).any(|digit| *digit != b'0');
        Some((magnitude, has_rest))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str, unit: TimeUnit) -> Result<i64, InvalidTime> {
        EpochNumber::parse(text).unwrap().to_time(unit).map(RequestTime::micros)
    }

    #[test]
    fn a_number_is_rounded_down_by_its_digits() {
        for (text, unit, micros) in [
            // As a double, it became .123457; as text, .123456.
            ("1795428000.1234567", TimeUnit::Seconds, 1_795_428_000_123_456),
            ("1795428000.1234569999999999999999", TimeUnit::Seconds, 1_795_428_000_123_456),
            ("1.7954280001234567e9", TimeUnit::Seconds, 1_795_428_000_123_456),
            ("17954280001234567E-7", TimeUnit::Seconds, 1_795_428_000_123_456),
            ("123e-1", TimeUnit::Seconds, 12_300_000),
            ("1795428000123.4567", TimeUnit::Milliseconds, 1_795_428_000_123_456),
            ("1795428000123456789", TimeUnit::Nanoseconds, 1_795_428_000_123_456),
            ("-0.0000005", TimeUnit::Seconds, -1),
            ("-1.5", TimeUnit::Seconds, -1_500_000),
            ("-0", TimeUnit::Seconds, 0),
            ("0e99999999999", TimeUnit::Seconds, 0),
            ("1e-99999999999", TimeUnit::Seconds, 0),
            ("-1e-99999999999", TimeUnit::Seconds, -1),
            ("000000000000000000000000000001.", TimeUnit::Seconds, 1_000_000),
            (".5", TimeUnit::Seconds, 500_000),
            ("-.5e1", TimeUnit::Seconds, -5_000_000),
        ] {
            assert_eq!(read(text, unit), Ok(micros), "{text}");
        }
        for text in [
            "",
            "-",
            "+",
            ".",
            "-.",
            ".e5",
            "1e",
            "1e+",
            "1.5.5",
            "0x10",
            "1_0",
            " 1",
            "NaN",
            "inf",
            "1e1.5",
            "2026-11-23",
            "1234-5",
        ] {
            assert!(EpochNumber::parse(text).is_none(), "{text}");
        }
        assert!(read("1e99999999999", TimeUnit::Nanoseconds).is_err());
    }

    #[test]
    fn the_unit_depends_on_the_magnitude() {
        for (text, unit) in [
            ("20000000000", TimeUnit::Seconds),
            ("20000000000.0000001", TimeUnit::Seconds),
            ("20000000000.000001", TimeUnit::Milliseconds),
            ("20000000001", TimeUnit::Milliseconds),
            ("-20000000000", TimeUnit::Seconds),
            ("-20000000000.5", TimeUnit::Milliseconds),
            ("1e300", TimeUnit::Milliseconds),
        ] {
            assert_eq!(EpochNumber::parse(text).unwrap().inferred_unit(), unit, "{text}");
        }
    }

    #[test]
    fn a_count_is_rounded_down_to_its_microsecond() {
        for (unit, count, micros) in [
            (TimeUnit::Nanoseconds, 1_999, 1),
            (TimeUnit::Nanoseconds, -1, -1),
            (TimeUnit::Nanoseconds, i64::MIN, -9_223_372_036_854_776),
            (TimeUnit::Microseconds, -7, -7),
            (TimeUnit::Milliseconds, 7, 7_000),
            (TimeUnit::Seconds, -7, -7_000_000),
            (TimeUnit::Milliseconds, i64::MAX, i64::MAX),
            (TimeUnit::Seconds, i64::MIN, i64::MIN),
        ] {
            assert_eq!(unit.to_micros(count), micros, "{unit:?} {count}");
        }
    }

    proptest! {
        /// The reference divides integers.
        #[test]
        fn every_decimal_is_rounded_down(
            mantissa in any::<i64>(),
            point in 0..24_usize,
            unit in prop::sample::select(vec![TimeUnit::Seconds, TimeUnit::Milliseconds, TimeUnit::Microseconds, TimeUnit::Nanoseconds]),
        ) {
            let digits = format!("{:025}", mantissa.unsigned_abs());
            let (whole, fraction) = digits.split_at(digits.len() - point);
            let sign = if mantissa < 0 { "-" } else { "" };
            let divisor = 10_i128.pow(u32::try_from(i64::try_from(point).unwrap() + 9 - unit.exponent()).unwrap());
            let expected = (i128::from(mantissa) * 1_000_000_000).div_euclid(divisor);
            let found = read(&format!("{sign}{whole}.{fraction}"), unit);
            match i64::try_from(expected) {
                Ok(micros) if (Timestamp::MIN.0..=Timestamp::MAX.0).contains(&micros) => prop_assert_eq!(found, Ok(micros)),
                _ => prop_assert!(found.is_err()),
            }
        }
    }
}
