//! What becomes of appended readings, and the order in which a store looks at them.

use device_stats_domain::{NewReading, ReadingTime, Timestamp};

/// What became of a reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Appended {
    /// It has been stored, at this time.
    Stored(Timestamp),
    /// Its device has a reading of that time already; the first one stays.
    Repeat,
}

/// The readings of one call in the order a store inserts them: those with a time by device and time, each device and
/// time once, then those without. All callers inserting in one order cannot wait for each other in a circle.
#[derive(Debug)]
pub struct AppendOrder {
    /// Indices of the readings that bring their time: by device and time, the first of equal ones only.
    pub given: Vec<usize>,
    /// Indices of the readings whose time the server picks: by device, then in the order of the call.
    pub first_free: Vec<usize>,
}

impl AppendOrder {
    /// Sorts the readings of a call.
    pub fn of(readings: &[NewReading]) -> Self {
        let mut given = Vec::with_capacity(readings.len());
        let mut first_free = Vec::new();
        for (index, reading) in readings.iter().enumerate() {
            match reading.time {
                ReadingTime::Given(time) => given.push((reading.device, time, index)),
                ReadingTime::FirstFree(_) => first_free.push((reading.device, index)),
            }
        }
        given.sort_unstable();
        given.dedup_by_key(|(device, time, _)| (*device, *time));
        first_free.sort_unstable();
        Self {
            given: given.into_iter().map(|(_, _, index)| index).collect(),
            first_free: first_free.into_iter().map(|(_, index)| index).collect(),
        }
    }
}
