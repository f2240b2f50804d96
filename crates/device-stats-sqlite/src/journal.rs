//! The journal of hot readings: one entry for each commit that changed the set of hot readings, in the order
//! of the commits. [`hot`](crate::hot) applies the entries to memory.
//!
//! The bytes of an entry are little-endian words of eight bytes, followed by their CRC-32 (IEEE, four bytes):
//!
//! | kind | meaning | words |
//! |---|---|---|
//! | 1 | readings became hot | for each: device, time (µs since 1970 UTC), id, x, y, z (doubles) |
//! | 2 | readings of a device are no longer hot: they were sealed | device, then their times |
//! | 3 | devices were deleted, with all readings | the devices |
//! | 4 | readings stay hot, and this entry holds them from now on | as 1 |
//! | 5 | the readings of a device in a window were deleted | device, start and end of the window (as times) |
//!
//! An entry of kind 5 is also written if all readings in the window are sealed. If the entry of their seal is
//! damaged later, a [repair](crate::repair) drops it, and only this entry keeps them from being hot again.
//!
//! The devices of an entry are stored beside it, in the same form: ascending keys and their CRC-32. If the
//! bytes of an entry are damaged, only these devices are concerned. If the devices are not known either, all
//! devices are.
//!
//! Entries are removed only from the front, once they hold no hot reading. A damaged entry stays until it is
//! [repaired](crate::repair).

use std::collections::BTreeSet;

use device_stats_domain::{Axes, DeviceKey, Window};
use device_stats_segment::Row;
use device_stats_store::StoreError;
use rusqlite::{Connection, TransactionBehavior};

use crate::database::errors::store_error;

/// Position of an entry, 1 and up; 0 is before the first entry.
pub(crate) type Position = i64;

/// The change of a commit to the hot readings.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Entry {
    /// Readings became hot.
    Appended(Vec<(DeviceKey, Row)>),
    /// Readings of a device at these times were sealed.
    Removed(DeviceKey, Vec<i64>),
    /// Devices were deleted with all their readings.
    Deleted(Vec<DeviceKey>),
    /// Hot readings that this entry holds from now on.
    Carried(Vec<(DeviceKey, Row)>),
    /// The readings of a device in a window were deleted.
    Cleared(DeviceKey, Window),
}

/// An entry as it is found in the journal.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Found {
    /// An intact entry.
    Entry(Entry),
    /// A damaged entry, and its devices if they are known.
    Damaged(Option<Vec<DeviceKey>>),
}

/// Number of words of a reading.
const READING_WORDS: usize = 6;
/// Maximum number of readings in one entry when rows of an older schema are moved into the journal.
const ADOPTED_AT_ONCE: usize = 64 * 1024;

impl Entry {
    pub(crate) fn kind(&self) -> i64 {
        match self {
            Self::Appended(_) => 1,
            Self::Removed(..) => 2,
            Self::Deleted(_) => 3,
            Self::Carried(_) => 4,
            Self::Cleared(..) => 5,
        }
    }

    /// Returns the devices of the entry, by ascending key.
    fn devices(&self) -> Vec<DeviceKey> {
        let devices: BTreeSet<DeviceKey> = match self {
            Self::Appended(readings) | Self::Carried(readings) => {
                readings.iter().map(|(device, _)| *device).collect()
            }
            Self::Removed(device, _) | Self::Cleared(device, _) => BTreeSet::from([*device]),
            Self::Deleted(devices) => devices.iter().copied().collect(),
        };
        devices.into_iter().collect()
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
            Self::Removed(device, times) => {
                bytes.extend_from_slice(&device.0.to_le_bytes());
                bytes.extend(times.iter().flat_map(|time| time.to_le_bytes()));
            }
            Self::Deleted(devices) => {
                bytes.extend(devices.iter().flat_map(|device| device.0.to_le_bytes()));
            }
            Self::Cleared(device, Window { from_us, until_us }) => {
                bytes.extend([device.0, *from_us, *until_us].into_iter().flat_map(i64::to_le_bytes));
            }
        }
        with_checksum(bytes)
    }

    /// Decodes an entry; `None` if the bytes are not an entry.
    fn decode(kind: i64, bytes: &[u8]) -> Option<Self> {
        let words = checked_words(bytes)?;
        match kind {
            1 => decode_readings(words).map(Self::Appended),
            2 => {
                let (device, times) = words.split_first()?;
                Some(Self::Removed(DeviceKey(integer(*device)), times.iter().copied().map(integer).collect()))
            }
            3 => Some(Self::Deleted(words.iter().map(|word| DeviceKey(integer(*word))).collect())),
            4 => decode_readings(words).map(Self::Carried),
            5 => {
                let [device, from_us, until_us] = <[[u8; 8]; 3]>::try_from(words).ok()?.map(integer);
                Some(Self::Cleared(DeviceKey(device), Window { from_us, until_us }))
            }
            _ => None,
        }
    }
}

