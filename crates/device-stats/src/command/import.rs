//! `device-stats import`: sends the readings of a file to a server in batches, and registers missing devices.

#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, anyhow, bail};
use device_stats_client::{Client, ClientError, Fault, Registration, RequestFailure};
use device_stats_formats::file::{FileBatch, FileReader, RowNumbering, TimedRows};
use uuid::Uuid;

use super::progress::{Progress, Unit, per_second};
use super::retry_flags::RetryFlags;
use super::stdout;

/// Arguments of `import`.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Read this file: .csv, .ndjson, .jsonl, .json, .arrows or .arrow, each also with .gz or .zst, or
    /// .parquet
    file: PathBuf,
    /// Skip this number of rows, to continue a stopped import
    #[arg(long, value_name = "ROWS", default_value_t = 0)]
    skip: u64,
    #[command(flatten)]
    retry: RetryFlags,
    /// Set the unit of numeric times [default: inferred, for 1990 to 2100 only]
    #[arg(long, value_name = "UNIT", value_parser = ["s", "ms", "us", "ns"])]
    precision: Option<String>,
    /// Refuse rows without a time if other rows have one, or store them with the current time
    #[arg(long, value_name = "CHOICE", default_value = "refuse")]
    missing_times: MissingTimes,
    /// Register missing devices for this user [default: without a user]
    #[arg(long, value_name = "NAME_OR_ID")]
    user: Option<String>,
    /// Register --user with this email address if it is missing
    #[arg(long, value_name = "ADDRESS", requires = "user")]
    email: Option<String>,
}

/// Treatment of rows without a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum MissingTimes {
    // These comments are no documentation, because clap would show the long form of the help for it.
    // Stops with an error.
    Refuse,
    // Stores them with the current time of the server.
    Now,
}

/// The error of an import that cannot find out whether rows without a timestamp are stored.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct UnknownOutcome(String);

/// An import in progress.
struct Import<'a> {
    client: Client,
    file: &'a Path,
    precision: Option<&'a str>,
    missing_times: MissingTimes,
    /// The first rows with and without a time, of all batches so far.
    timed_rows: TimedRows,
    /// Owner of new devices.
    user: Option<i64>,
    /// Devices that exist on the server.
    devices: HashSet<String>,
    registered: usize,
    /// Number of rows before the first sent row.
    skipped: u64,
    accepted: u64,
    repeats: u64,
    /// Number of repeats with other values than the stored readings.
    conflicts: u64,
}

/// Sends the readings of a file and prints a summary.
///
/// # Errors
/// If the file cannot be read, the server is unreachable, or it refuses a batch. Earlier batches stay stored.
pub(super) async fn import(arguments: &Arguments, url: &str) -> anyhow::Result<()> {
    let file = arguments.file.as_path();
    let started = Instant::now();
    let progress = Progress::new(Unit::Readings);
    let mut rows = FileReader::open(file, |file| Ok(Box::new(progress.track(file)?)))?;
    let row_count = rows.row_count();
    if let Some(count) = row_count {
        progress.expect(count);
    }
    let timed_rows = rows.skip(arguments.skip)?;
    let client = Client::new(url, arguments.retry.policy())?;
    let user = match &arguments.user {
        Some(user) => Some(find_or_create_user(&client, user, arguments.email.as_deref()).await?),
        None => None,
    };
    let mut import = Import {
        client,
        file,
        precision: arguments.precision.as_deref(),
        missing_times: arguments.missing_times,
        timed_rows,
        user,
        devices: HashSet::new(),
        registered: 0,
        skipped: arguments.skip,
        accepted: 0,
        repeats: 0,
        conflicts: 0,
    };
    loop {
        let sent = match rows.next_batch() {
            Ok(Some(batch)) => import.send(batch).await,
            Ok(None) => break,
            Err(error) => Err(error.into()),
        };
        if let Err(error) = sent {
            progress.finish();
            return Err(import.explain(error));
        }
        // For a file with an unknown number of rows, reading the file moves the bar.
        if row_count.is_some() {
            progress.set_position(import.next_row());
        }
        progress.set_amount(import.sent());
    }
    progress.finish();
    stdout::print(&import.summary(started.elapsed().as_secs_f64()))
}

