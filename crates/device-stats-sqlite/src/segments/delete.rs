//! The transaction that deletes the readings of a window.

use device_stats_domain::{DeviceKey, Window};
use device_stats_store::{CutSegment, Deleted, DeletionPlan, StoreError};
use rusqlite::Connection;

use crate::accounts::devices;
use crate::hot::HotView;
use crate::journal::{self, Entry};
use crate::segments::catalogue;

/// Deletes the readings of a device in a window. A journal entry deletes the hot ones.
pub(crate) fn delete_readings(
    connection: &Connection,
    hot: &HotView,
    device: DeviceKey,
    window: Window,
    cut: &[CutSegment],
) -> Result<Deleted, StoreError> {
    devices::find_by_key(connection, device)?.ok_or(StoreError::DeviceMissing)?;
    let touching = catalogue::list(connection, device, window)?;
    // The caller commits also after `Stale`, so nothing has changed until here.
    let Some(plan) = DeletionPlan::new(&touching, window, cut)? else { return Ok(Deleted::Stale) };
    let times: Vec<i64> = hot.list(device, window)?.iter().map(|row| row.time_us).collect();
    let readings = plan.readings + times.len() as u64;
    if !times.is_empty() {
        // Tidying comes first, because it may carry forward readings that are deleted here.
        hot.tidy(connection)?;
        journal::write(connection, &Entry::Removed(device, times))?;
    }
    plan.deleted.into_iter().try_for_each(|id| catalogue::delete(connection, id))?;
    for (segment, head) in &plan.inserted {
        catalogue::insert(connection, device, segment, head)?;
    }
    Ok(Deleted::Done(readings))
}
