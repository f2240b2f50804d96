//! Rows without a time. If other rows of the file have a time, a missing time is a fault, because the row
//! would otherwise be stored with the current time.

use device_stats_formats::file::{
    FileBatch, FileOptions, FileReader, FileRow, RowFault, RowNumbering, Target,
};

use super::faults::locate_row;
use super::sources::Source;

/// Treatment of rows without a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum MissingTimesPolicy {
    // These comments are no documentation, because clap would show the long form of the help for it.
    // Treats them as faulty if other rows of the file have a time.
    Refuse,
    // Stores them with the current time of the server.
    Now,
}

/// The rows of a file with and without a time.
pub(super) struct MissingTimes {
    is_checked: bool,
    /// Whether the file is a table of rejected rows. The rows that are not in it may have times.
    is_rejects: bool,
    /// Line or row number of the first row with a time.
    first_timed: Option<u64>,
    /// Whether the whole file has been searched for a row with a time.
    is_searched: bool,
}

impl MissingTimes {
    pub(super) fn new(policy: MissingTimesPolicy, reader: &FileReader) -> Self {
        let is_checked = policy == MissingTimesPolicy::Refuse && reader.may_have_times();
        Self { is_checked, is_rejects: reader.is_rejects(), first_timed: None, is_searched: false }
    }

    /// Rejects rows without a time if other rows of the file have one. Before the first row without a time is
    /// accepted, the whole file is searched for one.
    ///
    /// # Errors
    /// If the file cannot be searched.
    pub(super) fn check(
        &mut self,
        batch: &mut FileBatch,
        source: &Source,
        options: &FileOptions,
        numbering: RowNumbering,
    ) -> anyhow::Result<()> {
        let is_timed = |row: &FileRow| row.measurement.time.is_some();
        if !self.is_checked {
            return Ok(());
        }
        self.first_timed = self.first_timed.or_else(|| first_timed(batch));
        if batch.rows.iter().all(is_timed) {
            return Ok(());
        }
        if !self.is_rejects && self.first_timed.is_none() && !std::mem::replace(&mut self.is_searched, true) {
            self.first_timed = search(source, options)?;
        }
        let reason = if self.is_rejects {
            "the row has no time, and the other rows of its file may have one".to_owned()
        } else {
            let Some(timed) = self.first_timed else { return Ok(()) };
            let other = locate_row(source.path(), timed, numbering);
            format!("the row has no time, but the row at {other} has one")
        };
        let (timed, untimed): (Vec<_>, Vec<_>) =
            std::mem::take(&mut batch.rows).into_iter().partition(is_timed);
        batch.rows = timed;
        batch.rejected.extend(untimed.into_iter().map(|row| {
            let msg = format!("{reason}; to store such rows with the current time, add --missing-times now");
            row.reject(RowFault::of(Target::Timestamp, msg), options.decimal_mark)
        }));
        batch.rejected.sort_by_key(|row| row.position);
        Ok(())
    }
}

fn first_timed(batch: &FileBatch) -> Option<u64> {
    batch.rows.iter().find(|row| row.measurement.time.is_some()).map(|row| row.position.number)
}

/// Reads a file up to the first row with a time.
fn search(source: &Source, options: &FileOptions) -> anyhow::Result<Option<u64>> {
    let mut reader = source.open(options)?;
    while let Some(batch) = reader.next_batch()? {
        if let Some(timed) = first_timed(&batch) {
            return Ok(Some(timed));
        }
    }
    Ok(None)
}
