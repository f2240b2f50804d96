//! Appending readings.
//!
//! No reading is stored twice, although a seal deletes rows, and a unique index refuses only repeats of
//! existing rows. An append **first inserts, and then searches** for segments that touch its readings. The
//! search is a later statement, so it sees later commits. A seal deletes a row and adds its segment in one
//! commit. If a repeat is inserted before that commit, it finds the row. If it is inserted after that commit,
//! the search finds the segment. If the seal has deleted the row but not committed yet, the insert waits for
//! the commit, and then the search finds the segment. So a seal needs no lock against appends, neither waits
//! for the other, and a device with continuous appends can still be sealed. Three calls do wait for appends
//! and block them: the append of a segment, the deletion of readings, and the deletion of a device. They take
//! a lock on the device that conflicts with the weaker lock of every append.
//!
//! Segments rarely touch new readings, and a device rarely has a reading after the server's clock. So a call
//! first tries the fast path: one statement, the database function `append_reserved`, inserts and searches.
//! If it finds a segment or a newer reading, it stores nothing, and the call takes the full path. The full
//! path searches for segments, reads the sealed times, picks times, inserts, and searches for segments that
//! have appeared in the meantime. A call that is overtaken repeatedly takes an exclusive lock in the end, and
//! the other calls wait.

use std::collections::{BTreeMap, HashSet};

use deadpool_postgres::{Client, Transaction};
use device_stats_domain::{DeviceKey, NewReading, Timestamp};
use device_stats_store::{AppendOrder, AppendResult, Appended, StoreError};
use futures_util::TryFutureExt;

use crate::database::errors::{Failure, is_missing_parent, is_overtaken, is_taken};
use crate::database::transactions::{begin, try_join};
use crate::readings::existing::{split_existing, split_sealed, times, with_hot_values};
use crate::readings::locked_devices::LockWait;
use crate::readings::parameters::{ReadingColumns, in_insert_order, returned, spans};
use crate::readings::pick_times::{newest_hot_us, pick, pick_within_call};
use crate::readings::reservations::{Reservation, require};
use crate::segments::catalogue::touching;
use crate::segments::sealed_times::SealedTimesReader;
use crate::segments::spans::DeviceSpans;

/// Maximum number of tries on the full path without an exclusive lock.
const TRIES_MAX: u32 = 4;

/// Stores the new readings and returns the positions of the repeats, with the stored values, or does nothing.
/// `$7` states whether all readings must be new. Fails if `$11` and `$12` are a reservation that the database
/// does not know of. An argument of the function depends on `lock_wait`, so the time limit for locks, `$13`,
/// is set before the call.
const APPEND_UNTOUCHED: &str = "SELECT place, x, y, z
    FROM set_config('lock_timeout', $13, true) AS lock_wait (ms)
    CROSS JOIN LATERAL append_reserved(
        CASE WHEN lock_wait.ms IS NOT NULL THEN $11::bigint END, $12,
        $1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
const READING_UNIQUE: &str = "reading_by_device_and_time";
/// Stores readings that are known not to be sealed, except repeats of hot readings.
const INSERT: &str = "INSERT INTO reading (device, time, id, x, y, z)
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[],
        $4::double precision[], $5::double precision[], $6::double precision[])
    ON CONFLICT (device, time) DO NOTHING RETURNING device, time";

/// Lock on the devices of a call.
#[derive(Clone, Copy)]
enum DeviceLock {
    /// Other calls can append client-timed readings, seal and merge.
    Shared,
    /// All other calls that lock one of the devices wait.
    Exclusive,
}

pub(crate) async fn append(
    client: &mut Client,
    readings: &[NewReading],
    reservation: Option<Reservation>,
    wait: LockWait,
) -> Result<Vec<Appended>, Failure> {
    if readings.is_empty() {
        return Ok(Vec::new());
    }
    let call = AppendOrder::new(readings);
    let result = store(client, &call, reservation, wait).await?;
    Ok(result.outcomes(readings.len(), &call.repeated)?)
}

