//! Statements about readings: ids, appending, finding, listing.

use std::ops::Range;

use device_stats_domain::{
    Axes, DeviceKey, NewReading, Page, Reading, ReadingId, ReadingTime, Timestamp, Window,
};
use device_stats_store::{AppendOrder, Appended, StoreError};
use rusqlite::{CachedStatement, Connection, OptionalExtension, Row};

use crate::columns::{number, time};
use crate::errors::store_error;

pub(crate) fn reserve_ids(connection: &Connection, count: u32) -> Result<Range<i64>, StoreError> {
    let mut update = connection
        .prepare_cached("UPDATE id_block SET next = next + ?1 WHERE name = 'reading' RETURNING next")
        .map_err(store_error)?;
    let next: i64 = update.query_row([count], |row| row.get(0)).map_err(store_error)?;
    Ok(next - i64::from(count)..next)
}

/// Appends in the order of [`AppendOrder`]: rows of a device go in side by side, so a page is touched once.
pub(crate) fn append(connection: &Connection, readings: &[NewReading]) -> Result<Vec<Appended>, StoreError> {
    let mut outcome = vec![Appended::Repeat; readings.len()];
    let AppendOrder { given, first_free } = AppendOrder::of(readings);
    let given = given.into_iter().filter_map(|index| readings.get(index).map(|new| (index, new)));
    let first_free = first_free.into_iter().filter_map(|index| readings.get(index).map(|new| (index, new)));
    let mut appending = Appending::to(connection)?;
    appending.check_devices(given.clone().map(|(_, new)| new.device))?;
    appending.check_devices(first_free.clone().map(|(_, new)| new.device))?;
    let mut last: Option<(DeviceKey, Timestamp)> = None;
    for (index, new) in given.chain(first_free) {
        let time = match (new.time, last) {
            (ReadingTime::Given(time), _) => time,
            (ReadingTime::FirstFree(from), Some((device, last))) if device == new.device => {
                appending.first_free(device, from.max(after(last)?))?
            }
            (ReadingTime::FirstFree(from), _) => appending.first_free(new.device, from)?,
        };
        if matches!(new.time, ReadingTime::FirstFree(_)) {
            last = Some((new.device, time));
        }
        if appending.insert(new, time)?
            && let Some(place) = outcome.get_mut(index)
        {
            *place = Appended::Stored(time);
        }
    }
    Ok(outcome)
}

/// The statements of an append.
struct Appending<'c> {
    insert: CachedStatement<'c>,
    times_from: CachedStatement<'c>,
    has_device: CachedStatement<'c>,
}

impl<'c> Appending<'c> {
    fn to(connection: &'c Connection) -> Result<Self, StoreError> {
        let prepare = |statement| connection.prepare_cached(statement).map_err(store_error);
        Ok(Self {
            insert: prepare(
                "INSERT INTO reading (device, time, id, x, y, z) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT DO NOTHING",
            )?,
            times_from: prepare("SELECT time FROM reading WHERE device = ?1 AND time >= ?2 ORDER BY time")?,
            has_device: prepare("SELECT EXISTS (SELECT 1 FROM devices WHERE id = ?1)")?,
        })
    }

    /// Refuses a device that does not exist, before anything else can be refused. Equal devices are next to each other.
    fn check_devices(&mut self, devices: impl Iterator<Item = DeviceKey>) -> Result<(), StoreError> {
        let mut last = None;
        for device in devices {
            if last != Some(device)
                && !self.has_device.query_row([device.0], |row| row.get(0)).map_err(store_error)?
            {
                return Err(StoreError::DeviceMissing);
            }
            last = Some(device);
        }
        Ok(())
    }

    /// Whether the reading was stored; if not, the device has one of that time.
    fn insert(&mut self, new: &NewReading, time: Timestamp) -> Result<bool, StoreError> {
        let Axes { x, y, z } = new.values.map(device_stats_domain::Finite::get);
        let row = (new.device.0, time.micros(), new.id.0, x, y, z);
        self.insert.execute(row).map(|stored| stored == 1).map_err(store_error)
    }

    /// The first microsecond from `from` on at which the device has no reading.
    fn first_free(&mut self, device: DeviceKey, from: Timestamp) -> Result<Timestamp, StoreError> {
        let mut free = from;
        let mut taken = self.times_from.query((device.0, from.micros())).map_err(store_error)?;
        while let Some(row) = taken.next().map_err(store_error)? {
            if row.get::<_, i64>(0).map_err(store_error)? != free.micros() {
                break;
            }
            free = after(free)?;
        }
        Ok(free)
    }
}

/// The microsecond after `time`, unless time ends there.
fn after(time: Timestamp) -> Result<Timestamp, StoreError> {
    Timestamp::from_micros(time.micros() + 1)
        .map_err(|_| StoreError::Broken("no microsecond is free before the end of time".into()))
}

fn reading(row: &Row<'_>) -> rusqlite::Result<Reading> {
    Ok(Reading {
        device: DeviceKey(row.get(0)?),
        time: time(row, 1)?,
        id: ReadingId(row.get(2)?),
        values: Axes { x: number(row, 3)?, y: number(row, 4)?, z: number(row, 5)? },
    })
}

pub(crate) fn find(
    connection: &Connection,
    device: DeviceKey,
    time: Timestamp,
) -> Result<Option<Reading>, StoreError> {
    let mut select = connection
        .prepare_cached("SELECT device, time, id, x, y, z FROM reading WHERE device = ?1 AND time = ?2")
        .map_err(store_error)?;
    select.query_row((device.0, time.micros()), reading).optional().map_err(store_error)
}

pub(crate) fn list(
    connection: &Connection,
    device: DeviceKey,
    window: Window,
    page: Page,
) -> Result<Vec<Reading>, StoreError> {
    let mut select = connection
        .prepare_cached(
            "SELECT device, time, id, x, y, z FROM reading WHERE device = ?1 AND time >= ?2 AND time < ?3
             ORDER BY time DESC LIMIT ?4 OFFSET ?5",
        )
        .map_err(store_error)?;
    let part = (device.0, window.from_us, window.until_us, page.limit, page.skip);
    select.query_map(part, reading).and_then(Iterator::collect).map_err(store_error)
}
