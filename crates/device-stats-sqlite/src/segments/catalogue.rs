//! Statements about the catalogue of segments: which ones a device has, and how one comes and goes.

use device_stats_domain::{DeviceKey, Window};
use device_stats_segment::{Head, Segment};
use device_stats_store::{SegmentEntry, SegmentId, StoreError};
use rusqlite::{Connection, Row};

use crate::database::errors::{is_missing_parent, store_error};
use crate::segments::pieces;

const TOUCHING: &str = "SELECT id, first_us, last_us, readings FROM segment
     WHERE device = ?1 AND last_us >= ?2 AND first_us < ?3 AND ?2 < ?3";

fn entry(row: &Row<'_>) -> rusqlite::Result<SegmentEntry> {
    Ok(SegmentEntry {
        id: SegmentId(row.get(0)?),
        first_us: row.get(1)?,
        last_us: row.get(2)?,
        readings: row.get(3)?,
    })
}

/// The segments of a device whose span touches the window, by ascending first time, then id.
pub(crate) fn touching(
    connection: &Connection,
    device: DeviceKey,
    window: Window,
) -> Result<Vec<SegmentEntry>, StoreError> {
    let mut select = connection.prepare_cached(TOUCHING).map_err(store_error)?;
    let entries = select.query_map((device.0, window.from_us, window.until_us), entry);
    let mut entries: Vec<_> = entries.and_then(Iterator::collect).map_err(store_error)?;
    // Cheaper than to have SQLite set a sorter up: an append asks for each of its devices, and mostly finds none.
    entries.sort_unstable_by_key(|entry| (entry.first_us, entry.id));
    Ok(entries)
}

/// Whether a device has that segment.
pub(crate) fn has(
    connection: &Connection,
    device: DeviceKey,
    segment: SegmentId,
) -> Result<bool, StoreError> {
    let mut select = connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM segment WHERE id = ?1 AND device = ?2)")
        .map_err(store_error)?;
    select.query_row((segment.0, device.0), |row| row.get(0)).map_err(store_error)
}

/// Adds a segment, whose head has been opened.
///
/// # Errors
/// [`StoreError::DeviceMissing`] where there is no such device.
pub(crate) fn insert(
    connection: &Connection,
    device: DeviceKey,
    segment: &Segment,
    head: &Head,
) -> Result<SegmentId, StoreError> {
    let mut insert = connection
        .prepare_cached(
            "INSERT INTO segment (device, first_us, last_us, readings, blocks, head)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6) RETURNING id",
        )
        .map_err(store_error)?;
    let blocks = i64::try_from(segment.blocks.len()).unwrap_or(i64::MAX);
    let row = (device.0, head.first_us(), head.last_us(), head.readings(), blocks, &segment.head);
    let id = insert.query_row(row, |row| row.get(0).map(SegmentId)).map_err(|error| {
        if is_missing_parent(&error) { StoreError::DeviceMissing } else { store_error(error) }
    })?;
    pieces::insert(connection, id, &segment.blocks)?;
    Ok(id)
}

/// Removes a segment that is there; its blocks go along by a trigger.
pub(crate) fn remove(connection: &Connection, segment: SegmentId) -> Result<(), StoreError> {
    let mut delete = connection.prepare_cached("DELETE FROM segment WHERE id = ?1").map_err(store_error)?;
    delete.execute([segment.0]).map(drop).map_err(store_error)
}

#[cfg(test)]
mod tests {
    use crate::SqliteStore;
    use crate::database::errors::store_error;

    /// A row is as long as its head: to look into the rows would be to read the heads.
    #[tokio::test]
    async fn the_index_alone_tells_which_segments_touch_a_window() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("a.db"), true).unwrap();
        let plan = store.connections.read(|connection| {
            let plan = format!("EXPLAIN QUERY PLAN {}", super::TOUCHING);
            let mut plan = connection.prepare(&plan).map_err(store_error)?;
            let steps = plan.query_map((1, 2, 3), |row| row.get::<_, String>(3));
            steps.and_then(Iterator::collect::<Result<Vec<_>, _>>).map_err(store_error)
        });
        let step = "SEARCH segment USING COVERING INDEX segment_by_device (device=? AND last_us>?)";
        assert_eq!(plan.await.unwrap(), [step]);
    }
}
