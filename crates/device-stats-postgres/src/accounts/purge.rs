//! Statements that purge deleted devices: they delete the readings that a deleted device has left, slice by
//! slice.
//!
//! A slice claims its device with a lock that other callers skip, so several nodes purge different devices.
//! The device has no row any more, so nothing is inserted under it: each insertion locks that row first.

use deadpool_postgres::{Client, Transaction};
use device_stats_domain::DeviceKey;
use device_stats_store::Purged;
use device_stats_store::limits::PURGED_SEGMENTS_MAX;

use crate::database::columns::{column, each};
use crate::database::errors::Failure;
use crate::database::transactions::{UNLIMITED, begin};
use crate::segments::replace::{DELETE_BLOCKS, DELETE_LISTED};

const FIND: &str = "SELECT device FROM deleted_device WHERE device > $1 ORDER BY device LIMIT 1";
const CLAIM: &str = "SELECT 1 FROM deleted_device WHERE device = $1 FOR UPDATE SKIP LOCKED";
/// The rows are found by their place, so no plan can search the whole table for them.
const DELETE_ROWS: &str = "DELETE FROM reading WHERE ctid = ANY (ARRAY (
        SELECT ctid FROM reading WHERE device = $1 ORDER BY time LIMIT $2))";
/// Selects segments with about `$2` readings, at least one and at most `$3`.
const SLICE: &str = "SELECT id FROM (
        SELECT id, sum(readings) OVER (ORDER BY id) - readings AS earlier FROM (
            SELECT id, readings FROM segment WHERE device = $1 ORDER BY id LIMIT $3) AS next) AS running
    WHERE earlier < $2 ORDER BY id";
const HAS_SEGMENT: &str = "SELECT 1 FROM segment WHERE device = $1 LIMIT 1";
/// Deletes blocks whose segment was lost. A sound database has none.
const DELETE_STRAY_BLOCKS: &str = "DELETE FROM segment_block WHERE device = $1";
const DELETE_ARRIVALS: &str = "DELETE FROM arrival WHERE device = $1";
const FORGET: &str = "DELETE FROM deleted_device WHERE device = $1";

/// Returns the first deleted device after the key `after` that has stored data.
pub(crate) async fn find(client: &Client, after: DeviceKey) -> Result<Option<DeviceKey>, Failure> {
    let find = client.prepare_cached(FIND).await?;
    let found = client.query_opt(&find, &[&after.0]).await?;
    Ok(found.map(|row| column(&row, 0).map(DeviceKey)).transpose()?)
}

/// Deletes hot readings of a deleted device, or segments if it has no hot readings. Foreign keys delete the
/// derived segments.
pub(crate) async fn purge_slice(
    client: &mut Client,
    device: DeviceKey,
    readings_max: u32,
) -> Result<Purged, Failure> {
    let readings_max = i64::from(readings_max.max(1));
    let transaction = begin(client).await?;
    let claim = transaction.prepare_cached(CLAIM).await?;
    if transaction.query_opt(&claim, &[&device.0]).await?.is_none() {
        return Ok(Purged::Nothing);
    }
    // The slice is limited. On a slow disk, it may still take long.
    transaction.batch_execute(UNLIMITED).await?;
    let delete_rows = transaction.prepare_cached(DELETE_ROWS).await?;
    let rows = transaction.execute(&delete_rows, &[&device.0, &readings_max]).await?;
    let is_empty = rows == 0 && !delete_segments(&transaction, device, readings_max).await?;
    if is_empty {
        for delete in [DELETE_STRAY_BLOCKS, DELETE_ARRIVALS, FORGET] {
            let delete = transaction.prepare_cached(delete).await?;
            transaction.execute(&delete, &[&device.0]).await?;
        }
    }
    transaction.commit().await.map_err(Failure::Committing)?;
    Ok(if is_empty { Purged::All } else { Purged::Part })
}

/// Deletes segments with about `readings_max` readings. Returns whether the device has more segments.
async fn delete_segments(
    transaction: &Transaction<'_>,
    device: DeviceKey,
    readings_max: i64,
) -> Result<bool, Failure> {
    let select = transaction.prepare_cached(SLICE).await?;
    let segments_max = i64::from(PURGED_SEGMENTS_MAX);
    let segments = transaction.query(&select, &[&device.0, &readings_max, &segments_max]).await?;
    let segments: Vec<i64> = each(&segments, |row| column(row, 0))?;
    if segments.is_empty() {
        return Ok(false);
    }
    for delete in [DELETE_LISTED, DELETE_BLOCKS] {
        let delete = transaction.prepare_cached(delete).await?;
        transaction.execute(&delete, &[&device.0, &segments]).await?;
    }
    let has_segment = transaction.prepare_cached(HAS_SEGMENT).await?;
    Ok(transaction.query_opt(&has_segment, &[&device.0]).await?.is_some())
}
