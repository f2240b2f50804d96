//! Statements that purge deleted devices: they delete the segments that a deleted device has left, slice by
//! slice. The deletion itself has deleted the hot readings with one journal entry.

use device_stats_domain::DeviceKey;
use device_stats_store::limits::PURGED_SEGMENTS_MAX;
use device_stats_store::{Purged, SegmentId, StoreError};
use rusqlite::{Connection, OptionalExtension};

use crate::database::errors::store_error;
use crate::hot::HotView;
use crate::segments::catalogue;

/// Returns the first deleted device that has stored data.
pub(crate) fn next(connection: &Connection) -> Result<Option<DeviceKey>, StoreError> {
    let mut select =
        connection.prepare_cached("SELECT min(device) FROM deleted_device").map_err(store_error)?;
    select
        .query_row([], |row| row.get(0))
        .map(|device: Option<i64>| device.map(DeviceKey))
        .map_err(store_error)
}

/// Deletes segments of the first deleted device. Triggers delete their blocks and derived segments. Also
/// removes entries that are no longer needed from the front of the journal, because nobody may append soon.
pub(crate) fn purge_slice(
    connection: &Connection,
    hot: &HotView,
    readings_max: u32,
) -> Result<Purged, StoreError> {
    let Some(device) = next(connection)? else { return Ok(Purged::Nothing) };
    hot.tidy(connection)?;
    for segment in slice(connection, device, readings_max)? {
        catalogue::delete(connection, segment)?;
    }
    if has_segment(connection, device)? {
        return Ok(Purged::Part(device));
    }
    let mut delete =
        connection.prepare_cached("DELETE FROM deleted_device WHERE device = ?1").map_err(store_error)?;
    delete.execute([device.0]).map_err(store_error)?;
    Ok(Purged::All(device))
}

/// Returns segments of a device with about `readings_max` readings, at least one.
fn slice(
    connection: &Connection,
    device: DeviceKey,
    readings_max: u32,
) -> Result<Vec<SegmentId>, StoreError> {
    let mut select = connection
        .prepare_cached("SELECT id, readings FROM segment WHERE device = ?1 ORDER BY last_us LIMIT ?2")
        .map_err(store_error)?;
    let segments = select.query_map((device.0, PURGED_SEGMENTS_MAX), |row| {
        Ok((SegmentId(row.get(0)?), row.get::<_, u32>(1)?))
    });
    let segments: Vec<_> = segments.and_then(Iterator::collect).map_err(store_error)?;
    let mut readings_before = 0_u64;
    let fits = segments.into_iter().take_while(|(_, readings)| {
        let is_below = readings_before < u64::from(readings_max.max(1));
        readings_before += u64::from(*readings);
        is_below
    });
    Ok(fits.map(|(segment, _)| segment).collect())
}

fn has_segment(connection: &Connection, device: DeviceKey) -> Result<bool, StoreError> {
    let mut select =
        connection.prepare_cached("SELECT 1 FROM segment WHERE device = ?1 LIMIT 1").map_err(store_error)?;
    Ok(select.query_row([device.0], |_| Ok(())).optional().map_err(store_error)?.is_some())
}
