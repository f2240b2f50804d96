//! Arrivals: the moments at which the service received and committed readings of a device. A node merges the
//! arrivals of a device in memory, and the stores merge them into one record of the device, from which its
//! [status](crate::DeviceStatus) follows.

mod clock;
mod record;
mod status;
#[cfg(test)]
mod tests;

pub use record::ArrivalRecord;
pub use status::{DeviceState, DeviceStatus, Evidence, StateFilter};

use crate::time::Timestamp;

/// New arrivals of a device: those that are not merged into its record yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewArrivals {
    /// Time of the first one.
    pub first: Timestamp,
    /// Time of the last one; not before the first.
    pub last: Timestamp,
    /// Their number; 1 and up. Readings that are committed together arrive together.
    pub count: u32,
    /// The two longest silences between one arrival and the next, in microseconds, the longest first; 0 if
    /// there are fewer.
    pub silences_us: [i64; 2],
    /// Number of stored readings. A repeat is an arrival, but not a reading.
    pub readings: u64,
    /// Number of the readings of the first arrival.
    pub first_readings: u64,
    /// The time of the newest reading of an arrival minus the time of the arrival, in microseconds: the
    /// maximum of the arrivals. 0 for server-timed readings; `None` if no reading was stored.
    pub offset_us: Option<i64>,
}

impl NewArrivals {
    /// Returns one arrival.
    pub fn one(at: Timestamp, readings: u64, offset_us: Option<i64>) -> Self {
        let first_readings = readings;
        Self { first: at, last: at, count: 1, silences_us: [0, 0], readings, first_readings, offset_us }
    }

    /// Adds readings that arrive at a time. At the time of the last arrival, they belong to that arrival. An
    /// earlier time, from a clock that was set back, counts as that time.
    pub fn add(&mut self, at: Timestamp, readings: u64, offset_us: Option<i64>) {
        let silence_us = at.micros().saturating_sub(self.last.micros());
        if silence_us > 0 {
            self.last = at;
            self.count = self.count.saturating_add(1);
            self.silences_us = longest(self.silences_us, silence_us);
        }
        if self.count == 1 {
            self.first_readings = self.first_readings.saturating_add(readings);
        }
        self.readings = self.readings.saturating_add(readings);
        self.offset_us = self.offset_us.max(offset_us);
    }
}

/// Returns the two longest of three silences, the longest first.
fn longest([first, second]: [i64; 2], other: i64) -> [i64; 2] {
    [first.max(other), second.max(first.min(other))]
}
