//! Appending: which readings of a call are new, and at what time those are stored that leave it to the server.

use device_stats_domain::{Axes, Finite, NewReading, ReadingTime, Timestamp, Window};
use device_stats_store::{AppendOrder, Appended, StoreError};
use rusqlite::{CachedStatement, Connection};

use crate::errors::store_error;
use crate::sealed_times::SealedTimes;

/// A reading of a call, and where it stands in it.
type Numbered<'r> = (usize, &'r NewReading);

/// Appends device by device, those of each in the order of [`AppendOrder`]: its rows go in side by side, so a page is
/// touched once.
pub(crate) fn append(connection: &Connection, readings: &[NewReading]) -> Result<Vec<Appended>, StoreError> {
    let AppendOrder { given, first_free } = AppendOrder::of(readings);
    let order = given.into_iter().chain(first_free);
    let mut order: Vec<Numbered<'_>> =
        order.filter_map(|index| readings.get(index).map(|new| (index, new))).collect();
    // A stable sort: of each device, those that bring their time stay before the others.
    order.sort_by_key(|(_, new)| new.device);
    let by_device = || order.chunk_by(|(_, one), (_, next)| one.device == next.device);

    let mut appending = Appending::to(connection)?;
    by_device().try_for_each(|readings| appending.check_device(readings))?;
    let mut outcome = vec![Appended::Repeat; readings.len()];
    by_device().try_for_each(|readings| appending.append(readings, &mut outcome))?;
    Ok(outcome)
}

/// The statements of an append.
struct Appending<'c> {
    connection: &'c Connection,
    insert: CachedStatement<'c>,
    times_from: CachedStatement<'c>,
    has_device: CachedStatement<'c>,
}

impl<'c> Appending<'c> {
    fn to(connection: &'c Connection) -> Result<Self, StoreError> {
        let prepare = |statement| connection.prepare_cached(statement).map_err(store_error);
        Ok(Self {
            connection,
            insert: prepare(
                "INSERT INTO reading (device, time, id, x, y, z) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT DO NOTHING",
            )?,
            times_from: prepare("SELECT time FROM reading WHERE device = ?1 AND time >= ?2 ORDER BY time")?,
            has_device: prepare("SELECT EXISTS (SELECT 1 FROM devices WHERE id = ?1)")?,
        })
    }

    /// Refuses a device that does not exist, before anything else can be refused. The readings are of one device.
    fn check_device(&mut self, readings: &[Numbered<'_>]) -> Result<(), StoreError> {
        let Some((_, new)) = readings.first() else { return Ok(()) };
        let is_there = self.has_device.query_row([new.device.0], |row| row.get(0)).map_err(store_error)?;
        if is_there { Ok(()) } else { Err(StoreError::DeviceMissing) }
    }

    /// Appends readings of one device.
    fn append(&mut self, readings: &[Numbered<'_>], outcome: &mut [Appended]) -> Result<(), StoreError> {
        let Some((_, first)) = readings.first() else { return Ok(()) };
        let mut sealed = SealedTimes::inside(self.connection, first.device, span(readings))?;
        let mut last_free: Option<Timestamp> = None;
        for (index, new) in readings {
            let time = match new.time {
                ReadingTime::Given(time) if sealed.has(time)? => continue,
                ReadingTime::Given(time) => time,
                ReadingTime::FirstFree(from) => {
                    let from = last_free.map_or(Ok(from), |last| after(last).map(|next| next.max(from)))?;
                    *last_free.insert(self.first_free(&mut sealed, from)?)
                }
            };
            if self.insert(new, time)?
                && let Some(place) = outcome.get_mut(*index)
            {
                *place = Appended::Stored(time);
            }
        }
        Ok(())
    }

    /// Whether the reading was stored; if not, the device has a hot one of that time.
    fn insert(&mut self, new: &NewReading, time: Timestamp) -> Result<bool, StoreError> {
        let Axes { x, y, z } = new.values.map(Finite::get);
        let row = (new.device.0, time.micros(), new.id.0, x, y, z);
        self.insert.execute(row).map(|stored| stored == 1).map_err(store_error)
    }

    /// The first microsecond from `from` on at which the device has no reading.
    fn first_free(&mut self, sealed: &mut SealedTimes<'_>, from: Timestamp) -> Result<Timestamp, StoreError> {
        let mut free = from;
        let mut hot = self.times_from.query((sealed.device().0, from.micros())).map_err(store_error)?;
        let mut next_hot = || match hot.next().map_err(store_error)? {
            Some(row) => row.get(0).map(Some).map_err(store_error),
            None => Ok(None),
        };
        let mut taken: Option<i64> = next_hot()?;
        loop {
            if taken == Some(free.micros()) {
                taken = next_hot()?;
            } else if !sealed.has(free)? {
                return Ok(free);
            }
            free = after(free)?;
        }
    }
}

/// The times at which readings of one device may be stored.
fn span(readings: &[Numbered<'_>]) -> Window {
    let mut span = Window { from_us: i64::MAX, until_us: i64::MIN };
    for (_, new) in readings {
        let (first, until_us) = match new.time {
            ReadingTime::Given(time) => (time, time.micros() + 1),
            ReadingTime::FirstFree(from) => (from, i64::MAX),
        };
        span.from_us = span.from_us.min(first.micros());
        span.until_us = span.until_us.max(until_us);
    }
    span
}

/// The microsecond after `time`, unless time ends there.
fn after(time: Timestamp) -> Result<Timestamp, StoreError> {
    Timestamp::from_micros(time.micros() + 1)
        .map_err(|_| StoreError::Broken("no microsecond is free before the end of time".into()))
}
