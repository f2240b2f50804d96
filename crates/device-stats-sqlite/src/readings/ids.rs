//! Blocks of reading ids.

use std::ops::Range;

use device_stats_store::StoreError;
use rusqlite::Connection;

use crate::database::errors::store_error;

pub(crate) fn reserve(connection: &Connection, count: u32) -> Result<Range<i64>, StoreError> {
    let mut update = connection
        .prepare_cached("UPDATE id_block SET next = next + ?1 WHERE name = 'reading' RETURNING next")
        .map_err(store_error)?;
    let next: i64 = update.query_row([count], |row| row.get(0)).map_err(store_error)?;
    Ok(next - i64::from(count)..next)
}
