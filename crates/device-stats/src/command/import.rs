//! `device-stats import`: a file of readings, batch by batch, to a server. What is missing there is registered on the way.

#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, anyhow, bail};
use uuid::Uuid;

use super::progress::{Progress, per_second};
use super::retry_flags::Retrying;
use device_stats_client::{Client, ClientError, Fault, GivenUp, Registered};
use device_stats_formats::file::{Chunk, Place, Rows};

/// What to import.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// File of readings with `device_id`, x, y, z and perhaps timestamp: CSV with a header (.csv), JSON objects one a
    /// line (.ndjson, .jsonl) or in an array (.json), an Arrow IPC stream or file (.arrows, .arrow), each also compressed
    /// (.gz, .zst), or Parquet (.parquet)
    file: PathBuf,
    /// Leaves out that many rows at the beginning, to go on where an import has stopped
    #[arg(long, value_name = "ROWS", default_value_t = 0)]
    skip: u64,
    #[command(flatten)]
    retrying: Retrying,
    /// Owner of the devices that are registered: an id, or a name
    #[arg(long, value_name = "NAME_OR_ID")]
    user: Option<String>,
    /// Registers the user under this address where there is no user of that name
    #[arg(long, value_name = "ADDRESS", requires = "user")]
    email: Option<String>,
}

/// It is not known whether rows without a timestamp are stored, and nobody asks again.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Doubt(String);

/// An import under way.
struct Import<'a> {
    client: Client,
    file: &'a Path,
    user: Option<i64>,
    devices: HashSet<String>,
    registered: usize,
    /// Rows that were left out.
    skipped: u64,
    accepted: u64,
    repeats: u64,
}

/// Sends the readings of a file, and prints what became of them.
///
/// # Errors
/// Where the file cannot be read, there is no server, or it refuses. What was sent before stays.
pub(super) async fn import(arguments: &Arguments, url: &str) -> anyhow::Result<()> {
    let file = arguments.file.as_path();
    let started = Instant::now();
    let progress = Progress::new();
    let mut rows = Rows::open(file, |file| Ok(Box::new(progress.of(file)?)))?;
    if let Some(count) = rows.row_count() {
        progress.expect_rows(count);
    }
    rows.skip(arguments.skip)?;
    let client = Client::new(url, arguments.retrying.patience())?;
    let user = match &arguments.user {
        Some(user) => Some(find_or_create_user(&client, user, arguments.email.as_deref()).await?),
        None => None,
    };
    let (devices, skipped) = (HashSet::new(), arguments.skip);
    let mut import = Import { client, file, user, devices, registered: 0, skipped, accepted: 0, repeats: 0 };
    loop {
        let sent = match rows.next_chunk() {
            Ok(Some(chunk)) => import.send(chunk).await,
            Ok(None) => break,
            Err(error) => Err(error.into()),
        };
        if let Err(error) = sent {
            progress.finish();
            return Err(import.explain(error));
        }
        progress.advance(import.next_row(), import.sent());
    }
    progress.finish();
    super::print(&import.summary(started.elapsed().as_secs_f64()))
}

/// The id of the user; the user is registered where that is possible and needed.
async fn find_or_create_user(client: &Client, user: &str, email: Option<&str>) -> anyhow::Result<i64> {
    if let Some(found) = client.find_user(user).await? {
        return Ok(found.id);
    }
    if user.parse::<i64>().is_ok() {
        bail!("there is no user with the id {user}");
    }
    let Some(email) = email else {
        bail!("there is no user {user:?}; with --email ADDRESS one is registered");
    };
    let created = client.create_user(user, email).await;
    Ok(created.with_context(|| format!("the user {user:?} cannot be registered"))?.id)
}

