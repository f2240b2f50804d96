//! Transactions that store a segment: in place of hot readings, in place of smaller segments, or as new
//! readings.
//!
//! A call deletes exactly the rows or segments that it has seen. If some of them no longer exist, it rolls
//! back. So a delayed call does no harm, and of several calls with the same readings one succeeds. Before it
//! deletes, a call locks the first row, or gives up at once if another call has locked that row. So calls
//! with the same readings do not wait for each other, only to find that they are stale.
//!
//! A seal does not block appends, so a device with continuous appends can be sealed; `readings/append.rs`
//! gives the reasons. Only the append of a segment, and a deletion of readings, wait for running appends.

use deadpool_postgres::{Client, Transaction};
use device_stats_domain::DeviceKey;
use device_stats_segment::{Head, Segment};
use device_stats_store::{Replaced, SealedRows, SegmentId, StoreError, Visibility, VisibleRows, open_head};
use tokio_postgres::types::ToSql;

use crate::database::errors::{Failure, is_timeout};
use crate::database::transactions::{UNLIMITED, begin, try_join3};
use crate::limits::STORE_LOCK_TIMEOUT;
use crate::readings::reservations::{Reservation, require};
use crate::segments::pieces::insert;
use crate::segments::sealed_times::SealedTimesReader;
use crate::segments::spans::DeviceSpans;

/// Finds a device and prevents its deletion, or waits for the end of a running deletion. A call takes this
/// lock first. If it finds no device, it must insert no segment, because the segment would stay for ever.
const KEEP_DEVICE: &str = "SELECT 1 FROM devices WHERE id = $1 FOR KEY SHARE";
/// Deletes rows by device, time and id. Deletes no row if the first row does not exist or another call is
/// deleting it. `OFFSET 0` leaves the planner only a lookup in the index for each row. A row stays where it
/// is, because no row is ever updated.
const DELETE_ROWS: &str = "WITH claimed AS MATERIALIZED (
        SELECT FROM reading WHERE device = $1 AND time = $4 FOR UPDATE SKIP LOCKED)
    DELETE FROM reading
    WHERE ctid = ANY (ARRAY (
            SELECT found.ctid FROM unnest($2::bigint[], $3::bigint[]) AS sealed (time, id)
            CROSS JOIN LATERAL (
                SELECT ctid FROM reading
                WHERE device = $1 AND reading.time = sealed.time AND reading.id = sealed.id OFFSET 0) AS found))
        AND EXISTS (SELECT FROM claimed)";
/// Deletes segments from the catalogue, except those that another call is deleting.
const DELETE_SEGMENTS: &str = "WITH claimed AS MATERIALIZED (
        SELECT id FROM segment WHERE device = $1 AND id = ANY ($2) FOR UPDATE SKIP LOCKED)
    DELETE FROM segment USING claimed WHERE segment.device = $1 AND segment.id = claimed.id";
/// Deletes segments from the catalogue. A foreign key deletes their derived segments.
pub(crate) const DELETE_LISTED: &str = "DELETE FROM segment WHERE device = $1 AND id = ANY ($2)";
pub(crate) const DELETE_BLOCKS: &str = "DELETE FROM segment_block WHERE device = $1 AND segment = ANY ($2)";
/// Exclusive end of the range of segment ids. Programs that read JSON numbers as doubles read smaller ids
/// exactly.
const ID_END: i64 = 1 << 53;

pub(crate) async fn seal(
    client: &mut Client,
    device: DeviceKey,
    sealed: &SealedRows,
) -> Result<Replaced, Failure> {
    let (times, ids) = (sealed.times_us(), sealed.ids());
    let head = open_head(sealed.segment())?;
    let transaction = begin(client).await?;
    let seen: &[&(dyn ToSql + Sync)] = &[&device.0, &times, &ids, &times.first()];
    if !delete(&transaction, device, DELETE_ROWS, seen, times.len()).await? {
        return Ok(Replaced::Stale);
    }
    commit(transaction, device, sealed.segment(), &head).await
}

pub(crate) async fn merge(
    client: &mut Client,
    device: DeviceKey,
    merged: &[SegmentId],
    segment: &Segment,
) -> Result<Replaced, Failure> {
    let mut ids: Vec<i64> = merged.iter().map(|id| id.0).collect();
    ids.sort_unstable();
    ids.dedup();
    let head = open_head(segment)?;
    let transaction = begin(client).await?;
    let seen: &[&(dyn ToSql + Sync)] = &[&device.0, &ids];
    if !delete(&transaction, device, DELETE_SEGMENTS, seen, ids.len()).await? {
        return Ok(Replaced::Stale);
    }
    let delete_blocks = transaction.prepare_cached(DELETE_BLOCKS).await?;
    transaction.execute(&delete_blocks, seen).await?;
    commit(transaction, device, segment, &head).await
}

