//! Statements about hot readings: what is read of them, and how they go when they are sealed.

use std::ops::RangeInclusive;

use device_stats_domain::{Axes, DeviceKey, Window};
use device_stats_segment::Row;
use device_stats_store::{HotDevice, StoreError};
use rusqlite::Connection;

use crate::errors::store_error;

/// What tells a hot reading of a device from any other that was ever stored: a later one may have the same time, after
/// the first one was deleted with its device, but never the same id.
pub(crate) type TimeAndId = (i64, i64);

fn row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    Ok(Row {
        time_us: row.get(0)?,
        id: row.get(1)?,
        values: Axes { x: row.get(2)?, y: row.get(3)?, z: row.get(4)? },
    })
}

/// The hot readings of a device inside the window.
pub(crate) fn inside(
    connection: &Connection,
    device: DeviceKey,
    window: Window,
) -> Result<Vec<Row>, StoreError> {
    let mut select = connection
        .prepare_cached(
            "SELECT time, id, x, y, z FROM reading WHERE device = ?1 AND time >= ?2 AND time < ?3",
        )
        .map_err(store_error)?;
    let rows = select.query_map((device.0, window.from_us, window.until_us), row);
    rows.and_then(Iterator::collect).map_err(store_error)
}

/// Whether a device has a hot reading inside the window.
pub(crate) fn has_any(
    connection: &Connection,
    device: DeviceKey,
    window: Window,
) -> Result<bool, StoreError> {
    let mut select = connection
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM reading WHERE device = ?1 AND time >= ?2 AND time < ?3)",
        )
        .map_err(store_error)?;
    select.query_row((device.0, window.from_us, window.until_us), |row| row.get(0)).map_err(store_error)
}

/// The `count` newest hot readings of a device inside the window, newest first.
pub(crate) fn newest(
    connection: &Connection,
    device: DeviceKey,
    window: Window,
    count: u64,
) -> Result<Vec<Row>, StoreError> {
    let mut select = connection
        .prepare_cached(
            "SELECT time, id, x, y, z FROM reading WHERE device = ?1 AND time >= ?2 AND time < ?3
             ORDER BY time DESC LIMIT ?4",
        )
        .map_err(store_error)?;
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    let rows = select.query_map((device.0, window.from_us, window.until_us, count), row);
    rows.and_then(Iterator::collect).map_err(store_error)
}

/// The `count` earliest hot readings of a device.
pub(crate) fn earliest(
    connection: &Connection,
    device: DeviceKey,
    count: u32,
) -> Result<Vec<Row>, StoreError> {
    let mut select = connection
        .prepare_cached("SELECT time, id, x, y, z FROM reading WHERE device = ?1 ORDER BY time LIMIT ?2")
        .map_err(store_error)?;
    let rows = select.query_map((device.0, count), row);
    rows.and_then(Iterator::collect).map_err(store_error)
}

/// All devices that have hot readings, by ascending key. Reads every page of the hot readings.
pub(crate) fn list(connection: &Connection) -> Result<Vec<HotDevice>, StoreError> {
    let mut select = connection
        .prepare_cached("SELECT device, count(*) FROM reading GROUP BY device ORDER BY device")
        .map_err(store_error)?;
    let devices = select.query_map([], |row| {
        let readings: i64 = row.get(1)?;
        Ok(HotDevice { device: DeviceKey(row.get(0)?), readings: readings.unsigned_abs() })
    });
    devices.and_then(Iterator::collect).map_err(store_error)
}

/// Looks for hot readings of a device, which ascend in time, and says from which time to which one there are no others
/// than those; `None` where one of them is missing. Late readings may lie between them.
pub(crate) fn find_runs(
    connection: &Connection,
    device: DeviceKey,
    wanted: &[TimeAndId],
) -> Result<Option<Vec<RangeInclusive<i64>>>, StoreError> {
    let (Some((first_us, _)), Some((last_us, _))) = (wanted.first(), wanted.last()) else {
        return Ok(Some(Vec::new()));
    };
    let mut select = connection
        .prepare_cached(
            "SELECT time, id FROM reading WHERE device = ?1 AND time BETWEEN ?2 AND ?3 ORDER BY time",
        )
        .map_err(store_error)?;
    let mut hot = select.query((device.0, first_us, last_us)).map_err(store_error)?;
    let mut wanted = wanted.iter().peekable();
    let (mut runs, mut run) = (Vec::new(), None);
    while let Some(row) = hot.next().map_err(store_error)? {
        let found: TimeAndId = (row.get(0).map_err(store_error)?, row.get(1).map_err(store_error)?);
        if wanted.next_if_eq(&&found).is_some() {
            run = Some((run.map_or(found.0, |(first, _)| first), found.0));
        } else {
            runs.extend(run.take());
        }
    }
    runs.extend(run);
    let is_complete = wanted.next().is_none();
    Ok(is_complete.then(|| runs.into_iter().map(|(first, last)| first..=last).collect()))
}

/// Removes all hot readings of a device in those spans of time.
pub(crate) fn remove(
    connection: &Connection,
    device: DeviceKey,
    runs: &[RangeInclusive<i64>],
) -> Result<(), StoreError> {
    let mut delete = connection
        .prepare_cached("DELETE FROM reading WHERE device = ?1 AND time BETWEEN ?2 AND ?3")
        .map_err(store_error)?;
    for run in runs {
        delete.execute((device.0, run.start(), run.end())).map_err(store_error)?;
    }
    Ok(())
}
