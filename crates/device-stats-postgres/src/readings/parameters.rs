//! Readings as the parameters of a statement.

use std::collections::HashSet;

use device_stats_domain::{DeviceKey, ReadingTime};
use device_stats_store::{OrderedReading, StoreError, TimePicker};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::database::columns::column;
use crate::segments::spans::DeviceSpans;

/// Returns the readings in the order in which every call inserts them: by device, then time. So no two calls
/// wait for each other.
pub(crate) fn in_insert_order<'r>(
    client_timed: &[OrderedReading<'r>],
    picked: Vec<OrderedReading<'r>>,
) -> Vec<OrderedReading<'r>> {
    let mut all = picked;
    all.extend_from_slice(client_timed);
    all.sort_unstable_by_key(|new| (new.reading.device, new.time));
    all
}

/// Returns the readings whose device and time are in these rows.
pub(crate) fn returned<'r>(
    rows: &[Row],
    readings: &[OrderedReading<'r>],
) -> Result<Vec<OrderedReading<'r>>, StoreError> {
    let keys = rows.iter().map(|row| Ok((DeviceKey(column(row, 0)?), column::<i64>(row, 1)?)));
    let keys: HashSet<_> = keys.collect::<Result<_, StoreError>>()?;
    let is_returned = |new: &OrderedReading<'_>| keys.contains(&(new.reading.device, new.time.micros()));
    Ok(readings.iter().copied().filter(is_returned).collect())
}

/// Readings as one array for each column.
#[derive(Default)]
pub(crate) struct ReadingColumns {
    devices: Vec<i64>,
    times: Vec<i64>,
    ids: Vec<i64>,
    x: Vec<f64>,
    y: Vec<f64>,
    z: Vec<f64>,
}

impl ReadingColumns {
    pub(crate) fn new(readings: &[OrderedReading<'_>]) -> Self {
        let mut columns = Self::default();
        for OrderedReading { reading, time, .. } in readings {
            columns.devices.push(reading.device.0);
            columns.times.push(time.micros());
            columns.ids.push(reading.id.0);
            columns.x.push(reading.values.x.get());
            columns.y.push(reading.values.y.get());
            columns.z.push(reading.values.z.get());
        }
        columns
    }

    pub(crate) fn parameters(&self) -> [&(dyn ToSql + Sync); 6] {
        [&self.devices, &self.times, &self.ids, &self.x, &self.y, &self.z]
    }
}

/// Returns one span for each device of readings in insert order. If a device has a server-timed reading, its
/// span extends to the end of the window in which the device must have no newer reading.
pub(crate) fn spans(readings: &[OrderedReading<'_>]) -> DeviceSpans {
    let mut spans = DeviceSpans::default();
    for device in readings.chunk_by(|one, next| one.reading.device == next.reading.device) {
        if let ([first, ..], [.., last]) = (device, device) {
            let mut latest_us = last.time.micros();
            for new in device {
                if let ReadingTime::Picked(now) = new.reading.time {
                    latest_us = latest_us.max(TimePicker::search_window(now).until_us - 1);
                }
            }
            spans.add(first.reading.device, first.time.micros(), latest_us);
        }
    }
    spans
}
