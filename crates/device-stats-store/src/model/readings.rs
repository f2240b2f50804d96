//! Appending readings to the model, and its hot readings.

use std::collections::BTreeMap;
use std::ops::Range;

use async_trait::async_trait;
use device_stats_domain::{Axes, DeviceKey, Finite, NewReading, ReadingTime, Timestamp, Window};
use device_stats_segment::Row;

use super::state::{Model, State};
use crate::{
    AppendOrder, Appended, HotDevice, HotDevices, KeyedOutcome, KeyedReadings, OrderedReading, ReadingStore,
    StoreError, TimePicker,
};

#[async_trait]
impl ReadingStore for Model {
    fn append_concurrency(&self) -> usize {
        1
    }

    async fn reserve_reading_ids(&self, count: u32) -> Result<Range<i64>, StoreError> {
        let mut state = self.state();
        let first = state.last_reading + 1;
        state.last_reading += i64::from(count);
        Ok(first..state.last_reading + 1)
    }

    async fn append(&self, readings: &[NewReading]) -> Result<Vec<Appended>, StoreError> {
        self.state().append(readings)
    }

    async fn append_keyed(
        &self,
        requests: &[KeyedReadings],
        now: Timestamp,
    ) -> Result<Vec<KeyedOutcome>, StoreError> {
        self.state().append_keyed(requests, now)
    }

    async fn count_hot_readings(&self) -> Result<u64, StoreError> {
        Ok(self.state().hot.len() as u64)
    }

    async fn list_hot_devices(&self, after: DeviceKey) -> Result<HotDevices, StoreError> {
        let mut counts = BTreeMap::new();
        for (device, _) in self.state().hot.keys().filter(|(device, _)| *device > after) {
            *counts.entry(*device).or_default() += 1;
        }
        let devices = counts.into_iter().map(|(device, readings)| HotDevice { device, readings });
        Ok(HotDevices { devices: devices.collect(), next_after: None })
    }

    async fn list_hot_readings(&self, device: DeviceKey, count: u32) -> Result<Vec<Row>, StoreError> {
        Ok(self.state().hot_readings(device, Window::ALL).take(count as usize).copied().collect())
    }
}

impl State {
    /// Stores all readings of a call or none, and returns the outcome of each.
    pub(super) fn append(&mut self, readings: &[NewReading]) -> Result<Vec<Appended>, StoreError> {
        if readings.iter().any(|reading| !self.devices.contains_key(&reading.device)) {
            return Err(StoreError::DeviceMissing);
        }
        let mut stored = Vec::new();
        let appended = self.append_in_order(readings, &mut stored);
        if appended.is_err() {
            for new in &stored {
                self.hot.remove(&(new.reading.device, new.time.micros()));
            }
        }
        let stored: BTreeMap<usize, Timestamp> = stored.iter().map(|new| (new.index, new.time)).collect();
        appended.map(|()| {
            let outcome = |(index, new)| match stored.get(&index) {
                Some(time) => Appended::Stored(*time),
                None => self.repeat(new),
            };
            (0..).zip(readings).map(outcome).collect()
        })
    }

    /// Returns the outcome of a repeat. Uses nothing of [`AppendResult`](crate::AppendResult), so the walk
    /// also tests that.
    fn repeat(&self, new: &NewReading) -> Appended {
        let ReadingTime::Given(time) = new.time else { unreachable!("a server-timed reading is stored") };
        let Axes { x, y, z } = new.values.map(|number| number.get().to_bits());
        let Some(kept) = self.values_at(new.device, time.micros()) else {
            unreachable!("a repeat has a reading at its time")
        };
        if [x, y, z] == [kept.x, kept.y, kept.z].map(f64::to_bits) {
            Appended::Repeat
        } else {
            Appended::Conflict
        }
    }

    /// Returns the values of the reading of a device, hot or sealed, at a time.
    fn values_at(&self, device: DeviceKey, time_us: i64) -> Option<Axes<f64>> {
        let hot = self.hot.get(&(device, time_us)).map(|row| row.values);
        hot.or_else(|| self.sealed_values_at(device, time_us))
    }

    /// Stores readings in the order that all stores use, and adds the new ones to `stored`. Stops with an
    /// error if a device has no free microsecond.
    fn append_in_order<'r>(
        &mut self,
        readings: &'r [NewReading],
        stored: &mut Vec<OrderedReading<'r>>,
    ) -> Result<(), StoreError> {
        let AppendOrder { client_timed, server_timed, .. } = AppendOrder::new(readings);
        for new in client_timed {
            if self.values_at(new.reading.device, new.time.micros()).is_none() {
                self.insert(new);
                stored.push(new);
            }
        }
        // The client-timed readings of the call are already hot, so the picker need not know them.
        let mut picker = TimePicker::default();
        for mut new in server_timed {
            let device = new.reading.device;
            let newest_us = self.newest_us(device, TimePicker::search_window(new.time));
            let mut candidate = picker.first_candidate(device, new.time, newest_us)?;
            while self.values_at(device, candidate.micros()).is_some() {
                candidate = picker.next_candidate(device, candidate.micros())?;
            }
            picker.pick(device, candidate);
            new.time = candidate;
            self.insert(new);
            stored.push(new);
        }
        Ok(())
    }

    fn insert(&mut self, new: OrderedReading<'_>) {
        let (time_us, values) = (new.time.micros(), new.reading.values.map(Finite::get));
        let row = Row { time_us, id: new.reading.id.0, values };
        self.hot.insert((new.reading.device, time_us), row);
    }

    /// Returns the time of the newest reading of a device in a window.
    fn newest_us(&self, device: DeviceKey, window: Window) -> Option<i64> {
        let hot = self.hot_readings(device, window).next_back().map(|row| row.time_us);
        hot.max(self.newest_sealed_us(device, window))
    }

    /// Returns the hot readings of a device in a window, oldest first.
    pub(super) fn hot_readings(
        &self,
        device: DeviceKey,
        window: Window,
    ) -> impl DoubleEndedIterator<Item = &Row> {
        let all = self.hot.range((device, i64::MIN)..=(device, i64::MAX)).map(|(_, row)| row);
        all.filter(move |row| window.from_us <= row.time_us && row.time_us < window.until_us)
    }
}
