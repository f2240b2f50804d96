//! The journal of hot readings: an entry for each commit that changed which readings are hot, in the order of the commits.
//! What an entry means to what is in memory is the matter of [`hot`](crate::hot).
//!
//! The bytes of an entry are little-endian words of eight bytes, followed by their CRC-32 (IEEE, four bytes):
//!
//! | kind | what | words |
//! |---|---|---|
//! | 1 | readings became hot | for each: device, time (microseconds since 1970 UTC), id, x, y, z (IEEE 754 doubles) |
//! | 2 | readings of a device were sealed | device, then their times |
//! | 3 | devices were deleted, with all readings | the devices |
//! | 4 | readings stay hot, but no longer for the entry they came with | as 1 |
//!
//! Entries are removed from the front only, once none of their readings is hot for them.

use device_stats_domain::{Axes, DeviceKey};
use device_stats_segment::Row;
use device_stats_store::StoreError;
use rusqlite::{Connection, TransactionBehavior};

use crate::database::errors::store_error;

/// A place in the journal, from 1 up; 0 is before the first entry.
pub(crate) type Position = i64;

/// What a commit did to hot readings.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Entry {
    /// They became hot.
    Appended(Vec<(DeviceKey, Row)>),
    /// Those of that device at these times are in a segment now.
    Sealed(DeviceKey, Vec<i64>),
    /// They are gone, with all their readings.
    Deleted(Vec<DeviceKey>),
    /// They are hot for this entry now.
    Carried(Vec<(DeviceKey, Row)>),
}

/// Words of a reading.
const READING_WORDS: usize = 6;
/// Readings of an entry that takes over rows of an older schema.
const ADOPTED_AT_ONCE: usize = 64 * 1024;

impl Entry {
    fn kind(&self) -> i64 {
        match self {
            Self::Appended(_) => 1,
            Self::Sealed(..) => 2,
            Self::Deleted(_) => 3,
            Self::Carried(_) => 4,
        }
    }

    fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        match self {
            Self::Appended(readings) | Self::Carried(readings) => {
                bytes.reserve_exact(readings.len() * READING_WORDS * 8 + 4);
                for (device, Row { time_us, id, values: Axes { x, y, z } }) in readings {
                    let words =
                        [*device, DeviceKey(*time_us), DeviceKey(*id)].map(|word| word.0.to_le_bytes());
                    bytes.extend_from_slice(words.as_flattened());
                    bytes.extend_from_slice([x, y, z].map(|number| number.to_le_bytes()).as_flattened());
                }
            }
            Self::Sealed(device, times) => {
                bytes.extend_from_slice(&device.0.to_le_bytes());
                bytes.extend(times.iter().flat_map(|time| time.to_le_bytes()));
            }
            Self::Deleted(devices) => {
                bytes.extend(devices.iter().flat_map(|device| device.0.to_le_bytes()));
            }
        }
        bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
        bytes
    }

    /// `None` where no entry has these bytes.
    fn decode(kind: i64, bytes: &[u8]) -> Option<Self> {
        let (bytes, checksum) = bytes.split_last_chunk()?;
        let (words, []) = bytes.as_chunks::<8>() else { return None };
        if crc32fast::hash(bytes) != u32::from_le_bytes(*checksum) {
            return None;
        }
        let integer = |word: &[u8; 8]| i64::from_le_bytes(*word);
        match kind {
            1 => decode_readings(words).map(Self::Appended),
            2 => {
                let (device, times) = words.split_first()?;
                Some(Self::Sealed(DeviceKey(integer(device)), times.iter().map(integer).collect()))
            }
            3 => Some(Self::Deleted(words.iter().map(|word| DeviceKey(integer(word))).collect())),
            4 => decode_readings(words).map(Self::Carried),
            _ => None,
        }
    }
}

fn decode_readings(words: &[[u8; 8]]) -> Option<Vec<(DeviceKey, Row)>> {
    let (readings, []) = words.as_chunks::<READING_WORDS>() else { return None };
    let readings = readings.iter().map(|[device, time_us, id, x, y, z]| {
        let [device, time_us, id] = [device, time_us, id].map(|word| i64::from_le_bytes(*word));
        let [x, y, z] = [x, y, z].map(|word| f64::from_le_bytes(*word));
        (DeviceKey(device), Row { time_us, id, values: Axes { x, y, z } })
    });
    Some(readings.collect())
}

/// Writes an entry behind all others.
pub(crate) fn write(connection: &Connection, entry: &Entry) -> Result<(), StoreError> {
    let mut insert = connection
        .prepare_cached("INSERT INTO journal (kind, bytes) VALUES (?1, ?2)")
        .map_err(store_error)?;
    insert.execute((entry.kind(), entry.encode())).map(drop).map_err(store_error)
}