fn integer(word: [u8; 8]) -> i64 {
    i64::from_le_bytes(word)
}

fn with_checksum(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
    bytes
}

/// Returns the words before a checksum; `None` if the checksum is wrong.
fn checked_words(bytes: &[u8]) -> Option<&[[u8; 8]]> {
    let (bytes, checksum) = bytes.split_last_chunk()?;
    let (words, []) = bytes.as_chunks::<8>() else { return None };
    (crc32fast::hash(bytes) == u32::from_le_bytes(*checksum)).then_some(words)
}

fn encode_devices(devices: &[DeviceKey]) -> Vec<u8> {
    with_checksum(devices.iter().flat_map(|device| device.0.to_le_bytes()).collect())
}

/// Decodes the devices of an entry; `None` if the bytes are not devices.
pub(crate) fn decode_devices(bytes: &[u8]) -> Option<Vec<DeviceKey>> {
    Some(checked_words(bytes)?.iter().map(|word| DeviceKey(integer(*word))).collect())
}

/// Decodes the readings of a damaged entry as far as possible. At least one number of the entry is wrong.
pub(crate) fn decode_damaged_readings(bytes: &[u8]) -> Vec<(DeviceKey, Row)> {
    let words = bytes.as_chunks::<8>().0;
    let whole = words.len() - words.len() % READING_WORDS;
    words.get(..whole).and_then(decode_readings).unwrap_or_default()
}

fn decode_readings(words: &[[u8; 8]]) -> Option<Vec<(DeviceKey, Row)>> {
    let (readings, []) = words.as_chunks::<READING_WORDS>() else { return None };
    let readings = readings.iter().map(|[device, time_us, id, x, y, z]| {
        let [device, time_us, id] = [device, time_us, id].map(|word| integer(*word));
        let [x, y, z] = [x, y, z].map(|word| f64::from_le_bytes(*word));
        (DeviceKey(device), Row { time_us, id, values: Axes { x, y, z } })
    });
    Some(readings.collect())
}

/// Appends an entry to the journal.
pub(crate) fn write(connection: &Connection, entry: &Entry) -> Result<(), StoreError> {
    let mut insert = connection
        .prepare_cached("INSERT INTO journal (kind, bytes, devices) VALUES (?1, ?2, ?3)")
        .map_err(store_error)?;
    let devices = encode_devices(&entry.devices());
    insert.execute((entry.kind(), entry.encode(), devices)).map(drop).map_err(store_error)
}

/// Replaces the entry at a position, or inserts a missing one.
pub(crate) fn replace(connection: &Connection, position: Position, entry: &Entry) -> Result<(), StoreError> {
    let replace = "INSERT OR REPLACE INTO journal (position, kind, bytes, devices) VALUES (?1, ?2, ?3, ?4)";
    let devices = encode_devices(&entry.devices());
    connection
        .execute(replace, (position, entry.kind(), entry.encode(), devices))
        .map(drop)
        .map_err(store_error)
}

