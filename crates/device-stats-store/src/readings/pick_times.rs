//! Times of server-timed readings.

use device_stats_domain::{DeviceKey, Timestamp, Window};

use crate::limits::CLOCK_SKEW_MAX;
use crate::{OrderedReading, StoreError};

/// Picks the times of the server-timed readings of one call. The caller passes these readings by device, then
/// in the order of the call.
///
/// The picker knows the times within the call. The caller knows the stored times, and requests the next
/// candidate while the current one is taken.
#[derive(Debug, Default)]
pub struct TimePicker {
    /// Device and time, in microseconds since 1970 UTC, of the client-timed readings of the call; ascending.
    client_timed: Vec<(DeviceKey, i64)>,
    last_picked: Option<(DeviceKey, Timestamp)>,
}

impl TimePicker {
    /// Creates a picker for a call with these client-timed readings, ascending by device and time.
    pub fn new<'r>(client_timed: impl IntoIterator<Item = OrderedReading<'r>>) -> Self {
        let client_timed = client_timed.into_iter().map(|new| (new.reading.device, new.time.micros()));
        Self { client_timed: client_timed.collect(), last_picked: None }
    }

    /// Returns the window in which a store searches for the newest reading of a device when the clock says
    /// `now`. A server-timed reading is placed after this newest reading.
    pub fn search_window(now: Timestamp) -> Window {
        let span_us = i64::try_from(CLOCK_SKEW_MAX.as_micros()).unwrap_or(i64::MAX);
        Window { from_us: now.micros(), until_us: now.micros().saturating_add(span_us) }
    }

    /// Returns the first candidate for a reading of this device. `newest_stored_us` is the time of the newest
    /// stored reading in the [`search_window`](Self::search_window).
    ///
    /// # Errors
    /// [`StoreError::Broken`] if the device has no free microsecond up to [`Timestamp::MAX`].
    pub fn first_candidate(
        &self,
        device: DeviceKey,
        now: Timestamp,
        newest_stored_us: Option<i64>,
    ) -> Result<Timestamp, StoreError> {
        let last = self.last_picked.filter(|(other, _)| *other == device).map(|(_, time)| time.micros());
        let newest = self.newest_client_timed_us(device, Self::search_window(now));
        match newest_stored_us.max(newest).max(last) {
            Some(newest_us) if newest_us >= now.micros() => self.next_candidate(device, newest_us),
            _ => self.free_from(device, now),
        }
    }

    /// Returns the next candidate after a time that is taken, in microseconds since 1970 UTC.
    ///
    /// # Errors
    /// [`StoreError::Broken`] if the device has no free microsecond up to [`Timestamp::MAX`].
    pub fn next_candidate(&self, device: DeviceKey, taken_us: i64) -> Result<Timestamp, StoreError> {
        self.free_from(device, microsecond_after(taken_us)?)
    }

    /// Picks a candidate that is not taken. Later candidates of the device are after it.
    pub fn pick(&mut self, device: DeviceKey, time: Timestamp) {
        self.last_picked = Some((device, time));
    }

    /// Returns the first time, at or after `time`, that no client-timed reading of the call has.
    fn free_from(&self, device: DeviceKey, mut time: Timestamp) -> Result<Timestamp, StoreError> {
        while self.client_timed.binary_search(&(device, time.micros())).is_ok() {
            time = microsecond_after(time.micros())?;
        }
        Ok(time)
    }

    /// Returns the time of the newest client-timed reading of the call before the end of a window.
    fn newest_client_timed_us(&self, device: DeviceKey, window: Window) -> Option<i64> {
        let before = self.client_timed.partition_point(|key| *key < (device, window.until_us));
        let (other, time_us) = self.client_timed.get(before.checked_sub(1)?)?;
        (*other == device).then_some(*time_us)
    }
}

fn microsecond_after(time_us: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_micros(time_us.saturating_add(1))
        .map_err(|_| StoreError::Broken("no microsecond is free up to the last possible time".into()))
}

#[cfg(test)]
mod tests {
    use device_stats_domain::{Axes, Finite, NewReading, ReadingId, ReadingTime};

    use super::*;

    fn at(us: i64) -> Timestamp {
        Timestamp::from_micros(us).unwrap()
    }

    /// Returns a picker for a call with client-timed readings of device 1.
    fn picker(client_timed: &[i64]) -> TimePicker {
        let readings = client_timed.iter().map(|us| NewReading {
            device: DeviceKey(1),
            id: ReadingId(1),
            time: ReadingTime::Given(at(*us)),
            values: Axes { x: 0.0, y: 0.0, z: 0.0 }.map(|number| Finite::new(number).unwrap()),
        });
        let readings: Vec<_> = readings.collect();
        let ordered = readings.iter().zip(client_timed);
        TimePicker::new(ordered.map(|(reading, us)| OrderedReading { index: 0, reading, time: at(*us) }))
    }

    #[test]
    fn candidates_follow_the_clock_and_the_newest_reading() {
        let first = |client_timed: &[i64], newest_us| {
            picker(client_timed).first_candidate(DeviceKey(1), at(10), newest_us).unwrap().micros()
        };
        assert_eq!(first(&[], None), 10);
        assert_eq!(first(&[], Some(10)), 11);
        assert_eq!(first(&[], Some(25)), 26);
        assert_eq!(first(&[9], None), 10);
        assert_eq!(first(&[10, 12, 13], None), 14);
        assert_eq!(first(&[30], Some(25)), 31);
        let other = picker(&[10, 11]).first_candidate(DeviceKey(2), at(10), None);
        assert_eq!(other.unwrap(), at(10));
    }

    #[test]
    fn client_timed_readings_beyond_the_search_window_are_skipped_not_followed() {
        let far = TimePicker::search_window(at(10)).until_us;
        let picker = picker(&[far, far + 1]);
        assert_eq!(picker.first_candidate(DeviceKey(1), at(10), None).unwrap(), at(10));
        assert_eq!(picker.next_candidate(DeviceKey(1), far - 1).unwrap(), at(far + 2));
    }

    #[test]
    fn picked_times_ascend_within_a_device() {
        let mut picker = picker(&[]);
        picker.pick(DeviceKey(1), at(20));
        assert_eq!(picker.first_candidate(DeviceKey(1), at(10), None).unwrap(), at(21));
        assert_eq!(picker.first_candidate(DeviceKey(2), at(10), None).unwrap(), at(10));
    }

    #[test]
    fn after_the_last_microsecond_there_is_none() {
        let picker = picker(&[Timestamp::MAX.micros()]);
        let refused = picker.first_candidate(DeviceKey(1), Timestamp::MAX, None);
        assert!(matches!(refused, Err(StoreError::Broken(_))));
        assert!(picker.next_candidate(DeviceKey(2), Timestamp::MAX.micros()).is_err());
    }
}
