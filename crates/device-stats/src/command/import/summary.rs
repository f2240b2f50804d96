//! The summary of an import.

use std::path::Path;
use std::time::Duration;

use super::faults::{FaultsFound, plural};
use super::sender::Stored;
use crate::command::progress::per_second;

/// The outcome of an import.
pub(super) enum Summary {
    /// Readings have been stored.
    Stored { stored: Stored, devices: usize, registered: usize, rejected: u64 },
    /// Nothing has been sent.
    DryRun { preview: String, rejected: u64 },
}

impl Summary {
    /// Returns the summary for people.
    pub(super) fn text(&self, elapsed: Duration) -> String {
        match self {
            Self::Stored { stored, devices, registered, rejected } => {
                let Stored { accepted, repeats } = stored;
                let (readings, seconds) = (stored.readings(), elapsed.as_secs_f64());
                let rate = per_second(readings, seconds);
                let rejected = rejected_text(*rejected);
                format!(
                    "{readings} readings: {accepted} accepted, {repeats} repeats{rejected}, in {seconds:.1} s ({rate:.0} \
                     readings/s); {devices} devices, {registered} registered\n"
                )
            }
            Self::DryRun { preview, rejected } => {
                format!("{preview}{}; nothing was sent\n", rejected_text(*rejected))
            }
        }
    }

    /// Checks that no row was rejected.
    ///
    /// # Errors
    /// [`FaultsFound`] with the number of rejected rows.
    pub(super) fn check_rejected(&self, file: Option<&Path>) -> anyhow::Result<()> {
        let (Self::Stored { rejected, .. } | Self::DryRun { rejected, .. }) = self;
        if *rejected == 0 {
            return Ok(());
        }
        let rows = plural(usize::try_from(*rejected).unwrap_or(usize::MAX), "row");
        let words = match file {
            Some(file) => format!("{rows} rejected; {} has the rows and their faults", file.display()),
            None => format!("{rows} rejected; write them to a file with --rejects FILE"),
        };
        Err(FaultsFound(words).into())
    }
}

fn rejected_text(rejected: u64) -> String {
    if rejected == 0 { String::new() } else { format!(", {rejected} rejected") }
}