/// Deletes the rows or segments that a new segment replaces; `expected` is their number. Returns whether all
/// of them, and the device, still existed.
async fn delete(
    transaction: &Transaction<'_>,
    device: DeviceKey,
    statement: &str,
    seen: &[&(dyn ToSql + Sync)],
    expected: usize,
) -> Result<bool, Failure> {
    let keep = transaction.prepare_cached(KEEP_DEVICE).await?;
    let delete = transaction.prepare_cached(statement).await?;
    // The futures are polled in this order, and polling sends the statements.
    let done = try_join3(
        transaction.batch_execute(UNLIMITED),
        transaction.execute(&keep, &[&device.0]),
        transaction.execute(&delete, seen),
    )
    .await;
    match done {
        Ok(((), kept, deleted)) => Ok(kept == 1 && usize::try_from(deleted) == Ok(expected)),
        // Another call is replacing the same readings or segments.
        Err(error) if is_timeout(&error) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Adds a segment of new readings, unless the device has a reading in its span.
pub(crate) async fn append(
    client: &mut Client,
    device: DeviceKey,
    segment: &Segment,
    reservation: Option<Reservation>,
) -> Result<Replaced, Failure> {
    let head = open_head(segment)?;
    let (first_us, last_us) = (head.first_us(), head.last_us());
    let transaction = begin(client).await?;
    require(&transaction, reservation).await?;
    if !lock(&transaction, Visibility::All, device).await? {
        return Ok(Replaced::Stale);
    }
    let is_hot = transaction
        .prepare_cached("SELECT 1 FROM reading WHERE device = $1 AND time >= $2 AND time <= $3 LIMIT 1")
        .await?;
    if transaction.execute(&is_hot, &[&device.0, &first_us, &last_us]).await? > 0 {
        return Ok(Replaced::Stale);
    }
    let mut span = DeviceSpans::default();
    span.add(device, first_us, last_us);
    let mut sealed = SealedTimesReader::new(&transaction, &span).await?;
    if sealed.answer(|times| times.contains_between(device, first_us, last_us)).await? {
        return Ok(Replaced::Stale);
    }
    commit(transaction, device, segment, &head).await
}

/// Returns a random id for a new segment. A sequence of an older copy that has replaced the database would
/// give ids again, and nodes have cached other segments under these ids. So the sequence of the column is not
/// used.
pub(crate) fn new_id() -> SegmentId {
    SegmentId(fastrand::i64(1..ID_END))
}

/// Locks a device: waits until no append to it is running, and blocks further appends. Appends that start
/// during the wait go first, so the wait has a time limit. Returns whether the device is locked.
pub(crate) async fn lock(
    transaction: &Transaction<'_>,
    visible: Visibility,
    device: DeviceKey,
) -> Result<bool, Failure> {
    let lock = "SELECT 1 FROM devices WHERE id = $1
                AND ($2::bigint IS NULL OR user_id = $2) AND ($3::bigint IS NULL OR id = $3) FOR UPDATE";
    let lock = transaction.prepare_cached(lock).await?;
    let VisibleRows { owner, device: visible, .. } = visible.rows();
    let device: &[&(dyn ToSql + Sync)] = &[&device.0, &owner, &visible];
    // The lock timeout would not limit the wait: it starts again with each append that goes first.
    let limit = format!("SET LOCAL statement_timeout = {}", STORE_LOCK_TIMEOUT.as_millis());
    let done = try_join3(
        transaction.batch_execute(&limit),
        transaction.execute(&lock, device),
        transaction.batch_execute(UNLIMITED),
    )
    .await;
    match done {
        Ok(((), 0, ())) => Err(StoreError::DeviceMissing.into()),
        Ok(_) => Ok(true),
        Err(error) if is_timeout(&error) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Writes the segment and commits.
async fn commit(
    transaction: Transaction<'_>,
    device: DeviceKey,
    segment: &Segment,
    head: &Head,
) -> Result<Replaced, Failure> {
    let id = new_id();
    insert(&transaction, device, id, segment, head).await?;
    transaction.commit().await.map_err(Failure::Committing)?;
    Ok(Replaced::Done(id))
}
