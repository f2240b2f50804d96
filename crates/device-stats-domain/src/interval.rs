//! Lengths of buckets, as ISO 8601 writes durations.

use std::fmt;

use jiff::fmt::temporal::SpanParser;
use jiff::{SignedDuration, Span};

/// The length of a bucket: more than nothing, of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval(pub(crate) Step);

/// What a length is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Months of the calendar; 1 and up.
    Months(i64),
    /// Days of the calendar; 1 and up.
    Days(i64),
    /// Microseconds; 1 and up.
    Micros(i64),
}

/// Why a text is no length of a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidInterval {
    /// It is no ISO 8601 duration, or one of more than some 20,000 years.
    #[error("is no ISO 8601 duration such as PT15M, PT1H, P1D, P1W or P1M")]
    NotADuration,
    /// It is nothing or goes backwards.
    #[error("is not longer than nothing")]
    NotPositive,
    /// It has a part of a microsecond.
    #[error("is no whole number of microseconds")]
    TooFine,
    /// Its units have no common measure: a month has no fixed number of days, a day no fixed number of hours.
    #[error(
        "mixes units without a common measure: years with months, weeks with days, or hours, minutes and seconds"
    )]
    Mixed,
}

impl Interval {
    /// Reads an ISO 8601 duration. Years and months, weeks and days, and hours, minutes and seconds can each be
    /// combined among themselves; the smallest of the last three may have a fraction.
    ///
    /// # Errors
    /// [`InvalidInterval`].
    pub fn parse(text: &str) -> Result<Self, InvalidInterval> {
        let span = SpanParser::new().parse_span(text).map_err(|_| InvalidInterval::NotADuration)?;
        let months = 12 * i64::from(span.get_years()) + i64::from(span.get_months());
        let days = 7 * i64::from(span.get_weeks()) + i64::from(span.get_days());
        let step = match (months, days, clock_nanos(&span)) {
            (0, 0, nanos) if nanos % 1000 != 0 => return Err(InvalidInterval::TooFine),
            (0, 0, nanos) => {
                Step::Micros(i64::try_from(nanos / 1000).map_err(|_| InvalidInterval::NotADuration)?)
            }
            (0, days, 0) => Step::Days(days),
            (months, 0, 0) => Step::Months(months),
            _ => return Err(InvalidInterval::Mixed),
        };
        match step {
            Step::Months(count) | Step::Days(count) | Step::Micros(count) if count > 0 => Ok(Self(step)),
            _ => Err(InvalidInterval::NotPositive),
        }
    }
}

/// Hours and less, in nanoseconds.
fn clock_nanos(span: &Span) -> i128 {
    [
        (i64::from(span.get_hours()), 3_600_000_000_000),
        (span.get_minutes(), 60_000_000_000),
        (span.get_seconds(), 1_000_000_000),
        (span.get_milliseconds(), 1_000_000),
        (span.get_microseconds(), 1000),
        (span.get_nanoseconds(), 1),
    ]
    .into_iter()
    .map(|(count, nanos)| i128::from(count) * nanos)
    .sum()
}

impl fmt::Display for Interval {
    /// ISO 8601 in the largest units: `PT90M` is written `PT1H30M`, `P7D` is written `P1W`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Step::Months(months) => {
                let unit =
                    |count: i64, name| if count == 0 { String::new() } else { format!("{count}{name}") };
                write!(f, "P{}{}", unit(months / 12, "Y"), unit(months % 12, "M"))
            }
            Step::Days(days) if days % 7 == 0 => write!(f, "P{}W", days / 7),
            Step::Days(days) => write!(f, "P{days}D"),
            Step::Micros(micros) => write!(f, "{}", SignedDuration::from_micros(micros)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_of_one_kind() {
        for (text, step, written) in [
            ("PT1H", Step::Micros(3_600_000_000), "PT1H"),
            ("PT0.5S", Step::Micros(500_000), "PT0.5S"),
            ("PT1.5H", Step::Micros(5_400_000_000), "PT1H30M"),
            ("PT90M", Step::Micros(5_400_000_000), "PT1H30M"),
            ("PT0.000001S", Step::Micros(1), "PT0.000001S"),
            ("PT36H", Step::Micros(129_600_000_000), "PT36H"),
            ("P1D", Step::Days(1), "P1D"),
            ("P1DT0H", Step::Days(1), "P1D"),
            ("P1W", Step::Days(7), "P1W"),
            ("P1W3D", Step::Days(10), "P10D"),
            ("P14D", Step::Days(14), "P2W"),
            ("P1M", Step::Months(1), "P1M"),
            ("P1Y", Step::Months(12), "P1Y"),
            ("P1Y6M", Step::Months(18), "P1Y6M"),
            ("P18M", Step::Months(18), "P1Y6M"),
        ] {
            let interval = Interval::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(interval, Interval(step), "{text}");
            assert_eq!(interval.to_string(), written);
            assert_eq!(Interval::parse(written), Ok(interval));
        }
    }

    #[test]
    fn what_is_no_length() {
        for (text, expected) in [
            ("", InvalidInterval::NotADuration),
            ("P", InvalidInterval::NotADuration),
            ("PT", InvalidInterval::NotADuration),
            ("1H", InvalidInterval::NotADuration),
            ("1 hour", InvalidInterval::NotADuration),
            ("3600", InvalidInterval::NotADuration),
            ("P1H", InvalidInterval::NotADuration),
            ("PT1D", InvalidInterval::NotADuration),
            ("P1.5D", InvalidInterval::NotADuration),
            ("PT1H ", InvalidInterval::NotADuration),
            ("PT1H1H", InvalidInterval::NotADuration),
            ("PNaND", InvalidInterval::NotADuration),
            ("P99999999999999999999D", InvalidInterval::NotADuration),
            ("PT0S", InvalidInterval::NotPositive),
            ("P0D", InvalidInterval::NotPositive),
            ("-P1D", InvalidInterval::NotPositive),
            ("-PT1H", InvalidInterval::NotPositive),
            ("PT0.0000001S", InvalidInterval::TooFine),
            ("PT1.0000005S", InvalidInterval::TooFine),
            ("P1DT1H", InvalidInterval::Mixed),
            ("P1M1D", InvalidInterval::Mixed),
            ("P1Y1W", InvalidInterval::Mixed),
            ("P1MT1S", InvalidInterval::Mixed),
        ] {
            assert_eq!(Interval::parse(text), Err(expected), "{text}");
        }
    }
}