impl Import<'_> {
    async fn send(&mut self, chunk: Chunk) -> anyhow::Result<()> {
        for device_id in &chunk.device_ids {
            self.ensure_device(device_id).await?;
        }
        let Chunk { content_type, body, lines, place, all_timed, .. } = chunk;
        let key = (!all_timed).then(|| Uuid::new_v4().to_string());
        match self.client.append_batch(content_type, body, key.as_deref()).await {
            Ok(batch) => {
                self.accepted += batch.accepted;
                self.repeats += batch.duplicates;
                Ok(())
            }
            Err(GivenUp { error: ClientError::Faulty(faults), may_be_done }) => {
                let mut stderr = std::io::stderr().lock();
                for fault in &faults {
                    writeln!(stderr, "{}", line_of(fault, self.file, &lines, place))?;
                }
                let s = if faults.len() == 1 { "" } else { "s" };
                let error = anyhow!("the server found {} fault{s} in {}", faults.len(), self.file.display());
                // Stored by an attempt whose answer was lost, before a device was deleted.
                let is_doubtful = may_be_done && !all_timed;
                Err(if is_doubtful { error.context(self.doubt(&lines, place)) } else { error })
            }
            Err(GivenUp { error, may_be_done: true }) if !all_timed => {
                Err(error).with_context(|| self.doubt(&lines, place))
            }
            Err(GivenUp { error, .. }) => Err(error.into()),
        }
    }

    /// What to do about rows without a timestamp of which it is unknown whether they are stored, and nobody asks again.
    fn doubt(&self, lines: &[u64], place: Place) -> Doubt {
        let first = lines.first().copied().unwrap_or_default();
        let last = lines.last().copied().unwrap_or_default();
        let places = match place {
            Place::Line => "lines",
            Place::Row => "rows",
        };
        let (before, behind) = (self.next_row(), self.next_row() + lines.len() as u64);
        Doubt(format!(
            "{places} {first} to {last}, of which some have no timestamp, are all stored or none is, and sent again they \
             would be there twice: look whether they are stored, then go on with --skip {behind} where they are, and with \
             --skip {before} where they are not"
        ))
    }

    /// How many readings the server has taken from this import.
    fn sent(&self) -> u64 {
        self.accepted + self.repeats
    }

    /// How many rows of the file lie before the next one to be sent.
    fn next_row(&self) -> u64 {
        self.skipped + self.sent()
    }

    /// Registers the device where it is missing and this has not been seen to yet.
    async fn ensure_device(&mut self, device_id: &str) -> anyhow::Result<()> {
        if self.devices.contains(device_id) {
            return Ok(());
        }
        match self.client.ensure_device(device_id, self.user).await {
            Ok(Registered::Now) => self.registered += 1,
            Ok(Registered::Before) => {}
            // No device can have that id: the batch is refused for it, and that tells the line.
            Err(ClientError::Faulty(_)) => return Ok(()),
            Err(error) => {
                return Err(error).with_context(|| format!("the device {device_id:?} cannot be registered"));
            }
        }
        self.devices.insert(device_id.to_owned());
        Ok(())
    }

    /// The error, and what it means for the rest.
    fn explain(&self, error: anyhow::Error) -> anyhow::Error {
        let Self { accepted, repeats, .. } = self;
        let rest = if error.is::<Doubt>() {
            "of the rows behind them it is not known whether they are stored".to_owned()
        } else {
            let next = self.next_row();
            format!(
                "--skip {next} goes on behind them (those with a timestamp may also be sent again: they count as repeats then)"
            )
        };
        match self.sent() {
            0 => error,
            sent => error.context(format!(
                "stopped after {sent} readings, which stay stored: {accepted} accepted, {repeats} repeats; {rest}"
            )),
        }
    }

    fn summary(&self, seconds: f64) -> String {
        let Self { accepted, repeats, registered, devices, .. } = self;
        let readings = self.sent();
        let rate = per_second(readings, seconds);
        format!(
            "{readings} readings: {accepted} accepted, {repeats} repeats, in {seconds:.1} s ({rate:.0} readings/s); \
             {} devices, {registered} registered\n",
            devices.len()
        )
    }
}

/// A fault of a batch, by its place in the file; `lines` are those of the batch.
fn line_of(fault: &Fault, file: &Path, lines: &[u64], place: Place) -> String {
    let file = file.display();
    let line = fault.row().and_then(|row| lines.get(row));
    let (at, path) = match (line, place) {
        (Some(line), Place::Line) => (format!("{file}:{line}"), fault.place(2)),
        (Some(row), Place::Row) => (format!("{file}: row {row}"), fault.place(2)),
        (None, _) => (file.to_string(), fault.place(1)),
    };
    if path.is_empty() { format!("{at}: {}", fault.msg) } else { format!("{at}: {path}: {}", fault.msg) }
}
