//! Appends the readings of keyed requests, and keeps the receipts in the same transaction.
//!
//! If several nodes get the same request, one node inserts its key. The other nodes wait at the unique index
//! for the end of that transaction. Then they start again and find the receipt.

use std::collections::HashMap;

use deadpool_postgres::{Client, Transaction};
use device_stats_domain::{DeviceKey, ReadingId, Timestamp};
use device_stats_store::limits::RECEIPTS_REMOVED_MAX;
use device_stats_store::{
    FinishedKeyedCall, FirstStored, KeyedCall, KeyedOutcome, KeyedReadings, Receipt, StoreError,
    StoredReceipt,
};
use tokio_postgres::Row;

use crate::database::columns::{column, count, fingerprint, time};
use crate::database::errors::Failure;
use crate::database::transactions::begin;
use crate::readings::append::append_in;

/// Maximum number of tries of a call that other calls overtake.
const TRIES_MAX: u32 = 8;

const FIND: &str =
    "SELECT key, fingerprint, stored, repeats, device, reading, time, conflicts FROM keyed_request
    WHERE key = ANY ($1) AND kept_until > $2";
/// Replaces an expired receipt that has not been deleted yet.
const KEEP: &str = "INSERT INTO keyed_request AS kept
        (key, fingerprint, kept_until, stored, repeats, device, reading, time, conflicts)
    SELECT * FROM unnest($1::text[], $2::bytea[], $3::bigint[], $4::bigint[], $5::bigint[],
        $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[])
    ON CONFLICT (key) DO UPDATE SET (fingerprint, kept_until, stored, repeats, device, reading, time, conflicts)
        = (excluded.fingerprint, excluded.kept_until, excluded.stored, excluded.repeats,
           excluded.device, excluded.reading, excluded.time, excluded.conflicts)
    WHERE kept.kept_until <= $10";
const DELETE_EXPIRED: &str = "DELETE FROM keyed_request WHERE key IN
    (SELECT key FROM keyed_request WHERE kept_until <= $1 ORDER BY kept_until LIMIT $2 FOR UPDATE SKIP LOCKED)";

/// Appends the readings of the new requests, and keeps their receipts.
pub(crate) async fn append_keyed(
    client: &mut Client,
    requests: &[KeyedReadings],
    now: Timestamp,
) -> Result<Vec<KeyedOutcome>, Failure> {
    for tries in 0..TRIES_MAX {
        match try_append(client, requests, now, tries).await {
            Err(Failure::Overtaken) => {}
            done => return done,
        }
    }
    Err(Failure::Overtaken)
}

async fn try_append(
    client: &mut Client,
    requests: &[KeyedReadings],
    now: Timestamp,
    tries: u32,
) -> Result<Vec<KeyedOutcome>, Failure> {
    let transaction = begin(client).await?;
    let stored = find(&transaction, requests, now).await?;
    let call = KeyedCall::new(requests, |key| Ok(stored.get(key.as_str()).copied()))?;
    let appended = append_in(&transaction, &call.new_readings(), tries).await?;
    let FinishedKeyedCall { outcomes, receipts } = call.finish(appended)?;
    if !receipts.is_empty() {
        keep(&transaction, receipts, now).await?;
    }
    transaction.commit().await.map_err(Failure::Committing)?;
    Ok(outcomes)
}

/// Returns the unexpired receipts of requests, by key.
async fn find(
    transaction: &Transaction<'_>,
    requests: &[KeyedReadings],
    now: Timestamp,
) -> Result<HashMap<String, StoredReceipt>, Failure> {
    let keys: Vec<&str> = requests.iter().map(|request| request.key.as_str()).collect();
    let find = transaction.prepare_cached(FIND).await?;
    let rows = transaction.query(&find, &[&keys, &now.micros()]).await?;
    let receipts = rows.iter().map(|row| Ok((column(row, 0)?, receipt(row)?)));
    Ok(receipts.collect::<Result<_, StoreError>>()?)
}

fn receipt(row: &Row) -> Result<StoredReceipt, StoreError> {
    let device: Option<i64> = column(row, 4)?;
    let first = device.map(|device| -> Result<FirstStored, StoreError> {
        Ok(FirstStored { device: DeviceKey(device), id: ReadingId(column(row, 5)?), time: time(row, 6)? })
    });
    let first = first.transpose()?;
    let (stored, repeats, conflicts) = (count(row, 2)?, count(row, 3)?, count(row, 7)?);
    let receipt = Receipt { stored, repeats, conflicts, first };
    Ok(StoredReceipt { fingerprint: fingerprint(row, 1)?, receipt })
}

/// Keeps receipts, and deletes expired ones.
async fn keep(
    transaction: &Transaction<'_>,
    mut receipts: Vec<(&KeyedReadings, Receipt)>,
    now: Timestamp,
) -> Result<(), Failure> {
    // All calls insert by ascending key, so no two wait for each other.
    receipts.sort_unstable_by(|(one, _), (other, _)| one.key.cmp(&other.key));
    let receipts = &*receipts;
    let keys = array(receipts, |request, _| request.key.as_str());
    let fingerprints = array(receipts, |request, _| request.fingerprint.as_slice());
    let ends = array(receipts, |request, _| request.kept_until.micros());
    let stored = array(receipts, |_, receipt| receipt.stored.cast_signed());
    let repeats = array(receipts, |_, receipt| receipt.repeats.cast_signed());
    let devices = array(receipts, |_, receipt| receipt.first.map(|first| first.device.0));
    let ids = array(receipts, |_, receipt| receipt.first.map(|first| first.id.0));
    let times = array(receipts, |_, receipt| receipt.first.map(|first| first.time.micros()));
    let conflicts = array(receipts, |_, receipt| receipt.conflicts.cast_signed());
    let now = now.micros();
    let keep = transaction.prepare_cached(KEEP).await?;
    let kept = transaction
        .execute(
            &keep,
            &[&keys, &fingerprints, &ends, &stored, &repeats, &devices, &ids, &times, &conflicts, &now],
        )
        .await?;
    if kept < receipts.len() as u64 {
        return Err(Failure::Overtaken);
    }
    let delete = transaction.prepare_cached(DELETE_EXPIRED).await?;
    transaction.execute(&delete, &[&now, &i64::from(RECEIPTS_REMOVED_MAX)]).await?;
    Ok(())
}

/// Returns one column of the receipts.
fn array<'a, T>(
    receipts: &'a [(&'a KeyedReadings, Receipt)],
    column: impl Fn(&'a KeyedReadings, &'a Receipt) -> T,
) -> Vec<T> {
    receipts.iter().map(|(request, receipt)| column(request, receipt)).collect()
}
