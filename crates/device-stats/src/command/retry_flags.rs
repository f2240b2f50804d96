//! The flag `--retry-for` of the commands that send or receive many readings.

use std::time::Duration;

use device_stats_client::RetryPolicy;
use jiff::SignedDuration;

/// The flag.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct RetryFlags {
    /// Retry for this time if the server is unreachable or out of capacity: 90s, 5m, 1h30m; 0 never retries
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = parse_duration)]
    retry_for: Duration,
}

impl RetryFlags {
    pub(super) fn policy(self) -> RetryPolicy {
        RetryPolicy::Outage(self.retry_for)
    }
}

/// Parses a duration such as `90s` or `1h30m`; a number without a unit counts seconds.
fn parse_duration(text: &str) -> Result<Duration, String> {
    if let Ok(seconds) = text.parse::<u32>() {
        return Ok(Duration::from_secs(seconds.into()));
    }
    let duration = text.parse().ok().and_then(|duration: SignedDuration| duration.try_into().ok());
    duration.ok_or_else(|| "not a duration; write 90s, 5m, 1h30m or a number of seconds".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_a_unit_or_counts_seconds() {
        for (text, seconds) in [
            ("0", 0),
            ("7", 7),
            ("90s", 90),
            ("5m", 300),
            ("2h", 7_200),
            ("4294967295h", 4_294_967_295 * 3_600),
            ("1h30m", 5_400),
            ("1h 30m", 5_400),
            ("1.5h", 5_400),
            ("5 m", 300),
            ("10 minutes", 600),
            ("PT1H", 3_600),
        ] {
            assert_eq!(parse_duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "m", "-1", "-1s", "1d", "5mm", "soon"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }
}
