//! How long `import` and `export` go on trying where the server cannot be reached or has no capacity left.

use std::time::Duration;

use device_stats_client::Patience;

/// The flag.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct Retrying {
    /// How long a request is made again where the server cannot be reached, breaks off, or has no capacity left, such as 90s,
    /// 5m or 1h; 0 for never
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = duration)]
    retry_for: Duration,
}

impl Retrying {
    /// The same for a client.
    pub(super) fn patience(self) -> Patience {
        Patience::Long(self.retry_for)
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    let (number, seconds) = match text.strip_suffix(['s', 'm', 'h']) {
        None => (text, 1),
        Some(number) if text.ends_with('h') => (number, 3_600),
        Some(number) if text.ends_with('m') => (number, 60),
        Some(number) => (number, 1),
    };
    let number: u32 =
        number.parse().map_err(|_| "should be a number of seconds, or end with s, m or h".to_owned())?;
    Ok(Duration::from_secs(u64::from(number) * seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_as_people_write_them() {
        for (text, seconds) in [("0", 0), ("7", 7), ("90s", 90), ("5m", 300), ("2h", 7_200)] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "m", "-1", "5 m", "1d", "1.5h", "5mm"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
