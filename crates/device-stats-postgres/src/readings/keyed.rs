//! Appends the readings of keyed requests, and keeps the receipts in the same transaction.
//!
//! If several nodes get the same request, one node inserts its key. The other nodes wait at the unique index
//! for the end of that transaction. Then they start again and find the receipt.
//!
//! Receipts expire by the clock of the database, so that a node whose clock is wrong does not end the
//! receipts of all nodes.

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
use crate::database::transactions::{begin, try_join};
use crate::readings::append::append_in;
use crate::readings::locked_devices::LockWait;
use crate::readings::reservations::Reservation;

/// Maximum number of tries of a call that other calls overtake.
const TRIES_MAX: u32 = 8;

/// `OFFSET 0` leaves the planner only a lookup in the index for each key.
const FIND: &str = "SELECT key, fingerprint, stored, repeats, device, reading, time, conflicts
    FROM unnest($1::text[]) AS sent (sent_key)
    CROSS JOIN LATERAL (SELECT * FROM keyed_request WHERE key = sent_key OFFSET 0) AS found
    WHERE kept_until > coalesce($2, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint)";
/// Replaces an expired receipt that has not been deleted yet. `$3` is the time for which each receipt is
/// kept.
const KEEP: &str = "WITH clock AS (
        SELECT coalesce($10, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint) AS now)
    INSERT INTO keyed_request AS kept
        (key, fingerprint, kept_until, stored, repeats, device, reading, time, conflicts)
    SELECT key, fingerprint, now + kept_for, stored, repeats, device, reading, time, conflicts
    FROM clock, unnest($1::text[], $2::bytea[], $3::bigint[], $4::bigint[], $5::bigint[],
        $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[])
        AS new (key, fingerprint, kept_for, stored, repeats, device, reading, time, conflicts)
    ON CONFLICT (key) DO UPDATE SET (fingerprint, kept_until, stored, repeats, device, reading, time, conflicts)
        = (excluded.fingerprint, excluded.kept_until, excluded.stored, excluded.repeats,
           excluded.device, excluded.reading, excluded.time, excluded.conflicts)
    WHERE kept.kept_until <= (SELECT now FROM clock)";
const DELETE_EXPIRED: &str = "DELETE FROM keyed_request WHERE key = ANY (ARRAY (
        SELECT key FROM keyed_request
        WHERE kept_until <= coalesce($1, (SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint))
        ORDER BY kept_until LIMIT $2 FOR UPDATE SKIP LOCKED))";

/// The clock by which receipts expire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum ReceiptClock {
    /// The clock of the database.
    #[default]
    Database,
    /// The time that the caller states, for tests with times of their own.
    #[cfg(feature = "testing")]
    Caller,
}

/// A call that appends the readings of keyed requests.
#[derive(Clone, Copy)]
pub(crate) struct KeyedAppend<'r> {
    pub(crate) requests: &'r [KeyedReadings],
    /// Time of the caller, from which it has computed `kept_until`.
    pub(crate) now: Timestamp,
    pub(crate) clock: ReceiptClock,
    pub(crate) reservation: Option<Reservation>,
    pub(crate) wait: LockWait,
}

impl KeyedAppend<'_> {
    /// Returns the current time if it is not that of the database.
    fn now_us(&self) -> Option<i64> {
        match self.clock {
            ReceiptClock::Database => None,
            #[cfg(feature = "testing")]
            ReceiptClock::Caller => Some(self.now.micros()),
        }
    }
}

/// Appends the readings of the new requests, and keeps their receipts.
pub(crate) async fn append_keyed(
    client: &mut Client,
    call: KeyedAppend<'_>,
) -> Result<Vec<KeyedOutcome>, Failure> {
    for tries in 0..TRIES_MAX {
        match try_append(client, call, tries).await {
            Err(Failure::Overtaken) => {}
            done => return done,
        }
    }
    Err(Failure::Overtaken)
}

async fn try_append(
    client: &mut Client,
    call: KeyedAppend<'_>,
    tries: u32,
) -> Result<Vec<KeyedOutcome>, Failure> {
    let transaction = begin(client).await?;
    let ((), stored) = try_join(call.wait.set(&transaction), find(&transaction, call)).await?;
    let split = KeyedCall::new(call.requests, |key| Ok(stored.get(key.as_str()).copied()))?;
    let appended = append_in(&transaction, &split.new_readings(), call.reservation, tries).await?;
    let FinishedKeyedCall { outcomes, receipts } = split.finish(appended)?;
    if !receipts.is_empty() {
        keep(&transaction, receipts, call).await?;
    }
    transaction.commit().await.map_err(Failure::Committing)?;
    Ok(outcomes)
}

/// Returns the unexpired receipts of requests, by key.
async fn find(
    transaction: &Transaction<'_>,
    call: KeyedAppend<'_>,
) -> Result<HashMap<String, StoredReceipt>, Failure> {
    let keys: Vec<&str> = call.requests.iter().map(|request| request.key.as_str()).collect();
    let find = transaction.prepare_cached(FIND).await?;
    let rows = transaction.query(&find, &[&keys, &call.now_us()]).await?;
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
    call: KeyedAppend<'_>,
) -> Result<(), Failure> {
    // All calls insert by ascending key, so no two wait for each other.
    receipts.sort_unstable_by(|(one, _), (other, _)| one.key.cmp(&other.key));
    let receipts = &*receipts;
    let keys = array(receipts, |request, _| request.key.as_str());
    let fingerprints = array(receipts, |request, _| request.fingerprint.as_slice());
    let now = call.now.micros();
    let kept_for = array(receipts, |request, _| request.kept_until.micros().saturating_sub(now));
    let stored = array(receipts, |_, receipt| receipt.stored.cast_signed());
    let repeats = array(receipts, |_, receipt| receipt.repeats.cast_signed());
    let devices = array(receipts, |_, receipt| receipt.first.map(|first| first.device.0));
    let ids = array(receipts, |_, receipt| receipt.first.map(|first| first.id.0));
    let times = array(receipts, |_, receipt| receipt.first.map(|first| first.time.micros()));
    let conflicts = array(receipts, |_, receipt| receipt.conflicts.cast_signed());
    let now = call.now_us();
    let keep = transaction.prepare_cached(KEEP).await?;
    let kept = transaction
        .execute(
            &keep,
            &[&keys, &fingerprints, &kept_for, &stored, &repeats, &devices, &ids, &times, &conflicts, &now],
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
