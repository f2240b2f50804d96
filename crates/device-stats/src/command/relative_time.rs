//! Times on the command line, relative to now or not.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use device_stats_domain::{RequestTime, Timestamp};
use jiff::{SignedDuration, Span, SpanRelativeTo};

/// A time on the command line: a duration such as `90d`, or a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RelativeTime {
    /// This time before or after now.
    Duration(SignedDuration),
    /// This moment.
    At(Timestamp),
}

impl RelativeTime {
    /// Parses a duration such as `90d`, in which a day has 24 hours, or a moment.
    ///
    /// # Errors
    /// The rule that the text breaks.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let days_are_24_hours = SpanRelativeTo::days_are_24_hours();
        let span = text.parse::<Span>().ok().and_then(|span| span.to_duration(days_are_24_hours).ok());
        if let Some(duration) = span {
            return if duration.is_positive() {
                Ok(Self::Duration(duration))
            } else {
                Err("the duration must be longer than zero".to_owned())
            };
        }
        // A number alone would be a time in 1970.
        let is_number = text.parse::<f64>().is_ok();
        let moment = RequestTime::parse(text).ok().and_then(|time| Timestamp::try_from(time).ok());
        moment
            .filter(|_| !is_number)
            .map(Self::At)
            .ok_or_else(|| "write a time such as 90d, 12h or 2027-01-31T00:00:00Z".to_owned())
    }

    /// Returns the moment, with a duration after now.
    ///
    /// # Errors
    /// If the moment is too late.
    pub(super) fn after_now(self) -> anyhow::Result<Timestamp> {
        self.moment(Duration::checked_add)
    }

    /// Returns the moment, with a duration before now.
    ///
    /// # Errors
    /// If the moment is before 1970.
    pub(super) fn before_now(self) -> anyhow::Result<Timestamp> {
        self.moment(Duration::checked_sub)
    }

    fn moment(self, relative: fn(Duration, Duration) -> Option<Duration>) -> anyhow::Result<Timestamp> {
        match self {
            Self::At(moment) => Ok(moment),
            Self::Duration(duration) => {
                let now = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock is before 1970")?;
                let moment = relative(now, duration.unsigned_abs()).context("the duration is too long")?;
                Ok(Timestamp::from_duration(moment))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_duration_or_a_moment() {
        for (text, hours) in [("90d", 90 * 24), ("12h", 12), ("1w", 7 * 24), ("P1D", 24), ("36 hours", 36)] {
            let expected = RelativeTime::Duration(SignedDuration::from_hours(hours));
            assert_eq!(RelativeTime::parse(text), Ok(expected), "{text}");
        }
        let moment = RelativeTime::parse("2027-01-31T00:00:00Z");
        assert!(matches!(moment, Ok(RelativeTime::At(at)) if at.to_string().starts_with("2027-01-31")));
        for text in ["", "soon", "0d", "-1d", "90", "1y"] {
            assert!(RelativeTime::parse(text).is_err(), "{text}: {:?}", RelativeTime::parse(text));
        }
    }

    #[test]
    fn a_duration_is_before_or_after_now() {
        let day = RelativeTime::parse("1d").unwrap();
        let (before, after) = (day.before_now().unwrap(), day.after_now().unwrap());
        let two_days_us = 2 * 24 * 3600 * 1_000_000;
        assert!((two_days_us..two_days_us + 60_000_000).contains(&(after.micros() - before.micros())));
        assert!(RelativeTime::parse("100w").unwrap().before_now().is_ok());
        assert!(RelativeTime::parse("100000w").unwrap().before_now().is_err());
    }
}
