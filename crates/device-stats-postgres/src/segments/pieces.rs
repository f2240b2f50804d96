//! Statements about the bytes of segments, which read single pieces and write whole segments.

use deadpool_postgres::{Client, GenericClient, Transaction};
use device_stats_domain::DeviceKey;
use device_stats_segment::{Head, Segment};
use device_stats_store::{Piece, PieceKey, SegmentId, StoreError};
use tokio_postgres::Row;

use crate::database::columns::column;
use crate::database::errors::Failure;
use crate::database::transactions::try_join;

/// Fault of a block that has no row, although its segment is in the catalogue.
pub(crate) const ROW_MISSING: &str = "PostgreSQL does not find its row";

/// Selects one row for each piece whose device and segment exist: the position of the piece in the request,
/// its bytes (null if the block does not exist), and whether the segment must have the block (null for the
/// head). `OFFSET 0` leaves the planner only a lookup in the index for each piece.
const FIND: &str = "SELECT place, CASE WHEN wanted.block IS NULL THEN head ELSE bytes END, wanted.block < blocks
    FROM unnest($1::bigint[], $2::bigint[], $3::integer[]) WITH ORDINALITY AS wanted (device, id, block, place)
    CROSS JOIN LATERAL (
        SELECT head, blocks FROM segment
        WHERE segment.device = wanted.device AND segment.id = wanted.id
            AND EXISTS (SELECT FROM devices WHERE devices.id = wanted.device) OFFSET 0) AS owner
    LEFT JOIN LATERAL (
        SELECT bytes FROM segment_block
        WHERE segment_block.device = wanted.device AND segment_block.segment = wanted.id
            AND segment_block.block = wanted.block OFFSET 0) AS found ON true";

/// Result of the search for a piece.
#[derive(Clone, Debug)]
pub(crate) enum Found {
    /// The segment does not exist.
    Gone,
    /// The segment exists and never had the piece.
    Never,
    /// The segment exists, but its piece is lost.
    Lost,
    /// The bytes of the piece.
    Bytes(Vec<u8>),
}

/// Returns the pieces in the same order; `None` for each piece that does not exist.
///
/// # Errors
/// [`StoreError::Corrupt`] if a block must exist, but is lost.
pub(crate) async fn read(client: &Client, pieces: &[PieceKey]) -> Result<Vec<Option<Vec<u8>>>, Failure> {
    let found = pieces.iter().zip(find(client, pieces).await?);
    let read = found.map(|(key, found)| match found {
        Found::Bytes(bytes) => Ok(Some(bytes)),
        Found::Gone | Found::Never => Ok(None),
        Found::Lost => Err(key.inconsistent(ROW_MISSING).into()),
    });
    read.collect()
}

/// Searches for pieces; the results are in the same order.
pub(crate) async fn find(client: &impl GenericClient, pieces: &[PieceKey]) -> Result<Vec<Found>, Failure> {
    if pieces.is_empty() {
        return Ok(Vec::new());
    }
    let select = client.prepare_cached(FIND).await?;
    let PieceColumns { devices, segments, blocks } = PieceColumns::new(pieces);
    let mut found = vec![Found::Gone; pieces.len()];
    for row in client.query(&select, &[&devices, &segments, &blocks]).await? {
        let found = position(&row)?.and_then(|position| found.get_mut(position));
        let found = found.ok_or_else(|| StoreError::Broken("a piece was not asked for".into()))?;
        let must_exist = column::<Option<bool>>(&row, 2)?.unwrap_or(true);
        let none = if must_exist { Found::Lost } else { Found::Never };
        *found = column::<Option<Vec<u8>>>(&row, 1)?.map_or(none, Found::Bytes);
    }
    Ok(found)
}

/// Pieces as the parameters of a statement.
pub(crate) struct PieceColumns {
    pub(crate) devices: Vec<i64>,
    pub(crate) segments: Vec<i64>,
    /// `None` for a head.
    pub(crate) blocks: Vec<Option<i32>>,
}

impl PieceColumns {
    pub(crate) fn new(pieces: &[PieceKey]) -> Self {
        Self {
            devices: pieces.iter().map(|key| key.device.0).collect(),
            segments: pieces.iter().map(|key| key.segment.0).collect(),
            blocks: pieces.iter().map(|key| block(key.piece)).collect(),
        }
    }
}

/// Returns the position of a piece in the request, from the first column of a row.
pub(crate) fn position(row: &Row) -> Result<Option<usize>, StoreError> {
    // Positions are counted from 1.
    Ok(usize::try_from(column::<i64>(row, 0)?).ok().and_then(|position| position.checked_sub(1)))
}

/// Returns the number of a block in the type of its column; `None` for the head. A number that is too large
/// becomes the maximum of the column, which no block has.
fn block(piece: Piece) -> Option<i32> {
    match piece {
        Piece::Head => None,
        Piece::Block(block) => Some(i32::try_from(block).unwrap_or(i32::MAX)),
    }
}

/// Writes a segment under a new id.
pub(crate) async fn insert(
    transaction: &Transaction<'_>,
    device: DeviceKey,
    id: SegmentId,
    segment: &Segment,
    head: &Head,
) -> Result<(), Failure> {
    let insert = transaction
        .prepare_cached(
            "INSERT INTO segment (device, id, first_us, last_us, readings, blocks, head)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .await?;
    let insert_blocks = transaction
        .prepare_cached(
            "INSERT INTO segment_block (device, segment, block, bytes)
             SELECT $1, $2, place - 1, bytes FROM unnest($3::bytea[]) WITH ORDINALITY AS block (bytes, place)",
        )
        .await?;
    let too_large = |error| StoreError::Broken(Box::new(error));
    let readings = i32::try_from(head.readings()).map_err(too_large)?;
    let blocks = i32::try_from(segment.blocks.len()).map_err(too_large)?;
    let (first_us, last_us) = (head.first_us(), head.last_us());
    try_join(
        transaction
            .execute(&insert, &[&device.0, &id.0, &first_us, &last_us, &readings, &blocks, &segment.head]),
        transaction.execute(&insert_blocks, &[&device.0, &id.0, &segment.blocks]),
    )
    .await?;
    Ok(())
}
