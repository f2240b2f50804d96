//! Deletion of the readings of a device in a window.

use std::sync::Arc;
use std::time::{Duration, Instant};

use device_stats_domain::{Device, DeviceKey, Timestamp, Window};
use device_stats_segment::{Effort, Row, Segment};
use device_stats_store::{CutSegment, Deleted, Piece, PieceKey, SegmentEntry, StoreError};
use tracing::Instrument;

use crate::access::principal::Authorized;
use crate::error::ServiceError;
use crate::segments::whole_segment::read_segment;
use crate::service::{Service, ServiceParts};

/// Maximum number of attempts of a deletion. An attempt fails if the segments that the window cuts change in
/// the meantime: one is added by a seal, merged or deleted.
const ATTEMPTS_MAX: u32 = 12;
/// Pause before the second attempt. Each further pause is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(2);

impl Service {
    /// Deletes the readings of a device in a window, hot and sealed, and returns their number. Logs the
    /// deletion. Deleted readings can be appended again.
    ///
    /// # Errors
    /// [`StoreError::DeviceMissing`] if the device was deleted meanwhile;
    /// [`ServiceError::DeletionOvertaken`].
    pub async fn delete_readings(
        &self,
        device: Authorized<Device>,
        window: Window,
    ) -> Result<u64, ServiceError> {
        let parts = Arc::clone(&self.parts);
        // The deletion runs in its own task. If the caller is cancelled, the deletion is still completed and
        // logged.
        let deletion = async move { delete(&parts, &device, window).await };
        let deletion = tokio::spawn(deletion.in_current_span());
        deletion.await.map_err(|error| ServiceError::ComputationFailed(error.into()))?
    }
}

async fn delete(parts: &ServiceParts, device: &Device, window: Window) -> Result<u64, ServiceError> {
    let closed = |error: tokio::sync::AcquireError| ServiceError::ComputationFailed(error.into());
    let _permit = parts.deletion_permits.acquire().await.map_err(closed)?;
    let mut pause = FIRST_PAUSE;
    for attempt in 0..ATTEMPTS_MAX {
        if attempt > 0 {
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        if let Some(cut) = cut_segments(parts, device.key, window).await?
            && let Deleted::Done(readings) = parts.store.delete_readings(device.key, window, &cut).await?
        {
            let (from, until) = (moment(window.from_us), moment(window.until_us));
            let device_id = device.device_id.as_str();
            tracing::info!(device_id, device = device.key.0, from, until, readings, "deleted readings");
            if !cut.is_empty() {
                parts.backlog.add_segment(device.key, Instant::now());
            }
            return Ok(readings);
        }
    }
    Err(ServiceError::DeletionOvertaken)
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
