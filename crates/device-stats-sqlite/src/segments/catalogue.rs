//! Statements about the catalogue of segments.

use device_stats_domain::{DeviceKey, Window};
use device_stats_segment::{Head, Segment};
use device_stats_store::{SegmentEntry, SegmentId, StoreError};
use rusqlite::{Connection, OptionalExtension, Row};

use crate::database::errors::store_error;
use crate::segments::pieces;

const LIST: &str = "SELECT id, first_us, last_us, readings FROM segment
     WHERE device = ?1 AND last_us >= ?2 AND first_us < ?3 AND ?2 < ?3";

const LAST: &str = "SELECT id, first_us, last_us, readings FROM segment
     WHERE device = ?1 ORDER BY last_us DESC LIMIT 1";

fn entry(row: &Row<'_>) -> rusqlite::Result<SegmentEntry> {
    Ok(SegmentEntry {
        id: SegmentId(row.get(0)?),
        first_us: row.get(1)?,
        last_us: row.get(2)?,
        readings: row.get(3)?,
    })
}

/// Returns the segments of a device that touch the window, by ascending first time, then id.
pub(crate) fn list(
    connection: &Connection,
    device: DeviceKey,
    window: Window,
) -> Result<Vec<SegmentEntry>, StoreError> {
    let mut select = connection.prepare_cached(LIST).map_err(store_error)?;
    let entries = select.query_map((device.0, window.from_us, window.until_us), entry);
    let mut entries: Vec<_> = entries.and_then(Iterator::collect).map_err(store_error)?;
    // Sorting here is cheaper than in SQLite: an append lists the segments of each of its devices, and
    // usually finds none.
    entries.sort_unstable_by_key(|entry| (entry.first_us, entry.id));
    Ok(entries)
}

/// Returns the segment of a device with the latest last time.
pub(crate) fn find_last(
    connection: &Connection,
    device: DeviceKey,
) -> Result<Option<SegmentEntry>, StoreError> {
    let mut select = connection.prepare_cached(LAST).map_err(store_error)?;
    select.query_row([device.0], entry).optional().map_err(store_error)
}

/// Returns whether a segment exists and belongs to a device that exists.
pub(crate) fn has(
    connection: &Connection,
    device: DeviceKey,
    segment: SegmentId,
) -> Result<bool, StoreError> {
    let mut select = connection
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM segment JOIN devices ON devices.id = device
             WHERE segment.id = ?1 AND device = ?2)",
        )
        .map_err(store_error)?;
    select.query_row((segment.0, device.0), |row| row.get(0)).map_err(store_error)
}

/// Inserts a segment with its blocks.
///
/// # Errors
/// [`StoreError::DeviceMissing`].
pub(crate) fn insert(
    connection: &Connection,
    device: DeviceKey,
    segment: &Segment,
    head: &Head,
) -> Result<SegmentId, StoreError> {
    let mut insert = connection
        .prepare_cached(
            "INSERT INTO segment (device, first_us, last_us, readings, blocks, head)
             SELECT id, ?2, ?3, ?4, ?5, ?6 FROM devices WHERE id = ?1 RETURNING id",
        )
        .map_err(store_error)?;
    let blocks = i64::try_from(segment.blocks.len()).map_err(|error| StoreError::Broken(error.into()))?;
    let row = (device.0, head.first_us(), head.last_us(), head.readings(), blocks, &segment.head);
    let id = insert.query_row(row, |row| row.get(0).map(SegmentId)).optional().map_err(store_error)?;
    let id = id.ok_or(StoreError::DeviceMissing)?;
    pieces::insert(connection, id, &segment.blocks)?;
    Ok(id)
}

/// Deletes a segment. Triggers delete its blocks and its derived segment.
pub(crate) fn delete(connection: &Connection, segment: SegmentId) -> Result<(), StoreError> {
    let mut delete = connection.prepare_cached("DELETE FROM segment WHERE id = ?1").map_err(store_error)?;
    delete.execute([segment.0]).map(drop).map_err(store_error)
}

#[cfg(test)]
mod tests {
    use rusqlite::{Connection, params_from_iter};

    use crate::database::open::migrate;

    /// Each row contains the head of its segment, so a scan of the rows would read all heads.
    #[test]
    fn the_index_alone_finds_segments() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        migrate(&path).unwrap();
        let connection = Connection::open(&path).unwrap();
        for (statement, values, step) in
            [(super::LIST, &[1, 2, 3][..], "(device=? AND last_us>?)"), (super::LAST, &[1], "(device=?)")]
        {
            let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {statement}")).unwrap();
            let steps = plan.query_map(params_from_iter(values), |row| row.get::<_, String>(3)).unwrap();
            let step = format!("SEARCH segment USING COVERING INDEX segment_by_device {step}");
            assert_eq!(steps.collect::<Result<Vec<_>, _>>().unwrap(), [step]);
        }
    }
}
