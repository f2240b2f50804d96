//! The flags of a period, with the words of the HTTP interface.

use device_stats_client::Period;

/// The flags of a period. The server parses the times.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct PeriodFlags {
    /// Start with this time, inclusive, for example 2026-11-23T10:00:00Z [default: first reading]
    #[arg(long, value_name = "TIME", visible_alias = "from")]
    start_time: Option<String>,
    /// End with this time, inclusive [default: last reading]
    #[arg(long, value_name = "TIME", conflicts_with = "until")]
    end_time: Option<String>,
    /// End before this time, instead of --end-time
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
}

impl PeriodFlags {
    /// Returns the period.
    pub(super) fn period(&self) -> Period {
        Period {
            start_time: self.start_time.clone(),
            end_time: self.end_time.clone(),
            until: self.until.clone(),
        }
    }

    /// Returns whether the period has neither a start nor an end.
    pub(super) fn is_unbounded(&self) -> bool {
        self.start_time.is_none() && self.end_time.is_none() && self.until.is_none()
    }
}
