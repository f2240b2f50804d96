//! Sends batches, several at once.
//!
//! Two batches in flight never contain the same device with overlapping times. So of two rows with the same
//! device and time, the first one is stored, as if the batches were sent one after the other.
//!
//! A batch with a row without a time is sent alone. So a stopped import can continue without sending such a
//! row twice, and the times that the server gives ascend in the order of the rows.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use device_stats_client::{BatchOutcome, Client, ClientError, RequestFailure};
use device_stats_formats::file::{BODY_MEDIA_TYPE, RejectedRow, RowNumbering, encode_body};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::OnFault;
use super::batch::{Batch, TimeSpans, overlap};
use super::faults::report_server_faults;
use super::registration::{Devices, Owner};
use crate::command::plural::plural;
use crate::command::stop_signal::StopSignal;
use crate::limits::IMPORT_STOP_TIMEOUT;

/// Rejected rows of a file.
pub(super) type FileRejects = (Arc<Path>, Vec<RejectedRow>);

/// Numbers of stored readings.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Stored {
    pub(super) accepted: u64,
    pub(super) repeats: u64,
    /// Number of repeats with other values than the stored readings.
    pub(super) conflicts: u64,
    /// Number of readings that got the current time.
    pub(super) untimed: u64,
}

impl Stored {
    /// Returns the number of readings that the server has acknowledged.
    pub(super) fn readings(self) -> u64 {
        self.accepted + self.repeats
    }
}

/// Sends batches.
pub(super) struct Sender {
    client: Client,
    parallel: usize,
    on_fault: OnFault,
    devices: Devices,
    in_flight: JoinSet<Sent>,
    /// Time spans of the batches in flight, by the beginning of the batch.
    spans: HashMap<u64, TimeSpans>,
    /// How to continue if the request in flight is abandoned, if it has rows without a time.
    untimed: Option<UnknownOutcome>,
    stored: Stored,
    rejected: Vec<FileRejects>,
    /// Number of rows up to the end of the last batch that has been sent.
    end: u64,
    /// Number of rows before the first batch that is not stored.
    failed_at: Option<u64>,
}

/// The outcome of a batch.
struct Sent {
    begin: u64,
    file: Arc<Path>,
    rejected: Vec<RejectedRow>,
    stored: anyhow::Result<Stored>,
}

/// The error of an import if it is unknown whether rows without a timestamp are stored.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct UnknownOutcome(String);

impl Sender {
    /// `skipped` is the number of rows before the first batch.
    pub(super) fn new(client: Client, owner: Owner, parallel: u16, on_fault: OnFault, skipped: u64) -> Self {
        Self {
            client,
            parallel: parallel.into(),
            on_fault,
            devices: Devices::new(owner),
            in_flight: JoinSet::new(),
            spans: HashMap::new(),
            untimed: None,
            stored: Stored::default(),
            rejected: Vec::new(),
            end: skipped,
            failed_at: None,
        }
    }

    /// Sends a batch, after registering its devices. Returns before the response, if all rows have a time.
    ///
    /// # Errors
    /// If a device cannot be registered, or this batch or an earlier one is not stored.
    pub(super) async fn send(&mut self, batch: Batch) -> anyhow::Result<()> {
        let (begin, end) = (batch.begin, batch.end);
        if batch.rows.is_empty() {
            self.end = end;
            return Ok(());
        }
        if let Err(error) = self.devices.ensure(&self.client, batch.devices()).await {
            self.fail_at(begin);
            return Err(error);
        }
        let spans = batch.spans();
        let is_timed = batch.is_timed();
        while self.in_flight.len() >= self.parallel
            || !self.in_flight.is_empty()
                && (!is_timed || self.spans.values().any(|other| overlap(other, &spans)))
        {
            self.receive().await?;
        }
        self.end = end;
        self.spans.insert(begin, spans);
        self.untimed = (!is_timed).then(|| unknown_outcome(&batch));
        self.in_flight.spawn(post(self.client.clone(), batch, self.on_fault));
        if is_timed { Ok(()) } else { self.receive().await }
    }

    /// Waits for the responses to all batches in flight.
    ///
    /// # Errors
    /// If a batch is not stored: the error of the first one in the files.
    pub(super) async fn finish(&mut self) -> anyhow::Result<()> {
        let mut first: Option<(u64, anyhow::Error)> = None;
        while !self.in_flight.is_empty() {
            if let Err(error) = self.receive().await {
                let at = self.failed_at.unwrap_or(u64::MAX);
                if first.as_ref().is_none_or(|(earlier, _)| at < *earlier) {
                    first = Some((at, error));
                }
            }
        }
        first.map_or(Ok(()), |(_, error)| Err(error))
    }

    /// Waits a short time for the responses to the batches in flight, and abandons the others. Returns the
    /// error of an import that a signal has stopped.
    pub(super) async fn stop(&mut self, signal: StopSignal) -> anyhow::Error {
        let finished = tokio::time::timeout(IMPORT_STOP_TIMEOUT, self.finish()).await;
        self.in_flight.abort_all();
        if let Some(begin) = self.spans.keys().min() {
            self.fail_at(*begin);
        }
        let error = anyhow::Error::from(signal);
        match (finished, self.untimed.take()) {
            (_, Some(unknown)) => error.context(unknown),
            (Ok(Err(failed)), None) if failed.is::<UnknownOutcome>() => failed,
            // A refused batch is to be sent again, as an abandoned one.
            (Ok(_) | Err(_), None) => error,
        }
    }