/// Appends readings in a transaction that the caller commits. The caller has set its [`LockWait`]. `tries` is
/// the number of earlier tries of the caller. From [`TRIES_MAX`] on, the devices are locked exclusively.
///
/// # Errors
/// [`Failure::Overtaken`] if another call has changed the same data in the meantime.
pub(crate) async fn append_in(
    transaction: &Transaction<'_>,
    readings: &[NewReading],
    reservation: Option<Reservation>,
    tries: u32,
) -> Result<Vec<Appended>, Failure> {
    if readings.is_empty() {
        return Ok(Vec::new());
    }
    let lock = if tries < TRIES_MAX { DeviceLock::Shared } else { DeviceLock::Exclusive };
    let call = AppendOrder::new(readings);
    require(transaction, reservation).await?;
    let result = insert(transaction, &call, lock).await?;
    Ok(result.outcomes(readings.len(), &call.repeated)?)
}

/// Stores the new readings.
async fn store<'r>(
    client: &mut Client,
    call: &AppendOrder<'r>,
    reservation: Option<Reservation>,
    wait: LockWait,
) -> Result<AppendResult<'r>, Failure> {
    if let Some(result) = store_untouched(client, call, reservation, wait).await? {
        return Ok(result);
    }
    for _ in 0..TRIES_MAX {
        match insert_and_commit(client, call, reservation, wait, DeviceLock::Shared).await {
            Err(Failure::Overtaken) => {}
            done => return done,
        }
    }
    insert_and_commit(client, call, reservation, wait, DeviceLock::Exclusive).await
}

/// Stores the new readings on the fast path. Returns `None` if nothing was stored, because a segment touches
/// a reading, or a device with a server-timed reading has a newer one.
async fn store_untouched<'r>(
    client: &Client,
    AppendOrder { client_timed, server_timed, .. }: &AppendOrder<'r>,
    reservation: Option<Reservation>,
    wait: LockWait,
) -> Result<Option<AppendResult<'r>>, Failure> {
    let Some(picked) = pick_within_call(client_timed, server_timed) else { return Ok(None) };
    let all = in_insert_order(client_timed, picked);
    let append = client.prepare_cached(APPEND_UNTOUCHED).await?;
    let (columns, spans) = (ReadingColumns::new(&all), spans(&all));
    let [devices, times, ids, x, y, z] = columns.parameters();
    let [span_devices, earliest, latest] = spans.parameters();
    let all_new = !server_timed.is_empty();
    let (node, until) = (reservation.map(|known| known.node), reservation.map(|known| known.until));
    let wait_ms = wait.millis();
    let parameters =
        [devices, times, ids, x, y, z, &all_new, span_devices, earliest, latest, &node, &until, &wait_ms];
    match client.query(&append, &parameters).await {
        Ok(existing) => Ok(split_existing(all, &existing)?),
        Err(error) if is_overtaken(&error) || is_taken(&error, READING_UNIQUE) => Ok(None),
        Err(error) if is_missing_parent(&error) => Err(StoreError::DeviceMissing.into()),
        Err(error) => Err(Failure::Committing(error)),
    }
}

/// Stores the new readings on the full path.
async fn insert_and_commit<'r>(
    client: &mut Client,
    call: &AppendOrder<'r>,
    reservation: Option<Reservation>,
    wait: LockWait,
    lock: DeviceLock,
) -> Result<AppendResult<'r>, Failure> {
    let transaction = begin(client).await?;
    try_join(wait.set(&transaction), require(&transaction, reservation)).await?;
    let result = insert(&transaction, call, lock).await?;
    transaction.commit().await.map_err(Failure::Committing)?;
    Ok(result)
}

