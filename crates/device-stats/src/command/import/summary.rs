//! The summary of an import.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::faults::FaultsFound;
use super::preview::Preview;
use super::sender::Stored;
use crate::command::plural::plural;
use crate::command::progress::per_second;
use crate::command::results;
use crate::settings::OutputForm;

/// The outcome of an import.
pub(super) enum Summary {
    /// Readings have been stored.
    Stored { stored: Stored, devices: usize, registered: usize, rejected: u64 },
    /// Nothing has been sent.
    DryRun { preview: Preview, rejected: u64 },
}

impl Summary {
    /// Prints the summary.
    ///
    /// # Errors
    /// If stdout cannot be written.
    pub(super) fn print(&self, form: OutputForm, elapsed: Duration) -> anyhow::Result<()> {
        let seconds = elapsed.as_secs_f64();
        results::print(form, &self.json(seconds), || Ok(self.text(seconds)))
    }

    fn text(&self, seconds: f64) -> String {
        match self {
            Self::Stored { stored, devices, registered, rejected } => {
                let Stored { accepted, repeats, conflicts, untimed } = stored;
                let readings = stored.readings();
                let rate = per_second(readings, seconds);
                let (readings, repeats) = (plural(readings, "reading"), plural(*repeats, "repeat"));
                let (rejected, devices) = (rejected_text(*rejected), plural(*devices, "device"));
                format!(
                    "{readings}: {accepted} accepted, {repeats}{rejected}, in {seconds:.1} s ({rate:.0} readings/s); \
                     {devices}, {registered} registered\n{}",
                    [conflicts_note(*conflicts), untimed_note(*untimed)].concat()
                )
            }
            Self::DryRun { preview, rejected } => {
                format!("{}{}; nothing was sent\n", preview.text(), rejected_text(*rejected))
            }
        }
    }

    /// Returns the summary with the names of the HTTP interface.
    fn json(&self, seconds: f64) -> Value {
        match self {
            Self::Stored {
                stored: Stored { accepted, repeats, conflicts, untimed },
                devices,
                registered,
                rejected,
            } => {
                json!({
                    "accepted": accepted, "duplicates": repeats, "conflicts": conflicts, "rejected": rejected,
                    "untimed": untimed, "devices": devices, "registered": registered, "seconds": seconds,
                })
            }
            Self::DryRun { preview, rejected } => {
                json!({ "dry_run": true, "rejected": rejected, "devices": preview.json() })
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
        let rows = plural(*rejected, "row");
        let words = match file {
            Some(file) => format!("{rows} rejected; {} has the rows and their faults", file.display()),
            None => format!("{rows} rejected; write them to a file with --rejects FILE"),
        };
        Err(FaultsFound(words).into())
    }
}

/// Returns a line about conflicts; empty if there are none.
fn conflicts_note(conflicts: u64) -> String {
    if conflicts == 0 {
        return String::new();
    }
    format!(
        "conflicts: {conflicts} (repeats with other values than the stored readings, which stay as they are)\n"
    )
}

/// Returns a line about readings without a time; empty if there are none.
fn untimed_note(untimed: u64) -> String {
    if untimed == 0 {
        return String::new();
    }
    let readings = plural(usize::try_from(untimed).unwrap_or(usize::MAX), "reading");
    format!("{readings} without a time: stored with the current time\n")
}

fn rejected_text(rejected: u64) -> String {
    if rejected == 0 { String::new() } else { format!(", {rejected} rejected") }
}
