//! Statements about derived segments: reading pieces, and writing and deleting whole derived
//! segments.

use deadpool_postgres::Client;
use device_stats_domain::DeviceKey;
use device_stats_segment::Segment;
use device_stats_store::{PieceKey, SegmentId, StoreError};

use crate::database::columns::column;
use crate::database::errors::{Failure, is_missing_parent};
use crate::segments::pieces::{PieceColumns, position};

/// Selects one row for each piece whose device and derived segment exist: the position of the piece in the
/// request, and its bytes. `OFFSET 0` leaves the planner only a lookup in the index for each piece.
const FIND: &str = "SELECT place, CASE WHEN wanted.block IS NULL THEN head ELSE bytes END
    FROM unnest($1::bigint[], $2::bigint[], $3::integer[]) WITH ORDINALITY AS wanted (device, segment, block, place)
    CROSS JOIN LATERAL (
        SELECT head FROM derived_segment
        WHERE derived_segment.device = wanted.device AND derived_segment.segment = wanted.segment
            AND EXISTS (SELECT FROM devices WHERE devices.id = wanted.device) OFFSET 0) AS owner
    LEFT JOIN LATERAL (
        SELECT bytes FROM derived_block
        WHERE derived_block.device = wanted.device AND derived_block.segment = wanted.segment
            AND derived_block.block = wanted.block OFFSET 0) AS found ON true";
/// Inserts a derived segment, unless the segment has one. Fails if the segment does not exist.
const INSERT: &str = "WITH added AS (
        INSERT INTO derived_segment (device, segment, head) VALUES ($1, $2, $3)
        ON CONFLICT DO NOTHING RETURNING device, segment)
    INSERT INTO derived_block (device, segment, block, bytes)
    SELECT added.device, added.segment, place - 1, bytes
    FROM added, unnest($4::bytea[]) WITH ORDINALITY AS block (bytes, place)";
/// Deletes a derived segment. Its foreign key deletes the blocks.
const DELETE: &str = "DELETE FROM derived_segment WHERE device = $1 AND segment = $2";

/// Returns the pieces in the same order; `None` for each piece that does not exist.
pub(crate) async fn read(client: &Client, pieces: &[PieceKey]) -> Result<Vec<Option<Vec<u8>>>, Failure> {
    let mut found = vec![None; pieces.len()];
    if pieces.is_empty() {
        return Ok(found);
    }
    let select = client.prepare_cached(FIND).await?;
    let PieceColumns { devices, segments, blocks } = PieceColumns::new(pieces);
    for row in client.query(&select, &[&devices, &segments, &blocks]).await? {
        let found = position(&row)?.and_then(|position| found.get_mut(position));
        let found = found.ok_or_else(|| StoreError::Broken("a piece was not asked for".into()))?;
        *found = column(&row, 1)?;
    }
    Ok(found)
}

/// Inserts the derived segment of a segment, unless it has one, does not exist, or is of another device.
pub(crate) async fn insert(
    client: &Client,
    device: DeviceKey,
    segment: SegmentId,
    derived: &Segment,
) -> Result<(), Failure> {
    let insert = client.prepare_cached(INSERT).await?;
    // The statement is its own transaction. Its foreign key locks the segment until the commit, so a merge or
    // deletion at the same time is either seen by the statement or deletes its rows.
    match client.execute(&insert, &[&device.0, &segment.0, &derived.head, &derived.blocks]).await {
        Ok(_) => Ok(()),
        Err(error) if is_missing_parent(&error) => Ok(()),
        Err(error) => Err(Failure::Committing(error)),
    }
}

/// Deletes the derived segment of a segment, and returns whether it was stored.
pub(crate) async fn delete(client: &Client, device: DeviceKey, segment: SegmentId) -> Result<bool, Failure> {
    let delete = client.prepare_cached(DELETE).await?;
    let deleted = client.execute(&delete, &[&device.0, &segment.0]).await.map_err(Failure::Committing)?;
    Ok(deleted > 0)
}