/// Inserts the new readings on the full path.
async fn insert<'r>(
    transaction: &Transaction<'_>,
    call: &AppendOrder<'r>,
    lock: DeviceLock,
) -> Result<AppendResult<'r>, Failure> {
    lock_devices(transaction, call, lock).await?;
    let AppendOrder { client_timed, server_timed, .. } = call;
    // This comes before the search for segments, because a row disappears with the commit that adds its
    // segment.
    let newest_hot = newest_hot_us(transaction, server_timed).await?;
    let mut sealed = SealedTimesReader::new(transaction, &possible_spans(call)).await?;
    let AppendResult { stored: not_sealed, mut existing } = split_sealed(&mut sealed, client_timed).await?;
    let picked = pick(transaction, &mut sealed, client_timed, server_timed, newest_hot).await?;
    let all = in_insert_order(&not_sealed, picked);
    if all.is_empty() {
        return Ok(AppendResult { stored: Vec::new(), existing });
    }
    let statement = transaction.prepare_cached(INSERT).await?;
    let (columns, spans) = (ReadingColumns::new(&all), spans(&all));
    let inserted = columns.parameters();
    // The search is polled after the insert, and polling sends it.
    let insert = transaction.query(&statement, &inserted).map_err(Failure::from);
    let (rows, touching) = try_join(insert, touching(transaction, &spans)).await?;
    let stored = returned(&rows, &all)?;
    // A segment that has appeared in the meantime matters only if it has a reading that this call has
    // inserted again.
    let mut newer = sealed.with_unknown(touching);
    let is_doubled = newer.contains_each(&times(&stored)).await?.contains(&true);
    let is_outrun = stored.iter().filter(|new| new.is_server_timed()).count() < server_timed.len();
    if is_doubled || is_outrun {
        return Err(Failure::Overtaken);
    }
    if stored.len() < all.len() {
        let inserted: HashSet<usize> = stored.iter().map(|new| new.index).collect();
        let repeats = all.into_iter().filter(|new| !inserted.contains(&new.index));
        existing.extend(with_hot_values(transaction, repeats.collect()).await?);
    }
    Ok(AppendResult { stored, existing })
}

/// Returns one span for each device, which covers all times that its readings can get. It also covers all
/// inserted readings, so a segment that only the second search finds is new.
fn possible_spans(call: &AppendOrder<'_>) -> DeviceSpans {
    let mut by_device: BTreeMap<DeviceKey, (i64, i64)> = BTreeMap::new();
    for new in call.client_timed.iter().chain(&call.server_timed) {
        let from_us = new.time.micros();
        let until_us = if new.is_server_timed() { Timestamp::MAX.micros() } else { from_us };
        let (earliest, latest) = by_device.entry(new.reading.device).or_insert((from_us, until_us));
        *earliest = from_us.min(*earliest);
        *latest = until_us.max(*latest);
    }
    let mut spans = DeviceSpans::default();
    for (device, (earliest, latest)) in by_device {
        spans.add(device, earliest, latest);
    }
    spans
}

/// Locks the devices of a call until the end of the transaction, so that no other call deletes them or picks
/// times for them. All calls lock by ascending key, so no two calls wait for each other.
async fn lock_devices(
    transaction: &Transaction<'_>,
    AppendOrder { client_timed, server_timed, .. }: &AppendOrder<'_>,
    lock: DeviceLock,
) -> Result<(), Failure> {
    let lock = match lock {
        DeviceLock::Shared if server_timed.is_empty() => {
            "SELECT id FROM devices WHERE id = ANY ($1) ORDER BY id FOR KEY SHARE"
        }
        DeviceLock::Shared => "SELECT id FROM devices WHERE id = ANY ($1) ORDER BY id FOR NO KEY UPDATE",
        DeviceLock::Exclusive => "SELECT id FROM devices WHERE id = ANY ($1) ORDER BY id FOR UPDATE",
    };
    let mut keys: Vec<i64> =
        client_timed.iter().chain(server_timed).map(|new| new.reading.device.0).collect();
    keys.sort_unstable();
    keys.dedup();
    let lock = transaction.prepare_cached(lock).await?;
    if transaction.query(&lock, &[&keys]).await?.len() == keys.len() {
        Ok(())
    } else {
        Err(StoreError::DeviceMissing.into())
    }
}
