//! Appends the readings of keyed requests, and keeps the receipts in the same transaction.

use device_stats_domain::{DeviceKey, IdempotencyKey, ReadingId, Timestamp};
use device_stats_store::limits::RECEIPTS_REMOVED_MAX;
use device_stats_store::{
    FinishedKeyedCall, FirstStored, KeyedCall, KeyedOutcome, KeyedReadings, Receipt, StoreError,
    StoredReceipt,
};
use rusqlite::{CachedStatement, Connection, OptionalExtension, Row};

use crate::database::columns::{count, time};
use crate::database::errors::store_error;
use crate::hot::HotView;
use crate::readings::append::append;

const DELETE_EXPIRED: &str = "DELETE FROM keyed_request WHERE key IN
    (SELECT key FROM keyed_request WHERE kept_until <= ?1 ORDER BY kept_until LIMIT ?2)";
const FIND: &str = "SELECT fingerprint, stored, repeats, device, reading, time, conflicts FROM keyed_request
    WHERE key = ?1 AND kept_until > ?2";
/// Replaces an expired receipt that has not been deleted yet.
const KEEP: &str = "INSERT OR REPLACE INTO keyed_request
    (key, fingerprint, kept_until, stored, repeats, device, reading, time, conflicts)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";

/// Appends the readings of the new requests, and keeps their receipts.
pub(crate) fn append_keyed(
    connection: &Connection,
    hot: &HotView,
    requests: &[KeyedReadings],
    now: Timestamp,
) -> Result<Vec<KeyedOutcome>, StoreError> {
    let mut find_receipt = connection.prepare_cached(FIND).map_err(store_error)?;
    let call = KeyedCall::new(requests, |key| find(&mut find_receipt, key, now))?;
    let appended = append(connection, hot, &call.new_readings())?;
    let FinishedKeyedCall { outcomes, receipts } = call.finish(appended)?;
    let mut keep = connection.prepare_cached(KEEP).map_err(store_error)?;
    for (KeyedReadings { key, fingerprint, kept_until, .. }, receipt) in receipts {
        let Receipt { stored, repeats, conflicts, first } = receipt;
        keep.execute((
            key.as_str(),
            fingerprint,
            kept_until.micros(),
            stored.cast_signed(),
            repeats.cast_signed(),
            first.map(|first| first.device.0),
            first.map(|first| first.id.0),
            first.map(|first| first.time.micros()),
            conflicts.cast_signed(),
        ))
        .map_err(store_error)?;
    }
    let mut delete = connection.prepare_cached(DELETE_EXPIRED).map_err(store_error)?;
    delete.execute((now.micros(), RECEIPTS_REMOVED_MAX)).map_err(store_error)?;
    Ok(outcomes)
}

/// Returns the unexpired receipt of a key, if there is one.
fn find(
    select: &mut CachedStatement<'_>,
    key: &IdempotencyKey,
    now: Timestamp,
) -> Result<Option<StoredReceipt>, StoreError> {
    select.query_row((key.as_str(), now.micros()), receipt).optional().map_err(store_error)
}

fn receipt(row: &Row<'_>) -> rusqlite::Result<StoredReceipt> {
    let device: Option<i64> = row.get(3)?;
    let first = device.map(|device| -> rusqlite::Result<FirstStored> {
        Ok(FirstStored { device: DeviceKey(device), id: ReadingId(row.get(4)?), time: time(row, 5)? })
    });
    let first = first.transpose()?;
    let (stored, repeats, conflicts) = (count(row, 1)?, count(row, 2)?, count(row, 6)?);
    let receipt = Receipt { stored, repeats, conflicts, first };
    Ok(StoredReceipt { fingerprint: row.get(0)?, receipt })
}
