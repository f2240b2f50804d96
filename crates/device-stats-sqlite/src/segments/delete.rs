//! The transaction that deletes the readings of a window.

use device_stats_domain::{DeviceKey, Window};
use device_stats_store::{CutSegment, Deleted, DeletionPlan, StoreError, Visibility};
use rusqlite::Connection;

use crate::accounts::devices;
use crate::hot::HotView;
use crate::journal::{self, Entry};
use crate::segments::catalogue;

/// Deletes the readings of a device in a window. A journal entry deletes the hot ones. It is also written if
/// all of them are sealed, so that a repair of the journal does not make them hot again.
pub(crate) fn delete_readings(
    connection: &Connection,
    hot: &HotView,
    visible: Visibility,
    device: DeviceKey,
    window: Window,
    cut: &[CutSegment],
) -> Result<Deleted, StoreError> {
    devices::check(connection, visible, device, None)?;
    let touching = catalogue::list(connection, device, window)?;
    // The caller commits also after `Stale`, so nothing has changed until here.
    let Some(plan) = DeletionPlan::new(&touching, window, cut)? else { return Ok(Deleted::Stale) };
    let readings = plan.readings + hot.list(device, window)?.len() as u64;
    if readings > 0 {
        // Tidying comes first, because it may carry forward readings that are deleted here.
        hot.tidy(connection)?;
        journal::write(connection, &Entry::Cleared(device, window))?;
    }
    plan.deleted.into_iter().try_for_each(|id| catalogue::delete(connection, id))?;
    for (segment, head) in &plan.inserted {
        catalogue::insert(connection, device, segment, head)?;
    }
    Ok(Deleted::Done(readings))
}