/// The position of the last entry that was ever written.
pub(crate) fn last(connection: &Connection) -> Result<Position, StoreError> {
    let mut select = connection
        .prepare_cached("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'journal'")
        .map_err(store_error)?;
    select.query_row([], |row| row.get(0)).map_err(store_error)
}

/// The position of the first entry that is still there.
pub(crate) fn first(connection: &Connection) -> Result<Option<Position>, StoreError> {
    let mut select = connection.prepare_cached("SELECT min(position) FROM journal").map_err(store_error)?;
    select.query_row([], |row| row.get(0)).map_err(store_error)
}

/// Hands out the entries behind a position, in order, as long as they are taken.
pub(crate) fn each_after(
    connection: &Connection,
    position: Position,
    mut take: impl FnMut(Position, Entry) -> bool,
) -> Result<(), StoreError> {
    let mut select = connection
        .prepare_cached("SELECT position, kind, bytes FROM journal WHERE position > ?1 ORDER BY position")
        .map_err(store_error)?;
    let mut entries = select.query([position]).map_err(store_error)?;
    while let Some(row) = entries.next().map_err(store_error)? {
        let (position, entry) = read(row)?;
        if !take(position, entry) {
            break;
        }
    }
    Ok(())
}

fn read(row: &rusqlite::Row<'_>) -> Result<(Position, Entry), StoreError> {
    let position = row.get(0).map_err(store_error)?;
    let kind = row.get(1).map_err(store_error)?;
    let bytes = row.get_ref(2).map_err(store_error)?.as_blob().unwrap_or_default();
    let damaged = || StoreError::Broken(format!("entry {position} of the journal is damaged").into());
    Entry::decode(kind, bytes).map(|entry| (position, entry)).ok_or_else(damaged)
}

/// Removes all entries before a position.
pub(crate) fn cut(connection: &Connection, position: Position) -> Result<(), StoreError> {
    let mut delete =
        connection.prepare_cached("DELETE FROM journal WHERE position < ?1").map_err(store_error)?;
    delete.execute([position]).map(drop).map_err(store_error)
}

/// Takes over the hot readings of a database whose schema was older than the journal: there each was a row of `reading`.
pub(crate) fn adopt(connection: &mut Connection) -> Result<(), StoreError> {
    if !has_rows(connection)? {
        return Ok(());
    }
    // At once the right to write: one that asks for it after its first read may be refused it.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate);
    let transaction = transaction.map_err(store_error)?;
    {
        let mut select =
            transaction.prepare("SELECT device, time, id, x, y, z FROM reading").map_err(store_error)?;
        let mut rows = select
            .query_map([], |row| {
                let values = Axes { x: row.get(3)?, y: row.get(4)?, z: row.get(5)? };
                Ok((DeviceKey(row.get(0)?), Row { time_us: row.get(1)?, id: row.get(2)?, values }))
            })
            .map_err(store_error)?;
        loop {
            let readings = rows.by_ref().take(ADOPTED_AT_ONCE).collect::<Result<Vec<_>, _>>();
            let readings = readings.map_err(store_error)?;
            if readings.is_empty() {
                break;
            }
            write(&transaction, &Entry::Appended(readings))?;
        }
    }
    let drop_rows = "DROP TRIGGER IF EXISTS device_takes_readings_along; DROP TABLE reading";
    transaction.execute_batch(drop_rows).map_err(store_error)?;
    transaction.commit().map_err(store_error)
}

/// Whether there are rows that have not been taken over.
pub(crate) fn has_rows(connection: &Connection) -> Result<bool, StoreError> {
    connection.table_exists(None, "reading").map_err(store_error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(n: i64) -> (DeviceKey, Row) {
        let values = Axes { x: -0.5, y: f64::MAX, z: 5e-324 };
        (DeviceKey(n), Row { time_us: -n, id: i64::MAX - n, values })
    }

    fn entries() -> [Entry; 5] {
        [
            Entry::Appended(vec![reading(1), reading(2)]),
            Entry::Sealed(DeviceKey(7), vec![i64::MIN, 0, 9]),
            Entry::Deleted(vec![DeviceKey(3)]),
            Entry::Carried(vec![reading(5)]),
            Entry::Appended(Vec::new()),
        ]
    }

    #[test]
    fn an_entry_is_read_as_it_was_written() {
        for entry in entries() {
            assert_eq!(Entry::decode(entry.kind(), &entry.encode()), Some(entry));
        }
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        for entry in entries() {
            let bytes = entry.encode();
            for place in 0..bytes.len() {
                assert_eq!(Entry::decode(entry.kind(), &bytes[..place]), None);
                for bit in 0..8 {
                    let mut flipped = bytes.clone();
                    flipped[place] ^= 1 << bit;
                    assert_eq!(Entry::decode(entry.kind(), &flipped), None);
                }
            }
        }
    }
}
