//! Appends readings: finds repeats, picks times, and writes the new readings as one journal entry.

use device_stats_domain::{Axes, DeviceKey, Finite, NewReading, Window};
use device_stats_segment::Row;
use device_stats_store::{AppendOrder, AppendResult, Appended, OrderedReading, StoreError, TimePicker};
use rusqlite::Connection;

use crate::accounts::devices;
use crate::hot::HotView;
use crate::journal::{self, Entry};
use crate::segments::sealed_times::SealedTimesReader;

/// Appends readings device by device. Within a device, they have the order of [`AppendOrder`].
pub(crate) fn append(
    connection: &Connection,
    hot: &HotView,
    readings: &[NewReading],
) -> Result<Vec<Appended>, StoreError> {
    let AppendOrder { client_timed, repeated, server_timed } = AppendOrder::new(readings);
    let mut order = client_timed;
    order.extend(server_timed);
    // A stable sort: the client-timed readings of a device stay before its server-timed ones.
    order.sort_by_key(|new| new.reading.device);
    let by_device = || order.chunk_by(|one, next| one.reading.device == next.reading.device);

    let mut call = AppendCall::new(connection, hot);
    by_device().try_for_each(|readings| call.check_device(readings))?;
    by_device().try_for_each(|readings| call.append(readings))?;
    let AppendResult { stored, .. } = &call.result;
    if !stored.is_empty() {
        hot.tidy(connection)?;
        journal::write(connection, &Entry::Appended(stored.iter().map(row).collect()))?;
    }
    call.result.outcomes(readings.len(), &repeated)
}

fn row(new: &OrderedReading<'_>) -> (DeviceKey, Row) {
    let OrderedReading { reading, time, .. } = new;
    let values = reading.values.map(Finite::get);
    (reading.device, Row { time_us: time.micros(), id: reading.id.0, values })
}

/// A call that appends, and its result so far.
struct AppendCall<'c, 'r> {
    connection: &'c Connection,
    hot: &'c HotView,
    result: AppendResult<'r>,
}

impl<'c, 'r> AppendCall<'c, 'r> {
    fn new(connection: &'c Connection, hot: &'c HotView) -> Self {
        Self { connection, hot, result: AppendResult::default() }
    }

    /// Checks that the device of these readings exists. All readings are of one device.
    fn check_device(&self, readings: &[OrderedReading<'r>]) -> Result<(), StoreError> {
        let Some(new) = readings.first() else { return Ok(()) };
        let exists = devices::exists(self.connection, new.reading.device)?;
        if exists { Ok(()) } else { Err(StoreError::DeviceMissing) }
    }

    /// Appends readings of one device, client-timed ones first.
    fn append(&mut self, readings: &[OrderedReading<'r>]) -> Result<(), StoreError> {
        let Some(first) = readings.first() else { return Ok(()) };
        let device = first.reading.device;
        let mut sealed = SealedTimesReader::new(self.connection, device, span(readings))?;
        let stored_before = self.result.stored.len();
        let (client_timed, server_timed) =
            readings.split_at(readings.partition_point(|new| !new.is_server_timed()));
        for new in client_timed {
            match self.values_at(device, new.time.micros(), &mut sealed)? {
                Some(values) => self.result.existing.push((*new, values)),
                None => self.result.stored.push(*new),
            }
        }
        if server_timed.is_empty() {
            return Ok(());
        }
        let mut picker = TimePicker::new(self.result.stored.iter().skip(stored_before).copied());
        for new in server_timed {
            let window = TimePicker::search_window(new.time);
            let newest_sealed_us = sealed.answer(|times| times.newest_us(device, window))?;
            let newest_us = self.hot.newest_us(device, window)?.max(newest_sealed_us);
            let mut candidate = picker.first_candidate(device, new.time, newest_us)?;
            while self.is_taken(device, candidate.micros(), &mut sealed)? {
                candidate = picker.next_candidate(device, candidate.micros())?;
            }
            picker.pick(device, candidate);
            self.result.stored.push(OrderedReading { time: candidate, ..*new });
        }
        Ok(())
    }

    /// Returns the values of the stored reading, hot or sealed, of the device at a time.
    fn values_at(
        &self,
        device: DeviceKey,
        time_us: i64,
        sealed: &mut SealedTimesReader<'_>,
    ) -> Result<Option<Axes<f64>>, StoreError> {
        if let Some(hot) = self.hot.find(device, time_us)? {
            return Ok(Some(hot.values));
        }
        let mut found = sealed.answer(|times| times.values_each(&[(device, time_us)]))?;
        Ok(found.pop().flatten())
    }

    /// Returns whether the device has a stored reading, hot or sealed, at a time.
    fn is_taken(
        &self,
        device: DeviceKey,
        time_us: i64,
        sealed: &mut SealedTimesReader<'_>,
    ) -> Result<bool, StoreError> {
        Ok(self.hot.find(device, time_us)?.is_some()
            || sealed.answer(|times| times.contains(device, time_us))?)
    }
}

/// Returns the window of all times at which these readings of one device can be stored.
fn span(readings: &[OrderedReading<'_>]) -> Window {
    let mut span = Window { from_us: i64::MAX, until_us: i64::MIN };
    for new in readings {
        let until_us = if new.is_server_timed() { i64::MAX } else { new.time.micros() + 1 };
        span.from_us = span.from_us.min(new.time.micros());
        span.until_us = span.until_us.max(until_us);
    }
    span
}
