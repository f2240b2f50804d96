//! Readings on their way into the table: in which order, and as which columns a statement takes them.

use std::collections::HashSet;

use device_stats_domain::{DeviceKey, NewReading, ReadingTime, Timestamp};
use device_stats_store::{StoreError, behind_which_to_pick};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::database::columns::column;

/// A reading with its place in the call.
pub(crate) type Placed<'r> = (usize, &'r NewReading);
/// The same with the time it is to be stored at.
pub(crate) type Timed<'r> = (usize, &'r NewReading, Timestamp);

/// The readings in the order in which every call inserts them: by device, then time. So no two calls wait for each other
/// in a circle.
pub(crate) fn in_order<'r>(given: &[Timed<'r>], picked: Vec<Timed<'r>>) -> Vec<Timed<'r>> {
    let mut all = picked;
    all.extend_from_slice(given);
    all.sort_unstable_by_key(|(_, new, time)| (new.device, *time));
    all
}

/// Whether the server has picked the time of a reading.
pub(crate) fn is_picked((_, new, _): &Timed<'_>) -> bool {
    matches!(new.time, ReadingTime::Picked(_))
}

/// Those of the readings whose device and time a statement has returned.
pub(crate) fn returned<'r>(rows: &[Row], readings: &[Timed<'r>]) -> Result<Vec<Timed<'r>>, StoreError> {
    let keys = rows.iter().map(|row| Ok((DeviceKey(column(row, 0)?), column::<i64>(row, 1)?)));
    let keys: HashSet<_> = keys.collect::<Result<_, StoreError>>()?;
    let is_there = |(_, new, time): &Timed<'_>| keys.contains(&(new.device, time.micros()));
    Ok(readings.iter().copied().filter(is_there).collect())
}

/// Readings column by column, as a statement takes them.
#[derive(Default)]
pub(crate) struct Columns {
    devices: Vec<i64>,
    times: Vec<i64>,
    ids: Vec<i64>,
    x: Vec<f64>,
    y: Vec<f64>,
    z: Vec<f64>,
}

impl Columns {
    pub(crate) fn of(readings: &[Timed<'_>]) -> Self {
        let mut columns = Self::default();
        for (_, new, time) in readings {
            columns.devices.push(new.device.0);
            columns.times.push(time.micros());
            columns.ids.push(new.id.0);
            columns.x.push(new.values.x.get());
            columns.y.push(new.values.y.get());
            columns.z.push(new.values.z.get());
        }
        columns
    }

    pub(crate) fn parameters(&self) -> [&(dyn ToSql + Sync); 6] {
        [&self.devices, &self.times, &self.ids, &self.x, &self.y, &self.z]
    }
}

/// For each of some devices, from which microsecond to which one its readings lie; both ends belong to it.
#[derive(Debug, Default)]
pub(crate) struct Spans {
    devices: Vec<i64>,
    earliest: Vec<i64>,
    latest: Vec<i64>,
}

impl Spans {
    /// The spans of readings that are in order; where the server has picked the time of one, up to where its device must have
    /// none behind it.
    pub(crate) fn of(readings: &[Timed<'_>]) -> Self {
        let mut spans = Self::default();
        for device in readings.chunk_by(|(_, one, _), (_, next, _)| one.device == next.device) {
            if let ([(_, new, earliest), ..], [.., (_, _, latest)]) = (device, device) {
                let reach = device.iter().map(|(_, new, _)| match new.time {
                    ReadingTime::Given(_) => i64::MIN,
                    ReadingTime::Picked(now) => behind_which_to_pick(now).until_us - 1,
                });
                spans.add(new.device, earliest.micros(), reach.fold(latest.micros(), i64::max));
            }
        }
        spans
    }

    pub(crate) fn add(&mut self, device: DeviceKey, earliest_us: i64, latest_us: i64) {
        self.devices.push(device.0);
        self.earliest.push(earliest_us);
        self.latest.push(latest_us);
    }

    pub(crate) fn parameters(&self) -> [&(dyn ToSql + Sync); 3] {
        [&self.devices, &self.earliest, &self.latest]
    }
}
