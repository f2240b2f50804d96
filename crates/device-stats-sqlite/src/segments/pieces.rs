//! Statements about the bytes of segments: the head is in the catalogue, each block is a row of its own.

use device_stats_domain::DeviceKey;
use device_stats_store::{Piece, PieceKey, SegmentId, StoreError};
use rusqlite::{CachedStatement, Connection, ErrorCode, OptionalExtension};

use crate::database::errors::store_error;

/// Fault of a piece that has no row, although its segment is in the catalogue.
pub(crate) const ROW_MISSING: &str = "SQLite does not find its row";

/// Number of bits of a block's row id that hold the number of the block. No segment has nearly 65,536 blocks.
const BLOCK_BITS: u32 = 16;

/// Returns the row id of a block; `None` if no such block can exist.
pub(crate) fn block_id(segment: SegmentId, block: u32) -> Option<i64> {
    let first = segment.0.checked_mul(1 << BLOCK_BITS)?;
    (block < 1 << BLOCK_BITS).then_some(first | i64::from(block))
}

/// Returns the pieces in the same order; `None` for each piece that does not exist.
///
/// # Errors
/// [`StoreError::Corrupt`] if a piece must exist, but its row is missing or malformed.
pub(crate) fn read(connection: &Connection, pieces: &[PieceKey]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
    let mut statements = PieceStatements::new(connection)?;
    pieces.iter().map(|piece| statements.read(*piece)).collect()
}

/// Returns one piece as [`read`] does.
pub(crate) fn read_one(connection: &Connection, piece: PieceKey) -> Result<Option<Vec<u8>>, StoreError> {
    PieceStatements::new(connection)?.read(piece)
}

/// The statements that read pieces.
struct PieceStatements<'c> {
    head: CachedStatement<'c>,
    block: CachedStatement<'c>,
    has_block: CachedStatement<'c>,
}

impl<'c> PieceStatements<'c> {
    fn new(connection: &'c Connection) -> Result<Self, StoreError> {
        let prepare = |statement| connection.prepare_cached(statement).map_err(store_error);
        Ok(Self {
            head: prepare(
                "SELECT head FROM segment JOIN devices ON devices.id = device
                 WHERE segment.id = ?1 AND device = ?2",
            )?,
            block: prepare(
                "SELECT bytes FROM segment_block
                 WHERE id = ?3 AND EXISTS (
                     SELECT 1 FROM segment JOIN devices ON devices.id = device
                     WHERE segment.id = ?1 AND device = ?2)",
            )?,
            has_block: prepare(
                "SELECT EXISTS (
                     SELECT 1 FROM segment JOIN devices ON devices.id = device
                     WHERE segment.id = ?1 AND device = ?2 AND blocks > ?3)",
            )?,
        })
    }

    fn read(&mut self, key: PieceKey) -> Result<Option<Vec<u8>>, StoreError> {
        let PieceKey { device: DeviceKey(device), segment, piece } = key;
        let read = match piece {
            Piece::Head => self.head.query_row((segment.0, device), |row| row.get(0)).optional(),
            Piece::Block(number) => {
                let row = (segment.0, device, block_id(segment, number));
                self.block.query_row(row, |row| row.get(0)).optional()
            }
        };
        let read = read.map_err(|error| malformed(key, error))?;
        if let (None, Piece::Block(number)) = (&read, piece)
            && self.has_block.query_row((segment.0, device, number), |row| row.get(0)).map_err(store_error)?
        {
            return Err(key.inconsistent(ROW_MISSING));
        }
        Ok(read)
    }
}

/// Converts the error of reading a piece. SQLite has no checksums; it reports only rows with an impossible
/// structure.
pub(crate) fn malformed(key: PieceKey, error: rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt) => key.inconsistent("SQLite finds its row malformed"),
        _ => store_error(error),
    }
}

/// Inserts the blocks of a segment.
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
        let id = id.ok_or_else(|| StoreError::Broken("a segment has too many blocks".into()))?;
        insert.execute((id, bytes)).map_err(store_error)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_blocks_have_the_same_id() {
        let id = |segment, block| block_id(SegmentId(segment), block);
        assert_eq!(id(1, 0), Some(0x1_0000));
        assert_eq!(id(1, 0xffff), Some(0x1_ffff));
        assert_eq!(id(2, 0), Some(0x2_0000));
        for (segment, block) in [
            (1, 0x1_0000),
            (1, u32::MAX),
            (i64::MAX, 0),
            (i64::MIN, 0),
            (1 << 47, 0),
            (0x1_0000_0000_0001, 0),
        ] {
            assert_eq!(id(segment, block), None, "{segment} {block}");
        }
    }
}
