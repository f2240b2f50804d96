//! Deletion of the readings of a device in a window.

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::{Duration, Instant};

use device_stats_domain::{Device, DeviceKey, Timestamp, Window};
use device_stats_segment::{Effort, Row, Segment};
use device_stats_store::{CutSegment, Deleted, Piece, PieceKey, SegmentEntry, StoreError};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{sleep, timeout};
use tracing::Instrument;

use crate::access::{Authorized, Manage};
use crate::error::ServiceError;
use crate::limits::{DELETION_ATTEMPTS_TIME, DELETION_WAIT_MAX};
use crate::segments::whole_segment::read_segment;
use crate::service::{Service, ServiceParts};

/// Pause before the second attempt of a deletion. Each further pause is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(2);

impl Service {
    /// Deletes the readings of a device in a window, hot and sealed, and returns their number. Logs the
    /// deletion. Deleted readings can be appended again.
    ///
    /// # Errors
    /// [`StoreError::DeviceMissing`] if the device was deleted meanwhile, or got another owner, so that the
    /// principal does not see it;
    /// [`ServiceError::TooManyDeletions`], [`ServiceError::DeletionOvertaken`].
    pub async fn delete_readings(
        &self,
        device: Authorized<Device, Manage>,
        window: Window,
    ) -> Result<u64, ServiceError> {
        let parts = Arc::clone(&self.parts);
        // The caller itself waits. If it is cancelled during the wait, nothing is deleted later.
        let permit = permit(&parts).await?;
        // The deletion runs in its own task. If the caller is cancelled, the deletion is still completed and
        // logged.
        let deletion = async move {
            let _permit = permit;
            delete(&parts, &device, window).await
        };
        let deletion = tokio::spawn(deletion.in_current_span());
        deletion.await.map_err(|error| ServiceError::ComputationFailed(error.into()))?
    }
}

/// Waits until a further deletion may run.
async fn permit(parts: &ServiceParts) -> Result<OwnedSemaphorePermit, ServiceError> {
    let permit = Arc::clone(&parts.deletion_permits).acquire_owned();
    let permit = timeout(DELETION_WAIT_MAX, permit).await.map_err(|_| ServiceError::TooManyDeletions)?;
    permit.map_err(|closed| ServiceError::ComputationFailed(closed.into()))
}

async fn delete(
    parts: &ServiceParts,
    device: &Authorized<Device, Manage>,
    window: Window,
) -> Result<u64, ServiceError> {
    let mut attempts = Attempts::start();
    loop {
        if let Some(readings) = attempt(parts, device, window).await? {
            return Ok(readings);
        }
        attempts.wait_for_next().await?;
    }
}

/// The times of the attempts of a deletion.
struct Attempts {
    started: tokio::time::Instant,
    pause: Duration,
}

impl Attempts {
    fn start() -> Self {
        Self { started: tokio::time::Instant::now(), pause: FIRST_PAUSE }
    }

    /// Waits after a failed attempt. The last attempt starts [`DELETION_ATTEMPTS_TIME`] after the first one
    /// at the latest.
    async fn wait_for_next(&mut self) -> Result<(), ServiceError> {
        let left = DELETION_ATTEMPTS_TIME.saturating_sub(self.started.elapsed());
        if left.is_zero() {
            return Err(ServiceError::DeletionOvertaken);
        }
        sleep(self.pause.min(left)).await;
        self.pause *= 2;
        Ok(())
    }
}

/// Tries to delete readings. Returns `None` if the segments that the window cuts have changed in the
/// meantime: one was added by a seal, merged or deleted.
async fn attempt(
    parts: &ServiceParts,
    device: &Authorized<Device, Manage>,
    window: Window,
) -> Result<Option<u64>, ServiceError> {
    let Some(cut) = cut_segments(parts, device.key, window).await? else { return Ok(None) };
    // The device may have got another owner during the waits.
    let (author, visible) = (device.granted().author(), device.granted().visible());
    let outcome = parts.store.delete_readings(&author, visible, device.key, window, &cut).await;
    note(parts, device, window, !cut.is_empty(), &outcome);
    match outcome? {
        Deleted::Done(readings) => Ok(Some(readings)),
        Deleted::Stale => Ok(None),
    }
}

/// Logs a deletion that has, or may have, taken place. If it has added segments, they can be merged.
fn note(
    parts: &ServiceParts,
    device: &Device,
    window: Window,
    has_cut: bool,
    outcome: &Result<Deleted, StoreError>,
) {
    let (from, until) = (moment(window.from_us), moment(window.until_us));
    let (device_id, key) = (device.device_id.as_str(), device.key.0);
    match outcome {
        Ok(Deleted::Done(readings)) => {
            tracing::info!(device_id, device = key, from, until, readings, "deleted readings");
        }
        Err(StoreError::OutcomeUnknown(_)) => {
            tracing::warn!(device_id, device = key, from, until, "readings may have been deleted or not");
        }
        Ok(Deleted::Stale) | Err(_) => return,
    }
    if has_cut {
        parts.backlog.add_segment(device.key, Instant::now());
    }
}

/// Returns an end of a window for the log.
fn moment(time_us: i64) -> String {
    Timestamp::from_micros(time_us).map_or_else(|_| "open".to_owned(), |time| time.to_string())
}

/// Reads the segments that the window cuts, one after the other, and encodes their readings outside the
/// window. Returns `None` if a segment no longer exists.
async fn cut_segments(
    parts: &ServiceParts,
    device: DeviceKey,
    window: Window,
) -> Result<Option<Vec<CutSegment>>, ServiceError> {
    let touching = parts.store.list_newest(device, window, 0).await?.segments;
    let mut cut = Vec::new();
    for entry in touching.into_iter().filter(|entry| !entry.is_inside(window)) {
        let Some(segment) = read_segment(parts.store.as_ref(), device, &entry).await? else {
            return Ok(None);
        };
        let rest = parts.compute.run_for_ingest(move || encode_rest(device, entry, &segment, window));
        let rest = rest.await.map_err(ServiceError::ComputationFailed)??;
        cut.push(CutSegment { id: entry.id, rest });
    }
    Ok(Some(cut))
}

/// Encodes the readings of a segment outside the window. Returns `None` if all readings are outside.
fn encode_rest(
    device: DeviceKey,
    entry: SegmentEntry,
    segment: &Segment,
    window: Window,
) -> Result<Option<Segment>, ServiceError> {
    let head = PieceKey { device, segment: entry.id, piece: Piece::Head };
    entry.open_head(&segment.head).map_err(|fault| head.corrupt(fault))?;
    let mut rows: Vec<Row> = segment.rows().map_err(|fault| head.corrupt(fault))?;
    let readings = rows.len();
    rows.retain(|row| row.time_us < window.from_us || window.until_us <= row.time_us);
    if rows.len() == readings {
        return Ok(None);
    }
    let rest = Segment::encode(&rows, Effort::Small);
    Ok(Some(rest.map_err(|error| StoreError::Broken(error.into()))?))
}
