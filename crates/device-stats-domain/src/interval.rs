//! Lengths of buckets, written as ISO 8601 durations.

use std::fmt;

use jiff::fmt::temporal::SpanParser;
use jiff::{SignedDuration, Span};

/// Length of a bucket: positive, and in one kind of unit (months, days or clock time).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval(pub(crate) Step);

/// A length in its unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Calendar months; 1 and up.
    Months(i64),
    /// Calendar days; 1 and up.
    Days(i64),
    /// Microseconds; 1 and up.
    Micros(i64),
}

/// The rule that a text breaks as a bucket length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidInterval {
    /// It is not an ISO 8601 duration.
    #[error("is not an ISO 8601 duration such as PT15M, PT1H, P1D, P1W or P1M")]
    NotADuration,
    /// It is longer than the calendar of `jiff`, about 20,000 years.
    #[error("is longer than 19998 years")]
    TooLong,
    /// It is zero or negative.
    #[error("is not longer than zero")]
    NotPositive,
    /// It is not a whole number of microseconds.
    #[error("is not a whole number of microseconds")]
    TooFine,
    /// It mixes units without a fixed ratio: a month has no fixed number of days, a day no fixed number of
    /// hours.
    #[error(
        "mixes units without a common measure: years with months, weeks with days, or hours, minutes and seconds"
    )]
    Mixed,
}

impl Interval {
    /// Parses an ISO 8601 duration. It may combine years and months, or weeks and days, or hours, minutes and
    /// seconds. Of hours, minutes and seconds, the smallest unit may have a fraction.
    ///
    /// # Errors
    /// [`InvalidInterval`] names the broken rule.
    pub fn parse(text: &str) -> Result<Self, InvalidInterval> {
        let parse = |text: &str| SpanParser::new().parse_span(text);
        let span = parse(text).map_err(|_| match parse(&shorten(text)) {
            // The form is right, so a fraction has too many digits, or the numbers are too large.
            Ok(_) if fraction_digits(text) > NANO_DIGITS => InvalidInterval::TooFine,
            Ok(_) => InvalidInterval::TooLong,
            Err(_) => InvalidInterval::NotADuration,
        })?;
        let months = 12 * i64::from(span.get_years()) + i64::from(span.get_months());
        let days = 7 * i64::from(span.get_weeks()) + i64::from(span.get_days());
        let step = match (months, days, clock_nanos(&span)) {
            (0, 0, nanos) if nanos % 1000 != 0 => return Err(InvalidInterval::TooFine),
            (0, 0, nanos) => Step::Micros(i64::try_from(nanos / 1000).map_err(|_| InvalidInterval::TooLong)?),
            (0, days, 0) => Step::Days(days),
            (months, 0, 0) => Step::Months(months),
            _ => return Err(InvalidInterval::Mixed),
        };
        match step {
            Step::Months(count) | Step::Days(count) | Step::Micros(count) if count > 0 => Ok(Self(step)),
            _ => Err(InvalidInterval::NotPositive),
        }
    }

    /// One microsecond, the shortest interval.
    pub const MICROSECOND: Self = Self(Step::Micros(1));

    /// Returns the convenient intervals, ascending, from one microsecond to 10,000 years. Each is 1.5 to 7
    /// times as long as the one before.
    pub fn convenient() -> impl Iterator<Item = Self> {
        const SECOND: i64 = 1_000_000;
        let fractions = (0..6_u32).flat_map(|decade| [1, 2, 5].map(|count| count * 10_i64.pow(decade)));
        let seconds = [1, 2, 5, 10, 15, 30].map(|count| count * SECOND);
        let minutes = [1, 2, 5, 10, 15, 30].map(|count| count * 60 * SECOND);
        let hours = [1, 2, 3, 6, 12].map(|count| count * 3_600 * SECOND);
        let clock = fractions.chain(seconds).chain(minutes).chain(hours).map(Step::Micros);
        let days = [1, 7].map(Step::Days);
        let months = [1, 3].map(Step::Months);
        let decades = (0..4_u32).flat_map(|decade| [1, 2, 5].map(|count| count * 10_i64.pow(decade)));
        let years = decades.chain([10_000]).map(|years| Step::Months(12 * years));
        clock.chain(days).chain(months).chain(years).map(Self)
    }
}

/// Number of digits of a fraction of a second that `jiff` reads.
const NANO_DIGITS: usize = 9;

/// Returns the number of digits of the fraction of a duration.
fn fraction_digits(text: &str) -> usize {
    let fraction = text.split_once(['.', ',']).map_or("", |(_, fraction)| fraction);
    fraction.bytes().take_while(u8::is_ascii_digit).count()
}

/// Replaces every number of a duration by 1.
fn shorten(text: &str) -> String {
    let mut shortened = String::with_capacity(text.len());
    for character in text.chars() {
        if !character.is_ascii_digit() {
            shortened.push(character);
        } else if !shortened.ends_with('1') {
            shortened.push('1');
        }
    }
    shortened
}

/// Returns the hours and smaller units of a span, in nanoseconds.
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
    /// Writes ISO 8601 in the largest units: `PT90M` becomes `PT1H30M`, `P7D` becomes `P1W`.
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
    fn durations_of_one_kind_are_parsed_and_written() {
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
    fn invalid_lengths_are_refused() {
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
            ("P99999999999999999999D", InvalidInterval::TooLong),
            ("P19999Y", InvalidInterval::TooLong),
            ("P1043498W", InvalidInterval::TooLong),
            ("PT99999999999H", InvalidInterval::TooLong),
            ("-P19999Y", InvalidInterval::TooLong),
            ("P99999999999999999999H", InvalidInterval::NotADuration),
            ("PT0S", InvalidInterval::NotPositive),
            ("P0D", InvalidInterval::NotPositive),
            ("-P1D", InvalidInterval::NotPositive),
            ("-PT1H", InvalidInterval::NotPositive),
            ("PT0.0000001S", InvalidInterval::TooFine),
            ("PT1.0000005S", InvalidInterval::TooFine),
            ("PT0.0000000001S", InvalidInterval::TooFine),
            ("P1DT1H", InvalidInterval::Mixed),
            ("P1M1D", InvalidInterval::Mixed),
            ("P1Y1W", InvalidInterval::Mixed),
            ("P1MT1S", InvalidInterval::Mixed),
        ] {
            assert_eq!(Interval::parse(text), Err(expected), "{text}");
        }
    }
}
