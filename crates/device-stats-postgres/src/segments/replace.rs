//! Putting segments in the place of readings: of hot ones, of other segments, or of nothing.
//!
//! Rows that are sealed, and segments that are merged, are deleted by what the caller saw of them. Where not all of them
//! are there any more, everything is rolled back; so a caller that comes late does no harm, and of several at the same
//! readings one succeeds. Before it deletes any, a call claims the first of them without waiting, so that callers who
//! work on the same device at the same time do not wait for each other, only to come too late.
//!
//! Appends are not kept away meanwhile, and a device that is appended to without pause is sealed like any other one:
//! `appending` says why. Only a segment of readings that never were rows needs them to have ended.

use deadpool_postgres::{Client, Transaction};
use device_stats_domain::DeviceKey;
use device_stats_domain::limits::STORE_LOCK_TIMEOUT;
use device_stats_segment::{Head, Row, Segment};
use device_stats_store::{Replaced, SegmentId, StoreError};
use tokio_postgres::types::ToSql;

use crate::database::columns::column;
use crate::database::errors::{Failure, is_timeout};
use crate::database::transactions::{UNLIMITED, begin, try_join3, try_join4};
use crate::readings::parameters::Spans;
use crate::segments::pieces::insert;
use crate::segments::sealed_times::SealedTimes;

/// Keeps a device from being deleted, and waits for one that is. Done first, so that the two cannot wait for each other.
const KEEP_DEVICE: &str = "SELECT 1 FROM devices WHERE id = $1 FOR KEY SHARE";
/// Deletes rows by device, time and id; none where the first is gone, or another caller deletes it.
const DELETE_ROWS: &str = "WITH claimed AS MATERIALIZED (
        SELECT FROM reading WHERE device = $1 AND time = $4 FOR UPDATE SKIP LOCKED)
    DELETE FROM reading USING unnest($2::bigint[], $3::bigint[]) AS sealed (time, id)
    WHERE reading.device = $1 AND reading.time = sealed.time AND reading.id = sealed.id
        AND EXISTS (SELECT FROM claimed)";
/// Deletes segments from the catalogue, but for those that another caller deletes.
const DELETE_SEGMENTS: &str = "WITH claimed AS MATERIALIZED (
        SELECT id FROM segment WHERE device = $1 AND id = ANY ($2) FOR UPDATE SKIP LOCKED)
    DELETE FROM segment USING claimed WHERE segment.device = $1 AND segment.id = claimed.id";
const DELETE_BLOCKS: &str = "DELETE FROM segment_block WHERE device = $1 AND segment = ANY ($2)";
const NEXT_ID: &str = "SELECT nextval(pg_get_serial_sequence('segment', 'id'))";

pub(crate) async fn seal(
    client: &mut Client,
    device: DeviceKey,
    rows: &[Row],
    segment: &Segment,
) -> Result<Replaced, Failure> {
    let times: Vec<i64> = rows.iter().map(|row| row.time_us).collect();
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    let head = open(segment)?;
    let transaction = begin(client).await?;
    let seen: &[&(dyn ToSql + Sync)] = &[&device.0, &times, &ids, &times.first()];
    let Some(id) = replace(&transaction, device, DELETE_ROWS, seen, rows.len()).await? else {
        return Ok(Replaced::Stale);
    };
    put(transaction, device, id, segment, &head).await
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
    let head = open(segment)?;
    let transaction = begin(client).await?;
    let seen: &[&(dyn ToSql + Sync)] = &[&device.0, &ids];
    let Some(id) = replace(&transaction, device, DELETE_SEGMENTS, seen, ids.len()).await? else {
        return Ok(Replaced::Stale);
    };
    let delete_blocks = transaction.prepare_cached(DELETE_BLOCKS).await?;
    transaction.execute(&delete_blocks, seen).await?;
    put(transaction, device, id, segment, &head).await
}

/// Deletes what a segment is to replace, and returns an id for the segment; nothing where not all of it was there.
async fn replace(
    transaction: &Transaction<'_>,
    device: DeviceKey,
    delete: &str,
    seen: &[&(dyn ToSql + Sync)],
    expected: usize,
) -> Result<Option<SegmentId>, Failure> {
    let keep = transaction.prepare_cached(KEEP_DEVICE).await?;
    let next_id = transaction.prepare_cached(NEXT_ID).await?;
    let delete = transaction.prepare_cached(delete).await?;
    // They are polled, and thereby sent, in this order.
    let done = try_join4(
        transaction.batch_execute(UNLIMITED),
        transaction.execute(&keep, &[&device.0]),
        transaction.execute(&delete, seen),
        transaction.query_one(&next_id, &[]),
    )
    .await;
    match done {
        Ok(((), _, deleted, id)) if usize::try_from(deleted) == Ok(expected) => {
            Ok(Some(SegmentId(column(&id, 0)?)))
        }
        Ok(_) => Ok(None),
        // Another caller is at it.
        Err(error) if is_timeout(&error) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Adds a segment of readings that never were rows.
pub(crate) async fn append(
    client: &mut Client,
    device: DeviceKey,
    segment: &Segment,
) -> Result<Replaced, Failure> {
    let head = open(segment)?;
    let (first_us, last_us) = (head.first_us(), head.last_us());
    let transaction = begin(client).await?;
    if !lock(&transaction, device).await? {
        return Ok(Replaced::Stale);
    }
    let is_hot = transaction
        .prepare_cached("SELECT 1 FROM reading WHERE device = $1 AND time >= $2 AND time <= $3 LIMIT 1")
        .await?;
    if transaction.execute(&is_hot, &[&device.0, &first_us, &last_us]).await? > 0 {
        return Ok(Replaced::Stale);
    }
    let mut span = Spans::default();
    span.add(device, first_us, last_us);
    let mut sealed = SealedTimes::look(&transaction, &span).await?;
    if sealed.have_any(&transaction, device, first_us, last_us).await? {
        return Ok(Replaced::Stale);
    }
    let next_id = transaction.prepare_cached(NEXT_ID).await?;
    let id = SegmentId(column(&transaction.query_one(&next_id, &[]).await?, 0)?);
    put(transaction, device, id, segment, &head).await
}

/// Waits until no append to the device is under way, and keeps further ones waiting; not for ever, since appends that
/// begin while others are under way go first. Returns whether that is so now.
async fn lock(transaction: &Transaction<'_>, device: DeviceKey) -> Result<bool, Failure> {
    let lock = transaction.prepare_cached("SELECT 1 FROM devices WHERE id = $1 FOR UPDATE").await?;
    // The limit of a wait for a lock begins anew with each append that has gone first.
    let limit = format!("SET LOCAL statement_timeout = {}", STORE_LOCK_TIMEOUT.as_millis());
    let done = try_join3(
        transaction.batch_execute(&limit),
        transaction.execute(&lock, &[&device.0]),
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
async fn put(
    transaction: Transaction<'_>,
    device: DeviceKey,
    id: SegmentId,
    segment: &Segment,
    head: &Head,
) -> Result<Replaced, Failure> {
    insert(&transaction, device, id, segment, head).await?;
    transaction.commit().await.map_err(Failure::Committing)?;
    Ok(Replaced::Done(id))
}

/// The head of a segment that is to be written.
fn open(segment: &Segment) -> Result<Head, StoreError> {
    Head::open(&segment.head).map_err(|fault| StoreError::Broken(fault.into()))
}
