//! Statements about the bytes of segments: heads, which are in the catalogue, and blocks, which are rows of their own.

use device_stats_store::{Piece, PieceKey, SegmentId, StoreError};
use rusqlite::{Connection, OptionalExtension};

use crate::errors::store_error;

/// Bits of the id of a block that number it inside its segment. A segment is far from having so many blocks.
const BLOCK_BITS: u32 = 16;

/// The id of the row that has a block; none where no such block can be.
fn block_id(segment: SegmentId, block: u32) -> Option<i64> {
    let first = segment.0.checked_mul(1 << BLOCK_BITS)?;
    (block < 1 << BLOCK_BITS).then_some(first | i64::from(block))
}

/// The pieces in the order asked for; `None` for each that is not there.
pub(crate) fn read(connection: &Connection, pieces: &[PieceKey]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
    let prepare = |statement| connection.prepare_cached(statement).map_err(store_error);
    let mut head = prepare("SELECT head FROM segment WHERE id = ?1 AND device = ?2")?;
    let mut block = prepare(
        "SELECT bytes FROM segment_block
         WHERE id = ?3 AND EXISTS (SELECT 1 FROM segment WHERE id = ?1 AND device = ?2)",
    )?;
    let read = pieces.iter().map(|PieceKey { device, segment, piece }| {
        let read = match *piece {
            Piece::Head => head.query_row((segment.0, device.0), |row| row.get(0)),
            Piece::Block(number) => {
                block.query_row((segment.0, device.0, block_id(*segment, number)), |row| row.get(0))
            }
        };
        read.optional().map_err(store_error)
    });
    read.collect()
}

/// Adds the blocks of a segment.
pub(crate) fn insert(
    connection: &Connection,
    segment: SegmentId,
    blocks: &[Vec<u8>],
) -> Result<(), StoreError> {
    let mut insert = connection
        .prepare_cached("INSERT INTO segment_block (id, bytes) VALUES (?1, ?2)")
        .map_err(store_error)?;
    for (number, bytes) in (0..).zip(blocks) {
        let id = block_id(segment, number);
        let id = id.ok_or_else(|| StoreError::Broken("the segment has too many blocks".into()))?;
        insert.execute((id, bytes)).map_err(store_error)?;
    }
    Ok(())
}
