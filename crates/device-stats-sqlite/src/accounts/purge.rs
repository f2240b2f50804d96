//! Statements that purge deleted devices: they delete the segments that a deleted device has left, slice by
//! slice. A large segment is deleted in several slices, because all writes wait for a slice. The deletion
//! itself has deleted the hot readings with one journal entry.

use device_stats_domain::DeviceKey;
use device_stats_store::limits::PURGED_SEGMENTS_MAX;
use device_stats_store::{Purged, SegmentId, StoreError};
use rusqlite::{Connection, OptionalExtension};

use crate::database::errors::store_error;
use crate::hot::HotView;
use crate::segments::catalogue;

/// Returns the first deleted device after the key `after` that has stored data.
pub(crate) fn find(connection: &Connection, after: DeviceKey) -> Result<Option<DeviceKey>, StoreError> {
    let mut select = connection
        .prepare_cached("SELECT min(device) FROM deleted_device WHERE device > ?1")
        .map_err(store_error)?;
    select
        .query_row([after.0], |row| row.get(0))
        .map(|device: Option<i64>| device.map(DeviceKey))
        .map_err(store_error)
}

/// Deletes a slice of a deleted device. Also removes entries that are no longer needed from the front of the
/// journal, because the next append may come late.
pub(crate) fn purge_slice(
    connection: &Connection,
    hot: &HotView,
    device: DeviceKey,
    readings_max: u32,
) -> Result<Purged, StoreError> {
    if !is_deleted(connection, device)? {
        return Ok(Purged::Nothing);
    }
    hot.tidy(connection)?;
    delete_slice(connection, device, readings_max.max(1))?;
    if has_segment(connection, device)? {
        return Ok(Purged::Part);
    }
    let mut delete =
        connection.prepare_cached("DELETE FROM deleted_device WHERE device = ?1").map_err(store_error)?;
    delete.execute([device.0]).map_err(store_error)?;
    Ok(Purged::All)
}

/// Returns whether a device is deleted and has stored data.
fn is_deleted(connection: &Connection, device: DeviceKey) -> Result<bool, StoreError> {
    let mut select =
        connection.prepare_cached("SELECT 1 FROM deleted_device WHERE device = ?1").map_err(store_error)?;
    select.exists([device.0]).map_err(store_error)
}

/// A segment of a deleted device.
struct LeftSegment {
    id: SegmentId,
    readings: u32,
    blocks: u32,
}

/// Deletes segments with up to `readings_max` readings in total, or a part of the first one if it has more.
fn delete_slice(connection: &Connection, device: DeviceKey, readings_max: u32) -> Result<(), StoreError> {
    let mut readings_left = readings_max;
    for segment in left_segments(connection, device)? {
        match readings_left.checked_sub(segment.readings) {
            // Triggers delete the blocks and the derived segment.
            Some(left) => {
                catalogue::delete(connection, segment.id)?;
                readings_left = left;
            }
            None if readings_left == readings_max => return delete_part(connection, &segment, readings_max),
            None => return Ok(()),
        }
    }
    Ok(())
}

fn left_segments(connection: &Connection, device: DeviceKey) -> Result<Vec<LeftSegment>, StoreError> {
    let mut select = connection
        .prepare_cached(
            "SELECT id, readings, blocks FROM segment WHERE device = ?1 ORDER BY last_us LIMIT ?2",
        )
        .map_err(store_error)?;
    let segments = select.query_map((device.0, PURGED_SEGMENTS_MAX), |row| {
        Ok(LeftSegment { id: SegmentId(row.get(0)?), readings: row.get(1)?, blocks: row.get(2)? })
    });
    segments.and_then(Iterator::collect).map_err(store_error)
}

/// Deletes the share of the blocks of a segment that has about `readings_max` readings. Deletes the segment
/// itself when no blocks are left.
fn delete_part(connection: &Connection, segment: &LeftSegment, readings_max: u32) -> Result<(), StoreError> {
    let LeftSegment { id, readings, blocks } = *segment;
    let share = u64::from(blocks) * u64::from(readings_max) / u64::from(readings.max(1));
    // A derived segment has fewer blocks than its segment, so it is not deleted later.
    let share = share.max(1).cast_signed();
    let mut deleted = 0;
    for table in ["segment_block", "derived_block"] {
        let delete = format!(
            "DELETE FROM {table} WHERE id IN (
                 SELECT id FROM {table} WHERE id BETWEEN ?1 << 16 AND (?1 << 16) + 65535 LIMIT ?2)"
        );
        let mut delete = connection.prepare_cached(&delete).map_err(store_error)?;
        deleted += delete.execute((id.0, share)).map_err(store_error)?;
    }
    if deleted == 0 { catalogue::delete(connection, id) } else { Ok(()) }
}

fn has_segment(connection: &Connection, device: DeviceKey) -> Result<bool, StoreError> {
    let mut select =
        connection.prepare_cached("SELECT 1 FROM segment WHERE device = ?1 LIMIT 1").map_err(store_error)?;
    Ok(select.query_row([device.0], |_| Ok(())).optional().map_err(store_error)?.is_some())
}
