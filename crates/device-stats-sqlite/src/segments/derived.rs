//! Statements about derived segments: their heads, and their blocks, which are rows of their own.

use device_stats_domain::DeviceKey;
use device_stats_segment::Segment;
use device_stats_store::{Piece, PieceKey, SegmentId, StoreError};
use rusqlite::{Connection, OptionalExtension};

use crate::database::errors::store_error;
use crate::segments::catalogue;
use crate::segments::pieces::{block_id, malformed};

/// Returns the pieces in the same order; `None` for each piece that does not exist.
///
/// # Errors
/// [`StoreError::Corrupt`] if a row is malformed.
pub(crate) fn read(connection: &Connection, pieces: &[PieceKey]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
    let prepare = |statement| connection.prepare_cached(statement).map_err(store_error);
    let mut head = prepare(
        "SELECT head FROM derived_segment JOIN devices ON id = device WHERE segment = ?1 AND device = ?2",
    )?;
    let mut block = prepare(
        "SELECT bytes FROM derived_block
         WHERE id = ?3 AND EXISTS (
             SELECT 1 FROM derived_segment JOIN devices ON devices.id = device
             WHERE segment = ?1 AND device = ?2)",
    )?;
    let read = pieces.iter().map(|key| {
        let (segment, device) = (key.segment, key.device.0);
        let read = match key.piece {
            Piece::Head => head.query_row((segment.0, device), |row| row.get(0)).optional(),
            Piece::Block(number) => {
                let row = (segment.0, device, block_id(segment, number));
                block.query_row(row, |row| row.get(0)).optional()
            }
        };
        read.map_err(|error| malformed(*key, error))
    });
    read.collect()
}

/// Inserts the derived segment of a segment, unless it has one, does not exist, or is of another device.
pub(crate) fn insert(
    connection: &Connection,
    device: DeviceKey,
    segment: SegmentId,
    derived: &Segment,
) -> Result<(), StoreError> {
    if !catalogue::has(connection, device, segment)? {
        return Ok(());
    }
    let mut insert = connection
        .prepare_cached("INSERT OR IGNORE INTO derived_segment (segment, device, head) VALUES (?1, ?2, ?3)")
        .map_err(store_error)?;
    if insert.execute((segment.0, device.0, &derived.head)).map_err(store_error)? == 0 {
        return Ok(());
    }
    let mut insert = connection
        .prepare_cached("INSERT INTO derived_block (id, bytes) VALUES (?1, ?2)")
        .map_err(store_error)?;
    for (number, bytes) in (0..).zip(&derived.blocks) {
        let id = block_id(segment, number);
        let id = id.ok_or_else(|| StoreError::Broken("a derived segment has too many blocks".into()))?;
        insert.execute((id, bytes)).map_err(store_error)?;
    }
    Ok(())
}

/// Deletes the derived segment of a segment, and returns whether it was stored. A trigger deletes its blocks.
pub(crate) fn delete(
    connection: &Connection,
    device: DeviceKey,
    segment: SegmentId,
) -> Result<bool, StoreError> {
    let mut delete = connection
        .prepare_cached("DELETE FROM derived_segment WHERE segment = ?1 AND device = ?2")
        .map_err(store_error)?;
    delete.execute((segment.0, device.0)).map(|deleted| deleted > 0).map_err(store_error)
}
