//! `device-stats import`: a file of readings, batch by batch, to a server. What is missing there is registered on the way.

mod elements;
mod file;
mod objects;
mod progress;
mod rows;
mod table;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, bail};

use crate::client::{Client, ClientError, Fault, Registered, Repeat};
use progress::Progress;
use rows::{Chunk, Rows};

/// What to import.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// File of readings with `device_id`, x, y, z and perhaps timestamp: CSV with a header (.csv), JSON objects one a
    /// line (.ndjson, .jsonl) or in an array (.json), each also compressed (.gz, .zst)
    file: PathBuf,
    /// Owner of the devices that are registered: an id, or a name
    #[arg(long, value_name = "NAME_OR_ID")]
    user: Option<String>,
    /// Registers the user under this address where there is no user of that name
    #[arg(long, value_name = "ADDRESS", requires = "user")]
    email: Option<String>,
}

/// An import under way.
struct Import<'a> {
    client: Client,
    file: &'a Path,
    user: Option<i64>,
    devices: HashSet<String>,
    registered: usize,
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
    let mut rows = Rows::open(file, &progress)?;
    let client = Client::new(url)?;
    let user = match &arguments.user {
        Some(user) => Some(find_or_create_user(&client, user, arguments.email.as_deref()).await?),
        None => None,
    };
    let mut import =
        Import { client, file, user, devices: HashSet::new(), registered: 0, accepted: 0, repeats: 0 };
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
    let created = created.with_context(|| format!("the user {user:?} cannot be registered"))?;
    Ok(created.id)
}

impl Import<'_> {
    async fn send(&mut self, chunk: Chunk) -> anyhow::Result<()> {
        for device_id in &chunk.device_ids {
            self.ensure_device(device_id).await?;
        }
        let repeat = if chunk.all_timed { Repeat::Safe } else { Repeat::Unsafe };
        match self.client.append_batch(chunk.content_type, chunk.body, repeat).await {
            Ok(batch) => {
                self.accepted += batch.accepted;
                self.repeats += batch.duplicates;
                Ok(())
            }
            Err(ClientError::Faulty(faults)) => {
                let mut stderr = std::io::stderr().lock();
                for fault in &faults {
                    writeln!(stderr, "{}", line_of(fault, self.file, &chunk.lines))?;
                }
                let s = if faults.len() == 1 { "" } else { "s" };
                bail!("the server found {} fault{s} in {}", faults.len(), self.file.display())
            }
            Err(error @ (ClientError::Unreachable { .. } | ClientError::Refused { .. }))
                if repeat == Repeat::Unsafe =>
            {
                let first = chunk.lines.first().copied().unwrap_or_default();
                let last = chunk.lines.last().copied().unwrap_or_default();
                Err(error).with_context(|| {
                    format!("lines {first} to {last}, of which some have no timestamp, may be stored or not")
                })
            }
            Err(error) => Err(error.into()),
        }
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
        match self.accepted + self.repeats {
            0 => error,
            sent => error.context(format!(
                "stopped after {sent} readings, which stay stored (those with a timestamp may be sent again: \
                 they count as repeats then)"
            )),
        }
    }

    fn summary(&self, seconds: f64) -> String {
        let Self { accepted, repeats, registered, devices, .. } = self;
        let readings = accepted + repeats;
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let rate = readings as f64 / seconds.max(f64::MIN_POSITIVE);
        format!(
            "{readings} readings: {accepted} accepted, {repeats} repeats, in {seconds:.1} s ({rate:.0} readings/s); \
             {} devices, {registered} registered\n",
            devices.len()
        )
    }
}

/// A fault of a batch, by the line of the file; `lines` are those of the batch.
fn line_of(fault: &Fault, file: &Path, lines: &[u64]) -> String {
    let file = file.display();
    let line = fault.row().and_then(|row| lines.get(row));
    let (at, place) = match line {
        Some(line) => (format!("{file}:{line}"), fault.place(2)),
        None => (file.to_string(), fault.place(1)),
    };
    if place.is_empty() { format!("{at}: {}", fault.msg) } else { format!("{at}: {place}: {}", fault.msg) }
}
