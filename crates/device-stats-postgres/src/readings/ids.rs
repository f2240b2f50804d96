//! Blocks of reading ids.

use std::ops::Range;

use deadpool_postgres::Client;
use device_stats_store::StoreError;

use crate::database::columns::column;
use crate::database::errors::Failure;
use crate::limits::RESERVATIONS_KEPT;
use crate::readings::reservations::{Reservation, Reservations};

/// Reserves `$1` ids from `$2` on for the node `$3`, and records the reservation. Does nothing if the record
/// of the node must extend to `$4` and does not.
const RESERVE: &str = "WITH block AS (
        UPDATE id_block SET next = greatest(next, $2) + $1
        WHERE name = 'reading'
            AND ($4::bigint IS NULL OR EXISTS (SELECT FROM id_reservation WHERE node = $3 AND until >= $4))
        RETURNING next),
    recorded AS (
        INSERT INTO id_reservation (node, until) SELECT $3, next FROM block
        ON CONFLICT (node) DO UPDATE SET until = excluded.until)
    SELECT next FROM block";

/// Deletes all reservations except the newest `$1`. Skips rows that other transactions have locked, instead
/// of waiting for them.
const DELETE_OLD: &str = "DELETE FROM id_reservation WHERE node = ANY (ARRAY (
        SELECT node FROM id_reservation WHERE until < (
            SELECT min(until) FROM (SELECT until FROM id_reservation ORDER BY until DESC LIMIT $1) AS kept)
        FOR UPDATE SKIP LOCKED))";

pub(crate) async fn reserve(
    client: &Client,
    reservations: &Reservations,
    count: u32,
) -> Result<Range<i64>, Failure> {
    let count = i64::from(count);
    let (node, last, known_until) = reservations.next();
    let last_until = last.map(|last| last.until);
    if last.is_none() {
        // Each process adds a row, so the oldest rows are deleted.
        let delete = client.prepare_cached(DELETE_OLD).await?;
        client.execute(&delete, &[&RESERVATIONS_KEPT]).await?;
    }
    let reserve = client.prepare_cached(RESERVE).await?;
    let reserved = client.query(&reserve, &[&count, &known_until, &node, &last_until]).await;
    match (reserved.map_err(Failure::Committing)?.first(), last) {
        (Some(block), _) => {
            let until = column(block, 0)?;
            reservations.note(Reservation { node, until });
            Ok(until - count..until)
        }
        (None, Some(_)) => Ok(reservations.checked(last, Err(StoreError::Restored))?),
        (None, None) => Err(StoreError::Broken("the database has no block of reading ids".into()).into()),
    }
}