/// Returns the position of the last entry ever written.
pub(crate) fn last(connection: &Connection) -> Result<Position, StoreError> {
    let mut select = connection
        .prepare_cached("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'journal'")
        .map_err(store_error)?;
    select.query_row([], |row| row.get(0)).map_err(store_error)
}

/// Returns the position of the first entry that has not been removed.
pub(crate) fn first(connection: &Connection) -> Result<Option<Position>, StoreError> {
    let mut select = connection.prepare_cached("SELECT min(position) FROM journal").map_err(store_error)?;
    select.query_row([], |row| row.get(0)).map_err(store_error)
}

/// Passes the entries after a position to `take`, in order, until `take` returns false.
pub(crate) fn each_after(
    connection: &Connection,
    position: Position,
    mut take: impl FnMut(Position, Found) -> bool,
) -> Result<(), StoreError> {
    let mut select = connection
        .prepare_cached(
            "SELECT position, kind, bytes, devices FROM journal WHERE position > ?1 ORDER BY position",
        )
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

fn read(row: &rusqlite::Row<'_>) -> Result<(Position, Found), StoreError> {
    let position = row.get(0).map_err(store_error)?;
    let kind = row.get(1).map_err(store_error)?;
    let bytes = row.get_ref(2).map_err(store_error)?.as_blob().unwrap_or_default();
    if let Some(entry) = Entry::decode(kind, bytes) {
        return Ok((position, Found::Entry(entry)));
    }
    let devices = row.get_ref(3).map_err(store_error)?.as_blob().unwrap_or_default();
    Ok((position, Found::Damaged(decode_devices(devices))))
}

/// Removes all entries before a position.
pub(crate) fn cut(connection: &Connection, position: Position) -> Result<(), StoreError> {
    let mut delete =
        connection.prepare_cached("DELETE FROM journal WHERE position < ?1").map_err(store_error)?;
    delete.execute([position]).map(drop).map_err(store_error)
}

/// Moves the hot readings of an older schema into the journal. In that schema, each hot reading is a row of
/// the table `reading`.
pub(crate) fn adopt(connection: &mut Connection) -> Result<(), StoreError> {
    if !has_rows(connection)? {
        return Ok(());
    }
    // Takes the write lock at once: SQLite can refuse it to a transaction that has read already.
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

/// Returns whether the database still has rows of the older schema.
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

    fn entries() -> [Entry; 6] {
        [
            Entry::Appended(vec![reading(1), reading(2)]),
            Entry::Removed(DeviceKey(7), vec![i64::MIN, 0, 9]),
            Entry::Deleted(vec![DeviceKey(3)]),
            Entry::Carried(vec![reading(5)]),
            Entry::Cleared(DeviceKey(4), Window { from_us: -2, until_us: i64::MAX }),
            Entry::Appended(Vec::new()),
        ]
    }

    #[test]
    fn an_entry_decodes_to_itself() {
        for entry in entries() {
            assert_eq!(Entry::decode(entry.kind(), &entry.encode()), Some(entry));
        }
    }

    #[test]
    fn a_flipped_bit_of_the_devices_is_detected() {
        let devices = Entry::Appended(vec![reading(9), reading(2), reading(9)]).devices();
        assert_eq!(devices, [DeviceKey(2), DeviceKey(9)]);
        let bytes = encode_devices(&devices);
        assert_eq!(decode_devices(&bytes), Some(devices));
        for bit in 0..8 * bytes.len() {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode_devices(&flipped), None);
        }
        assert_eq!(decode_devices(&[]), None);
    }

    #[test]
    fn every_flipped_bit_and_every_truncation_is_detected() {
        for entry in entries() {
            let bytes = entry.encode();
            for position in 0..bytes.len() {
                assert_eq!(Entry::decode(entry.kind(), &bytes[..position]), None);
                for bit in 0..8 {
                    let mut flipped = bytes.clone();
                    flipped[position] ^= 1 << bit;
                    assert_eq!(Entry::decode(entry.kind(), &flipped), None);
                }
            }
        }
    }
}