    /// Waits for the next response.
    async fn receive(&mut self) -> anyhow::Result<()> {
        let Some(sent) = self.in_flight.join_next().await else { return Ok(()) };
        let Sent { begin, file, rejected, stored } = sent.context("a request was lost")?;
        self.spans.remove(&begin);
        self.untimed = None;
        if !rejected.is_empty() {
            self.rejected.push((file, rejected));
        }
        match stored {
            Ok(Stored { accepted, repeats, conflicts, untimed }) => {
                self.stored.accepted += accepted;
                self.stored.repeats += repeats;
                self.stored.conflicts += conflicts;
                self.stored.untimed += untimed;
                Ok(())
            }
            Err(error) => {
                self.fail_at(begin);
                Err(error)
            }
        }
    }

    fn fail_at(&mut self, begin: u64) {
        self.failed_at = Some(self.failed_at.map_or(begin, |earlier| earlier.min(begin)));
    }

    /// Returns the rows that the server has rejected since the last call.
    pub(super) fn take_rejected(&mut self) -> Vec<FileRejects> {
        std::mem::take(&mut self.rejected)
    }

    /// Returns the numbers of readings that are stored.
    pub(super) fn stored(&self) -> Stored {
        self.stored
    }

    /// Returns the number of devices with readings.
    pub(super) fn device_count(&self) -> usize {
        self.devices.count()
    }

    /// Returns the number of devices that have been registered.
    pub(super) fn registered_count(&self) -> usize {
        self.devices.registered()
    }

    /// Adds the number of stored rows and a description of how to continue to an error.
    pub(super) fn explain(&self, error: anyhow::Error) -> anyhow::Error {
        let Stored { accepted, repeats, .. } = self.stored;
        let sent = self.stored.readings();
        let is_stopped = error.chain().any(<dyn std::error::Error>::is::<StopSignal>);
        if sent == 0 && !is_stopped {
            return error;
        }
        let rest = if error.is::<UnknownOutcome>() {
            "the outcome of the rows after them is unknown".to_owned()
        } else {
            let next = self.failed_at.unwrap_or(self.end);
            format!(
                "continue with --skip {next} (rows with a timestamp may be sent again and count as repeats)"
            )
        };
        error.context(format!(
            "stopped after {}, which stay stored: {accepted} accepted, {}; {rest}",
            plural(sent, "reading"),
            plural(repeats, "repeat"),
        ))
    }
}

/// Sends a batch until it is stored or refused. With `OnFault::Skip`, removes the rows that the server
/// rejects and sends the other rows again, because nothing of a refused batch is stored.
async fn post(client: Client, mut batch: Batch, on_fault: OnFault) -> Sent {
    let (begin, file) = (batch.begin, Arc::clone(&batch.file));
    let is_timed = batch.is_timed();
    let mut rejected = Vec::new();
    let stored = loop {
        if batch.rows.is_empty() {
            break Ok(Stored::default());
        }
        let key = (!is_timed).then(|| Uuid::new_v4().to_string());
        let body = encode_body(&batch.rows);
        match client.append_batch(BODY_MEDIA_TYPE, body, key.as_deref()).await {
            Ok(BatchOutcome { accepted, duplicates: repeats, conflicts }) => {
                let untimed = batch.rows.iter().filter(|row| row.measurement.time.is_none()).count() as u64;
                break Ok(Stored { accepted, repeats, conflicts, untimed });
            }
            Err(RequestFailure { error: ClientError::Faulty(faults), is_outcome_unknown })
                if on_fault == OnFault::Skip && (is_timed || !is_outcome_unknown) =>
            {
                let rows = batch.reject(&faults);
                if rows.is_empty() {
                    break Err(describe(&batch, ClientError::Faulty(faults)));
                }
                rejected.extend(rows);
            }
            // A batch with faults may be stored, too: an earlier attempt stored it, the response was lost,
            // and then a device was deleted.
            Err(RequestFailure { error, is_outcome_unknown }) => {
                let error = describe(&batch, error);
                let is_unknown = is_outcome_unknown && !is_timed;
                break Err(if is_unknown { error.context(unknown_outcome(&batch)) } else { error });
            }
        }
    };
    Sent { begin, file, rejected, stored }
}

/// Prints the faults of a refused batch, and returns the error of the import.
fn describe(batch: &Batch, error: ClientError) -> anyhow::Error {
    match error {
        ClientError::Faulty(faults) => match report_server_faults(batch, &faults) {
            Ok(found) => found.into(),
            Err(error) => error,
        },
        error => error.into(),
    }
}

/// Describes how to continue after a batch whose outcome is unknown.
fn unknown_outcome(batch: &Batch) -> UnknownOutcome {
    let number = |row: Option<&device_stats_formats::file::FileRow>| row.map_or(0, |row| row.position.number);
    let (first, last) = (number(batch.rows.first()), number(batch.rows.last()));
    let places = match batch.numbering {
        RowNumbering::Lines => "lines",
        RowNumbering::Rows => "rows",
    };
    let (before, after) = (batch.begin, batch.end);
    UnknownOutcome(format!(
        "{places} {first} to {last} are either all stored or not at all; some have no timestamp, so sending them again \
         could store them twice; check whether they are stored, and continue with --skip {after} if they are, or with \
         --skip {before} if they are not"
    ))
}
