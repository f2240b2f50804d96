//! Hot readings of the model: how they are appended and found.

use std::collections::BTreeMap;

use device_stats_domain::{DeviceKey, Finite, NewReading, ReadingTime, Timestamp, Window};
use device_stats_segment::Row;

use super::state::State;
use crate::{
    AppendOrder, Appended, HotDevice, StoreError, behind_which_to_pick, earliest_to_pick, microsecond_after,
};

impl State {
    /// Stores all readings of a call or none, and says of each what became of it.
    pub(super) fn append(&mut self, readings: &[NewReading]) -> Result<Vec<Appended>, StoreError> {
        if readings.iter().any(|reading| !self.devices.contains_key(&reading.device)) {
            return Err(StoreError::DeviceMissing);
        }
        let mut outcome = vec![Appended::Repeat; readings.len()];
        let done = self.append_in_order(readings, &mut outcome);
        if done.is_err() {
            for (new, appended) in readings.iter().zip(&outcome) {
                if let Appended::Stored(time) = appended {
                    self.hot.remove(&(new.device, time.micros()));
                }
            }
        }
        done.map(|()| outcome)
    }

    /// Stores readings in the order of a store, and notes what became of each; stops where time ends.
    fn append_in_order(
        &mut self,
        readings: &[NewReading],
        outcome: &mut [Appended],
    ) -> Result<(), StoreError> {
        let order = AppendOrder::of(readings);
        let mut last: Option<(DeviceKey, Timestamp)> = None;
        for index in order.given.into_iter().chain(order.untimed) {
            let (Some(new), Some(place)) = (readings.get(index), outcome.get_mut(index)) else { continue };
            let time = match new.time {
                ReadingTime::Given(time) => time,
                ReadingTime::Picked(now) => {
                    let newest_us = self.newest_us(new.device, behind_which_to_pick(now));
                    let last = last.filter(|(device, _)| *device == new.device).map(|(_, time)| time);
                    self.first_free(new.device, earliest_to_pick(now, newest_us, last)?)?
                }
            };
            if matches!(new.time, ReadingTime::Picked(_)) {
                last = Some((new.device, time));
            }
            *place = self.append_one(new, time);
        }
        Ok(())
    }

    fn append_one(&mut self, new: &NewReading, time: Timestamp) -> Appended {
        if self.is_taken(new.device, time.micros()) {
            return Appended::Repeat;
        }
        let values = new.values.map(Finite::get);
        let row = Row { time_us: time.micros(), id: new.id.0, values };
        self.hot.insert((new.device, row.time_us), row);
        Appended::Stored(time)
    }

    /// Whether a device has a reading, hot or sealed, of that time.
    fn is_taken(&self, device: DeviceKey, time_us: i64) -> bool {
        self.hot.contains_key(&(device, time_us)) || self.is_sealed(device, time_us)
    }

    /// The first microsecond from `from` on at which a device has no reading, unless time ends before.
    fn first_free(&self, device: DeviceKey, from: Timestamp) -> Result<Timestamp, StoreError> {
        let mut free = from;
        while self.is_taken(device, free.micros()) {
            free = microsecond_after(free.micros())?;
        }
        Ok(free)
    }

    /// When the newest reading of a device inside a window was taken.
    fn newest_us(&self, device: DeviceKey, window: Window) -> Option<i64> {
        let hot = self.hot_of(device, window).next_back().map(|row| row.time_us);
        hot.max(self.newest_sealed_us(device, window))
    }

    /// Hot readings of a device inside a window, oldest first.
    pub(super) fn hot_of(&self, device: DeviceKey, window: Window) -> impl DoubleEndedIterator<Item = &Row> {
        let all = self.hot.range((device, i64::MIN)..=(device, i64::MAX)).map(|(_, row)| row);
        all.filter(move |row| window.from_us <= row.time_us && row.time_us < window.until_us)
    }

    /// The devices that have hot readings, by ascending key.
    pub(super) fn hot_devices(&self) -> Vec<HotDevice> {
        let mut counts = BTreeMap::new();
        for (device, _) in self.hot.keys() {
            *counts.entry(*device).or_default() += 1;
        }
        counts.into_iter().map(|(device, readings)| HotDevice { device, readings }).collect()
    }
}