/// Returns the id of a user. Registers the user if it is missing and an email address is given.
async fn find_or_create_user(client: &Client, user: &str, email: Option<&str>) -> anyhow::Result<i64> {
    if let Some(found) = client.find_user(user).await? {
        return Ok(found.id);
    }
    if user.parse::<i64>().is_ok() {
        bail!("there is no user with the id {user}");
    }
    let Some(email) = email else {
        bail!("there is no user {user:?}; to register the user, add --email ADDRESS");
    };
    let created = client.create_user(user, email).await;
    Ok(created.with_context(|| format!("the user {user:?} cannot be registered"))?.id)
}

impl Import<'_> {
    async fn send(&mut self, batch: FileBatch) -> anyhow::Result<()> {
        self.check_times(&batch)?;
        for device_id in &batch.device_ids {
            self.ensure_device(device_id).await?;
        }
        let FileBatch { content_type, body, row_numbers, numbering, timed_rows, .. } = batch;
        let all_timed = timed_rows.are_all_timed();
        let key = (!all_timed).then(|| Uuid::new_v4().to_string());
        let failure = match self.client.append_batch(content_type, body, self.precision, key.as_deref()).await
        {
            Ok(batch) => {
                self.accepted += batch.accepted;
                self.repeats += batch.duplicates;
                self.conflicts += batch.conflicts;
                return Ok(());
            }
            Err(failure) => failure,
        };
        let RequestFailure { error, is_outcome_unknown } = failure;
        let error = match error {
            ClientError::Faulty(faults) => self.report_faults(&faults, &row_numbers, numbering)?,
            error => error.into(),
        };
        // A batch with faults may be stored, too: an earlier attempt stored it, the response was lost, and
        // then a device was deleted.
        if is_outcome_unknown && !all_timed {
            return Err(error.context(self.unknown_outcome(&row_numbers, numbering)));
        }
        Err(error)
    }

    /// Refuses a batch if some rows of the file have a time and others have none, unless the user allows it.
    fn check_times(&mut self, batch: &FileBatch) -> anyhow::Result<()> {
        let TimedRows { first_timed, first_untimed, .. } = &mut self.timed_rows;
        *first_timed = first_timed.or(batch.timed_rows.first_timed);
        *first_untimed = first_untimed.or(batch.timed_rows.first_untimed);
        match (*first_timed, *first_untimed) {
            (Some(timed), Some(untimed)) if self.missing_times == MissingTimes::Refuse => {
                let at = |row| locate_row(self.file, row, batch.numbering);
                bail!(
                    "{}: timestamp: the row has no time, but the row at {} has one; to store such rows with the \
                     current time, add --missing-times now",
                    at(untimed),
                    at(timed)
                )
            }
            _ => Ok(()),
        }
    }

    /// Prints each fault with its location in the file, and returns the error of the import.
    fn report_faults(
        &self,
        faults: &[Fault],
        row_numbers: &[u64],
        numbering: RowNumbering,
    ) -> anyhow::Result<anyhow::Error> {
        let mut stderr = std::io::stderr().lock();
        for fault in faults {
            writeln!(stderr, "{}", locate_fault(fault, self.file, row_numbers, numbering))?;
        }
        let s = if faults.len() == 1 { "" } else { "s" };
        Ok(anyhow!("the server found {} fault{s} in {}", faults.len(), self.file.display()))
    }

    /// Describes how to continue after a batch whose outcome is unknown.
    fn unknown_outcome(&self, row_numbers: &[u64], numbering: RowNumbering) -> UnknownOutcome {
        let (Some(first), Some(last)) = (row_numbers.first(), row_numbers.last()) else {
            unreachable!("a batch has rows");
        };
        let places = match numbering {
            RowNumbering::Lines => "lines",
            RowNumbering::Rows => "rows",
        };
        let (before, after) = (self.next_row(), self.next_row() + row_numbers.len() as u64);
        UnknownOutcome(format!(
            "{places} {first} to {last} are either all stored or not at all; some have no timestamp, so sending them again \
             could store them twice; check whether they are stored, and continue with --skip {after} if they are, or with \
             --skip {before} if they are not"
        ))
    }

    /// Returns the number of readings that the server has acknowledged.
    fn sent(&self) -> u64 {
        self.accepted + self.repeats
    }

    /// Returns the number of rows in the file before the next batch.
    fn next_row(&self) -> u64 {
        self.skipped + self.sent()
    }

    /// Registers a device unless it exists.
    async fn ensure_device(&mut self, device_id: &str) -> anyhow::Result<()> {
        if self.devices.contains(device_id) {
            return Ok(());
        }
        match self.client.ensure_device(device_id, self.user).await {
            Ok(Registration::Created) => self.registered += 1,
            Ok(Registration::Existing) => {}
            // The device id is invalid. The server will refuse the batch with a fault that names the line.
            Err(ClientError::Faulty(_)) => return Ok(()),
            Err(error) => {
                return Err(error).with_context(|| format!("the device {device_id:?} cannot be registered"));
            }
        }
        self.devices.insert(device_id.to_owned());
        Ok(())
    }

    /// Adds the number of stored rows, and the way to continue, to an error.
    fn explain(&self, error: anyhow::Error) -> anyhow::Error {
        let Self { accepted, repeats, .. } = self;
        let sent = self.sent();
        if sent == 0 {
            return error;
        }
        let rest = if error.is::<UnknownOutcome>() {
            "the outcome of the rows after them is unknown".to_owned()
        } else {
            let next = self.next_row();
            format!(
                "continue with --skip {next} (rows with a timestamp may be sent again and count as repeats)"
            )
        };
        error.context(format!(
            "stopped after {sent} readings, which stay stored: {accepted} accepted, {repeats} repeats; {rest}"
        ))
    }

    fn summary(&self, seconds: f64) -> String {
        let Self { accepted, repeats, conflicts, registered, devices, .. } = self;
        let readings = self.sent();
        let rate = per_second(readings, seconds);
        format!(
            "{readings} readings: {accepted} accepted, {repeats} repeats, in {seconds:.1} s ({rate:.0} readings/s); \
             {} devices, {registered} registered\n{}",
            devices.len(),
            conflicts_note(*conflicts)
        )
    }
}

/// Returns a line about repeats with other values, or nothing if there are none.
fn conflicts_note(conflicts: u64) -> String {
    if conflicts == 0 {
        return String::new();
    }
    format!(
        "conflicts: {conflicts} (repeats with other values than the stored readings, which stay as they are)\n"
    )
}

/// Returns a fault with its location in the file.
fn locate_fault(fault: &Fault, file: &Path, row_numbers: &[u64], numbering: RowNumbering) -> String {
    let number = fault.row().and_then(|row| row_numbers.get(row));
    let (position, location) = match number {
        Some(number) => (locate_row(file, *number, numbering), fault.location(2)),
        None => (file.display().to_string(), fault.location(1)),
    };
    if location.is_empty() {
        format!("{position}: {}", fault.msg)
    } else {
        format!("{position}: {location}: {}", fault.msg)
    }
}

/// Returns the position of a row in the file.
fn locate_row(file: &Path, number: u64, numbering: RowNumbering) -> String {
    let file = file.display();
    match numbering {
        RowNumbering::Lines => format!("{file}:{number}"),
        RowNumbering::Rows => format!("{file}: row {number}"),
    }
}
