//! Statements about the bytes of segments: heads, which are in the catalogue, and blocks, which are rows of their own.

use device_stats_domain::DeviceKey;
use device_stats_segment::{Fault, Section};
use device_stats_store::{Piece, PieceKey, SegmentId, StoreError};
use rusqlite::{CachedStatement, Connection, ErrorCode, OptionalExtension};

use crate::errors::store_error;

/// Bits of the id of a block that number it inside its segment. A segment is far from having so many blocks.
const BLOCK_BITS: u32 = 16;

/// The id of the row that has a block; none where no such block can be.
fn block_id(segment: SegmentId, block: u32) -> Option<i64> {
    let first = segment.0.checked_mul(1 << BLOCK_BITS)?;
    (block < 1 << BLOCK_BITS).then_some(first | i64::from(block))
}

/// The pieces in the order asked for; `None` for each that is not there.
///
/// # Errors
/// [`StoreError::Corrupt`] where a piece has to be there, and SQLite cannot find or follow its row: it keeps no
/// checksums, but notices what cannot be.
pub(crate) fn read(connection: &Connection, pieces: &[PieceKey]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
    let prepare = |statement| connection.prepare_cached(statement).map_err(store_error);
    let mut reading = Reading {
        head: prepare("SELECT head FROM segment WHERE id = ?1 AND device = ?2")?,
        block: prepare(
            "SELECT bytes FROM segment_block
             WHERE id = ?3 AND EXISTS (SELECT 1 FROM segment WHERE id = ?1 AND device = ?2)",
        )?,
        has_block: prepare(
            "SELECT EXISTS (SELECT 1 FROM segment WHERE id = ?1 AND device = ?2 AND blocks > ?3)",
        )?,
    };
    pieces.iter().map(|piece| reading.read(*piece)).collect()
}

/// The statements that read pieces.
struct Reading<'c> {
    head: CachedStatement<'c>,
    block: CachedStatement<'c>,
    has_block: CachedStatement<'c>,
}

impl Reading<'_> {
    fn read(&mut self, key: PieceKey) -> Result<Option<Vec<u8>>, StoreError> {
        let PieceKey { device: DeviceKey(device), segment, piece } = key;
        let read = match piece {
            Piece::Head => self.head.query_row((segment.0, device), |row| row.get(0)).optional(),
            Piece::Block(number) => {
                let row = (segment.0, device, block_id(segment, number));
                self.block.query_row(row, |row| row.get(0)).optional()
            }
        };
        let read = read.map_err(|error| match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt) => corrupt(key, "SQLite finds its row malformed"),
            _ => store_error(error),
        })?;
        if let (None, Piece::Block(number)) = (&read, piece)
            && self.has_block.query_row((segment.0, device, number), |row| row.get(0)).map_err(store_error)?
        {
            return Err(corrupt(key, "SQLite does not find its row"));
        }
        Ok(read)
    }
}

fn corrupt(key: PieceKey, reason: &'static str) -> StoreError {
    let section = match key.piece {
        Piece::Head => Section::Head,
        Piece::Block(number) => Section::Block(number),
    };
    let fault = Fault::Inconsistent { section, reason };
    StoreError::Corrupt { device: key.device, segment: key.segment, fault }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_block_has_the_id_of_another_one() {
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
