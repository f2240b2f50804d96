//! Statements about the bytes of segments: single pieces are read, whole segments are written and deleted.

use deadpool_postgres::{Client, GenericClient, Transaction};
use device_stats_domain::DeviceKey;
use device_stats_segment::{Fault, Head, Section, Segment};
use device_stats_store::{Piece, PieceKey, SegmentId, StoreError};

use crate::columns::column;
use crate::errors::Failure;
use crate::transactions::try_join;

/// A row for each piece whose segment is there, with its place among those asked for: the head where no block is named;
/// nothing where the block is not there, and whether it has to be.
const FIND: &str = "SELECT place, CASE WHEN wanted.block IS NULL THEN head ELSE bytes END, wanted.block < blocks
    FROM unnest($1::bigint[], $2::bigint[], $3::integer[]) WITH ORDINALITY AS wanted (device, id, block, place)
    JOIN segment USING (device, id)
    LEFT JOIN segment_block ON segment_block.device = wanted.device AND segment_block.segment = wanted.id
        AND segment_block.block = wanted.block";

/// What was found of a piece.
#[derive(Clone, Debug)]
pub(crate) enum Found {
    /// Its segment is not there.
    Gone,
    /// Its segment is there, and never had it.
    Never,
    /// Its segment is there without it.
    Lost,
    /// Its bytes.
    Bytes(Vec<u8>),
}

/// The pieces in the order asked for; `None` for each that is not there.
///
/// # Errors
/// [`StoreError::Corrupt`] where a block has to be there.
pub(crate) async fn read(client: &Client, pieces: &[PieceKey]) -> Result<Vec<Option<Vec<u8>>>, Failure> {
    let found = pieces.iter().zip(find(client, pieces).await?);
    let read = found.map(|(key, found)| match found {
        Found::Bytes(bytes) => Ok(Some(bytes)),
        Found::Gone | Found::Never => Ok(None),
        Found::Lost => Err(lost(*key).into()),
    });
    read.collect()
}

fn lost(key: PieceKey) -> StoreError {
    let section = match key.piece {
        Piece::Head => Section::Head,
        Piece::Block(block) => Section::Block(block),
    };
    let fault = Fault::Inconsistent { section, reason: "PostgreSQL does not find its row" };
    StoreError::Corrupt { device: key.device, segment: key.segment, fault }
}

/// What there is of the pieces, in the order asked for.
pub(crate) async fn find(client: &impl GenericClient, pieces: &[PieceKey]) -> Result<Vec<Found>, Failure> {
    if pieces.is_empty() {
        return Ok(Vec::new());
    }
    let select = client.prepare_cached(FIND).await?;
    let devices: Vec<i64> = pieces.iter().map(|key| key.device.0).collect();
    let segments: Vec<i64> = pieces.iter().map(|key| key.segment.0).collect();
    let blocks: Vec<Option<i32>> = pieces.iter().map(|key| block(key.piece)).collect();
    let mut found = vec![Found::Gone; pieces.len()];
    for row in client.query(&select, &[&devices, &segments, &blocks]).await? {
        // Places are counted from 1.
        let place = usize::try_from(column::<i64>(&row, 0)?).ok().and_then(|place| place.checked_sub(1));
        if let Some(found) = place.and_then(|place| found.get_mut(place)) {
            let is_known = column::<Option<bool>>(&row, 2)?.unwrap_or(true);
            let none = if is_known { Found::Lost } else { Found::Never };
            *found = column::<Option<Vec<u8>>>(&row, 1)?.map_or(none, Found::Bytes);
        }
    }
    Ok(found)
}

/// The number of a block as its column has it, where it is a block. No segment has one as large as the column can hold.
fn block(piece: Piece) -> Option<i32> {
    match piece {
        Piece::Head => None,
        Piece::Block(block) => Some(i32::try_from(block).unwrap_or(i32::MAX)),
    }
}

/// Writes a segment under an id that was reserved for it.
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
