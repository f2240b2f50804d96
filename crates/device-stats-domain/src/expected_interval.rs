//! Expected intervals: the longest silence of a device that its owner takes for normal.

use std::time::Duration;

use crate::limits::EXPECTED_INTERVAL_MAX;

/// The longest silence of a device that is normal, as its owner has set it: from one microsecond to
/// [`EXPECTED_INTERVAL_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExpectedInterval {
    micros: i64,
}

/// The rule that a number breaks as an expected interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidExpectedInterval {
    /// It is zero, negative or not a number.
    #[error("is not greater than 0")]
    NotPositive,
    /// It is longer than [`EXPECTED_INTERVAL_MAX`].
    #[error("is longer than 31 days")]
    TooLong,
}

impl ExpectedInterval {
    /// Makes an interval from a number of seconds, rounded to the microsecond, and up to one microsecond.
    ///
    /// # Errors
    /// [`InvalidExpectedInterval`] names the broken rule.
    pub fn from_seconds(seconds: f64) -> Result<Self, InvalidExpectedInterval> {
        if seconds.is_nan() || seconds <= 0.0 {
            return Err(InvalidExpectedInterval::NotPositive);
        }
        if seconds > EXPECTED_INTERVAL_MAX.as_secs_f64() {
            return Err(InvalidExpectedInterval::TooLong);
        }
        #[expect(clippy::cast_possible_truncation, reason = "31 days are few microseconds")]
        let micros = (seconds * 1e6).round() as i64;
        Ok(Self { micros: micros.max(1) })
    }

    /// Makes an interval from a number of microseconds.
    ///
    /// # Errors
    /// [`InvalidExpectedInterval`] names the broken rule.
    pub fn from_micros(micros: i64) -> Result<Self, InvalidExpectedInterval> {
        match u64::try_from(micros) {
            Err(_) | Ok(0) => Err(InvalidExpectedInterval::NotPositive),
            Ok(count) if Duration::from_micros(count) > EXPECTED_INTERVAL_MAX => {
                Err(InvalidExpectedInterval::TooLong)
            }
            Ok(_) => Ok(Self { micros }),
        }
    }

    /// Returns the number of microseconds; 1 and up.
    pub fn micros(self) -> i64 {
        self.micros
    }

    /// Returns the number of seconds; the nearest double.
    pub fn seconds(self) -> f64 {
        Duration::from_micros(self.micros.unsigned_abs()).as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MAX_US: i64 = 31 * 86_400 * 1_000_000;

    #[test]
    fn an_interval_is_positive_and_at_most_31_days() {
        let refused = |seconds: f64| ExpectedInterval::from_seconds(seconds).unwrap_err();
        for seconds in [0.0, -0.0, -1.0, f64::NAN, f64::NEG_INFINITY] {
            assert_eq!(refused(seconds), InvalidExpectedInterval::NotPositive, "{seconds}");
        }
        for seconds in [2_678_400.000_001, 1e300, f64::INFINITY] {
            assert_eq!(refused(seconds), InvalidExpectedInterval::TooLong, "{seconds}");
        }
        for (seconds, micros) in
            [(f64::MIN_POSITIVE, 1), (1e-6, 1), (0.3, 300_000), (1.1, 1_100_000), (2_678_400.0, MAX_US)]
        {
            assert_eq!(ExpectedInterval::from_seconds(seconds).unwrap().micros(), micros, "{seconds}");
        }
        assert_eq!(ExpectedInterval::from_micros(0), Err(InvalidExpectedInterval::NotPositive));
        assert_eq!(ExpectedInterval::from_micros(i64::MIN), Err(InvalidExpectedInterval::NotPositive));
        assert_eq!(ExpectedInterval::from_micros(MAX_US + 1), Err(InvalidExpectedInterval::TooLong));
    }

    proptest! {
        #[test]
        fn an_interval_survives_as_seconds(micros in 1..=MAX_US) {
            let interval = ExpectedInterval::from_micros(micros).unwrap();
            prop_assert_eq!(ExpectedInterval::from_seconds(interval.seconds()), Ok(interval));
        }
    }
}
