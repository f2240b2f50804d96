//! The unit of timestamps in line protocol.

use serde_json::json;

use crate::faults::Problem;
use crate::json::Json;

/// The unit of a timestamp.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    #[default]
    Nanoseconds,
    Microseconds,
    Milliseconds,
    Seconds,
}

impl Precision {
    /// Reads it as clients of InfluxDB write it: as version 2 names it, or version 1.
    ///
    /// # Errors
    /// It is none of them.
    pub fn read(value: &Json) -> Result<Self, Problem> {
        let Json::String(text) = value else { return Err(unknown()) };
        match text.as_str() {
            "ns" | "n" => Ok(Self::Nanoseconds),
            "us" | "u" => Ok(Self::Microseconds),
            "ms" => Ok(Self::Milliseconds),
            "s" => Ok(Self::Seconds),
            _ => Err(unknown()),
        }
    }

    /// The microsecond that such a timestamp lies in. What is beyond the largest number is as far out as one goes, which is
    /// in no year that a reading may have.
    pub fn micros(self, timestamp: i64) -> i64 {
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
    fn timestamps_are_cut_to_the_microsecond_they_lie_in() {
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
            assert_eq!(precision.micros(timestamp), micros, "{precision:?} {timestamp}");
        }
    }
}
