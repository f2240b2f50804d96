//! Appending: which readings of a call are new, and at what time those are stored that leave it to the server.

use device_stats_domain::{DeviceKey, Finite, NewReading, ReadingTime, Timestamp, Window};
use device_stats_segment::Row;
use device_stats_store::{
    AppendOrder, Appended, StoreError, behind_which_to_pick, earliest_to_pick, microsecond_after,
};
use rusqlite::{CachedStatement, Connection};

use crate::database::errors::store_error;
use crate::hot::View;
use crate::journal::{self, Entry};
use crate::segments::sealed_times::SealedTimes;

/// A reading of a call, and where it stands in it.
type Numbered<'r> = (usize, &'r NewReading);

/// Appends device by device, those of each in the order of [`AppendOrder`].
pub(crate) fn append(
    connection: &Connection,
    hot: &View,
    readings: &[NewReading],
) -> Result<Vec<Appended>, StoreError> {
    let AppendOrder { given, untimed } = AppendOrder::of(readings);
    let order = given.into_iter().chain(untimed);
    let mut order: Vec<Numbered<'_>> =
        order.filter_map(|index| readings.get(index).map(|new| (index, new))).collect();
    // A stable sort: of each device, those that bring their time stay before the others.
    order.sort_by_key(|(_, new)| new.device);
    let by_device = || order.chunk_by(|(_, one), (_, next)| one.device == next.device);

    let mut appending = Appending::to(connection, hot)?;
    by_device().try_for_each(|readings| appending.check_device(readings))?;
    let mut outcome = vec![Appended::Repeat; readings.len()];
    by_device().try_for_each(|readings| appending.append(readings, &mut outcome))?;
    if !appending.stored.is_empty() {
        hot.tidy(connection)?;
        journal::write(connection, &Entry::Appended(appending.stored))?;
    }
    Ok(outcome)
}

/// What a call has found to be new.
struct Appending<'c> {
    connection: &'c Connection,
    hot: &'c View,
    has_device: CachedStatement<'c>,
    stored: Vec<(DeviceKey, Row)>,
}

impl<'c> Appending<'c> {
    fn to(connection: &'c Connection, hot: &'c View) -> Result<Self, StoreError> {
        let has_device = "SELECT EXISTS (SELECT 1 FROM devices WHERE id = ?1)";
        let has_device = connection.prepare_cached(has_device).map_err(store_error)?;
        Ok(Self { connection, hot, has_device, stored: Vec::new() })
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
        // Ascending, as those that bring their time come first, in order.
        let mut given: Vec<i64> = Vec::new();
        let mut last: Option<Timestamp> = None;
        for (index, new) in readings {
            let is_taken = |time: Timestamp, sealed: &mut SealedTimes<'_>| {
                Ok(self.hot.find(new.device, time.micros()).is_some() || sealed.has(time)?)
            };
            let time = match new.time {
                ReadingTime::Given(time) if is_taken(time, &mut sealed)? => continue,
                ReadingTime::Given(time) => {
                    given.push(time.micros());
                    time
                }
                ReadingTime::Picked(now) => {
                    let window = behind_which_to_pick(now);
                    let before_end = given.partition_point(|time_us| *time_us < window.until_us);
                    let newest_given = given.get(..before_end).and_then(<[i64]>::last).copied();
                    let newest_us = newest_given
                        .max(self.hot.newest_us(new.device, window))
                        .max(sealed.newest_us(window)?);
                    let mut free = earliest_to_pick(now, newest_us, last)?;
                    while given.binary_search(&free.micros()).is_ok() || is_taken(free, &mut sealed)? {
                        free = microsecond_after(free.micros())?;
                    }
                    *last.insert(free)
                }
            };
            let values = new.values.map(Finite::get);
            self.stored.push((new.device, Row { time_us: time.micros(), id: new.id.0, values }));
            if let Some(place) = outcome.get_mut(*index) {
                *place = Appended::Stored(time);
            }
        }
        Ok(())
    }
}

/// The times at which readings of one device may be stored.
fn span(readings: &[Numbered<'_>]) -> Window {
    let mut span = Window { from_us: i64::MAX, until_us: i64::MIN };
    for (_, new) in readings {
        let (first, until_us) = match new.time {
            ReadingTime::Given(time) => (time, time.micros() + 1),
            ReadingTime::Picked(now) => (now, i64::MAX),
        };
        span.from_us = span.from_us.min(first.micros());
        span.until_us = span.until_us.max(until_us);
    }
    span
}
