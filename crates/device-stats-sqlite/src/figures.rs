//! The sizes of the database. The number of segments and of their readings comes from an index, which is far
//! smaller than the segments. Their space is estimated from a part of them, because nothing in the catalogue
//! states it.

use std::path::{Path, PathBuf};

use device_stats_store::limits::SEGMENTS_MEASURED_MAX;
use device_stats_store::{StoreError, StoreFigures};
use rusqlite::{Connection, OptionalExtension, Row};

use crate::database::columns::count;
use crate::database::errors::store_error;

/// A segment whose space is measured.
struct Measured {
    id: i64,
    readings: u64,
    bytes: u64,
}

pub(crate) fn figures(connection: &Connection) -> Result<StoreFigures, StoreError> {
    let (segments, sealed_readings) = count_segments(connection).map_err(store_error)?;
    let segment_bytes = estimate_bytes(connection, segments, sealed_readings).map_err(store_error)?;
    let path = connection.path().map(PathBuf::from).unwrap_or_default();
    Ok(StoreFigures {
        database: "sqlite",
        version: rusqlite::version().to_owned(),
        segments,
        sealed_readings,
        segment_bytes,
        database_bytes: database_bytes(&path),
        free_bytes: free_bytes(&path),
    })
}

/// Returns the number of segments and of their readings.
fn count_segments(connection: &Connection) -> rusqlite::Result<(u64, u64)> {
    let mut select = connection.prepare_cached(
        "SELECT count(*), coalesce(sum(readings), 0) FROM segment INDEXED BY segment_by_device",
    )?;
    select.query_row([], |row| Ok((count(row, 0)?, count(row, 1)?)))
}

/// Measures the space of up to [`SEGMENTS_MEASURED_MAX`] segments, which are evenly distributed over all, and
/// multiplies the space of one of their readings by the number of all readings.
fn estimate_bytes(connection: &Connection, segments: u64, sealed_readings: u64) -> rusqlite::Result<u64> {
    let (mut after, mut readings, mut bytes) = (0, 0_u64, 0_u64);
    let ids = connection
        .prepare_cached("SELECT coalesce(min(id), 0), coalesce(max(id), 0) FROM segment")?
        .query_row([], |row| Ok([row.get::<_, i64>(0)?, row.get(1)?]))?;
    let measured_max = u64::from(SEGMENTS_MEASURED_MAX);
    // A step of 0 visits all segments.
    let step = if segments > measured_max { (ids[1] - ids[0]) / i64::from(SEGMENTS_MEASURED_MAX) } else { 0 };
    for _ in 0..SEGMENTS_MEASURED_MAX {
        let Some(measured) = measure_next(connection, after)? else { break };
        readings += measured.readings;
        bytes += measured.bytes;
        after = measured.id + step;
    }
    let estimate = u128::from(bytes) * u128::from(sealed_readings) / u128::from(readings.max(1));
    Ok(u64::try_from(estimate).unwrap_or(u64::MAX))
}

/// Measures the space of the first segment after an id. The lengths of its parts are in their rows, so their
/// content is not read.
fn measure_next(connection: &Connection, after: i64) -> rusqlite::Result<Option<Measured>> {
    let mut select = connection.prepare_cached(
        "SELECT id, readings, length(head) + coalesce((
             SELECT sum(length(bytes)) FROM segment_block
             WHERE segment_block.id BETWEEN segment.id << 16 AND (segment.id << 16) + 65535), 0)
         FROM segment WHERE id > ? ORDER BY id LIMIT 1",
    )?;
    let measured =
        |row: &Row<'_>| Ok(Measured { id: row.get(0)?, readings: count(row, 1)?, bytes: count(row, 2)? });
    select.query_row([after], measured).optional()
}

/// Returns the size of the main file and of the write-ahead log; 0 for a file that cannot be found.
fn database_bytes(path: &Path) -> u64 {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    [path, Path::new(&log)].iter().filter_map(|path| path.metadata().ok()).map(|file| file.len()).sum()
}

/// Returns the space that the file system has for the database.
fn free_bytes(path: &Path) -> Option<u64> {
    let found = rustix::fs::statvfs(path).ok()?;
    found.f_bavail.checked_mul(found.f_frsize)
}
