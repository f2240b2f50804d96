//! Parsers of numbers on the command line. The error of a refused text states the accepted numbers and their
//! unit; clap adds the name of the flag and the text.

use std::ops::RangeInclusive;

use device_stats_domain::ExpectedInterval;
use device_stats_domain::limits::EXPECTED_INTERVAL_MAX;

/// Returns a parser of whole numbers. `unit` is a plural, such as `rows`.
pub(super) fn whole<N: TryFrom<u64>>(
    unit: &'static str,
    range: RangeInclusive<u64>,
) -> impl Fn(&str) -> Result<N, String> + Clone + Send + Sync + 'static {
    move |text| {
        let number = text.parse().ok().filter(|number| range.contains(number));
        number.and_then(|number| N::try_from(number).ok()).ok_or_else(|| {
            let (low, high) = (range.start(), range.end());
            match (low, high) {
                (0, &u64::MAX) => format!("expected a whole number of {unit}"),
                (_, &u64::MAX) => format!("expected a whole number of {unit}, at least {low}"),
                _ => format!("expected a whole number of {unit} from {low} to {high}"),
            }
        })
    }
}

/// Parses a finite number.
pub(super) fn finite(text: &str) -> Result<f64, String> {
    let number = number(text).filter(|number| number.is_finite());
    number.ok_or_else(|| "expected a number with a decimal point, such as -0.25 or 1e3".to_owned())
}

/// Parses a percentile.
pub(super) fn percentile(text: &str) -> Result<f64, String> {
    let number = number(text).filter(|number| (0.0..=100.0).contains(number));
    number
        .ok_or_else(|| "expected percentiles from 0 to 100, separated by commas, such as 50,99.9".to_owned())
}

/// Returns a parser of positive rates, in readings per second.
pub(super) fn rate(rate_max: f64) -> impl Fn(&str) -> Result<f64, String> + Clone + Send + Sync + 'static {
    move |text| {
        let number = number(text).filter(|rate| *rate > 0.0 && *rate <= rate_max);
        number
            .ok_or_else(|| format!("expected a number of readings per second, above 0 and up to {rate_max}"))
    }
}

/// Parses the expected interval of a device, in seconds.
pub(super) fn expected_interval(text: &str) -> Result<f64, String> {
    let number = number(text).filter(|seconds| ExpectedInterval::from_seconds(*seconds).is_ok());
    number.ok_or_else(|| {
        let seconds_max = EXPECTED_INTERVAL_MAX.as_secs();
        format!("expected a number of seconds, above 0 and up to {seconds_max}")
    })
}

fn number(text: &str) -> Option<f64> {
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_number_lies_in_its_range() {
        assert_eq!(whole::<u16>("requests", 1..=64)("64"), Ok(64));
        assert_eq!(whole::<u64>("rows", 0..=u64::MAX)("18446744073709551615"), Ok(u64::MAX));
        for text in ["", "0", "65", "-1", "1.5", "1,000", "5k", "18446744073709551616"] {
            let expected = "expected a whole number of requests from 1 to 64";
            assert_eq!(whole::<u16>("requests", 1..=64)(text), Err(expected.to_owned()), "{text}");
        }
    }

    #[test]
    fn other_numbers_are_finite_and_in_their_range() {
        assert_eq!((finite("-0.25"), percentile("99.9"), rate(1e3)("0.5")), (Ok(-0.25), Ok(99.9), Ok(0.5)));
        for text in ["", "inf", "NaN", "1,5", "x"] {
            assert!(finite(text).is_err() && percentile(text).is_err() && rate(1e3)(text).is_err(), "{text}");
        }
        assert!(percentile("100.1").is_err() && percentile("-1").is_err());
        assert!(rate(1e3)("0").is_err() && rate(1e3)("1000.1").is_err());
        assert_eq!(expected_interval("0.5"), Ok(0.5));
        for text in ["", "0", "-1", "2678400.1", "NaN", "1m"] {
            let expected = "expected a number of seconds, above 0 and up to 2678400";
            assert_eq!(expected_interval(text), Err(expected.to_owned()), "{text}");
        }
    }
}
