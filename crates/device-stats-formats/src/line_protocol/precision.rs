//! The unit of the timestamps of line protocol.

use serde_json::json;

use crate::faults::Problem;
use crate::json::Json;

/// Unit of a timestamp since 1970 UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// `ns` or `n`.
    #[default]
    Nanoseconds,
    /// `us` or `u`.
    Microseconds,
    /// `ms`.
    Milliseconds,
    /// `s`.
    Seconds,
}

impl Precision {
    /// Reads a query parameter, in the spelling of InfluxDB 1 or 2.
    ///
    /// # Errors
    /// `literal_error` for any other value.
    pub fn from_json(value: &Json) -> Result<Self, Problem> {
        let Json::String(text) = value else { return Err(unknown()) };
        match text.as_str() {
            "ns" | "n" => Ok(Self::Nanoseconds),
            "us" | "u" => Ok(Self::Microseconds),
            "ms" => Ok(Self::Milliseconds),
            "s" => Ok(Self::Seconds),
            _ => Err(unknown()),
        }
    }

    /// Returns the microsecond that contains a timestamp. A result outside `i64` becomes the minimum or
    /// maximum of `i64`, which no reading may have.
    pub(super) fn to_micros(self, timestamp: i64) -> i64 {
        match self {
            Self::Nanoseconds => timestamp.div_euclid(1_000),
            Self::Microseconds => timestamp,
            Self::Milliseconds => timestamp.saturating_mul(1_000),
            Self::Seconds => timestamp.saturating_mul(1_000_000),
        }
    }
}

fn unknown() -> Problem {
    let expected = "'ns', 'us', 'ms' or 's'";
    Problem::new("literal_error", format!("Input should be {expected}")).with(json!({ "expected": expected }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_is_rounded_down_to_its_microsecond() {
        for (precision, timestamp, micros) in [
            (Precision::Nanoseconds, 1_999, 1),
            (Precision::Nanoseconds, -1, -1),
            (Precision::Nanoseconds, i64::MIN, -9_223_372_036_854_776),
            (Precision::Microseconds, -7, -7),
            (Precision::Milliseconds, 7, 7_000),
            (Precision::Seconds, -7, -7_000_000),
            (Precision::Milliseconds, i64::MAX, i64::MAX),
            (Precision::Seconds, i64::MIN, i64::MIN),
        ] {
            assert_eq!(precision.to_micros(timestamp), micros, "{precision:?} {timestamp}");
        }
    }
}
