//! What becomes of appended readings, and the order in which a store looks at them.

use device_stats_domain::limits::CLOCK_BACK_MAX;
use device_stats_domain::{NewReading, ReadingTime, Timestamp, Window};

use crate::StoreError;

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
    pub untimed: Vec<usize>,
}

impl AppendOrder {
    /// Sorts the readings of a call.
    pub fn of(readings: &[NewReading]) -> Self {
        let mut given = Vec::with_capacity(readings.len());
        let mut untimed = Vec::new();
        for (index, reading) in readings.iter().enumerate() {
            match reading.time {
                ReadingTime::Given(time) => given.push((reading.device, time, index)),
                ReadingTime::Picked(_) => untimed.push((reading.device, index)),
            }
        }
        given.sort_unstable();
        given.dedup_by_key(|(device, time, _)| (*device, *time));
        untimed.sort_unstable();
        Self {
            given: given.into_iter().map(|(_, _, index)| index).collect(),
            untimed: untimed.into_iter().map(|(_, index)| index).collect(),
        }
    }
}

/// Where the readings of a device lie behind the newest of which a reading is put that leaves its time to the server, whose
/// clock says `now`.
pub fn behind_which_to_pick(now: Timestamp) -> Window {
    let span_us = i64::try_from(CLOCK_BACK_MAX.as_micros()).unwrap_or(i64::MAX);
    Window { from_us: now.micros(), until_us: now.micros().saturating_add(span_us) }
}

/// The first time that such a reading may get: not before `now`; behind the newest reading of its device inside of
/// [`behind_which_to_pick`]; behind the one before it in the call that left its time to the server. Where it is taken, the
/// next one that is not.
///
/// # Errors
/// Where time ends before.
pub fn earliest_to_pick(
    now: Timestamp,
    newest_us: Option<i64>,
    last: Option<Timestamp>,
) -> Result<Timestamp, StoreError> {
    let behind = newest_us.max(last.map(Timestamp::micros)).map(microsecond_after).transpose()?;
    Ok(behind.map_or(now, |behind| behind.max(now)))
}

/// The microsecond after a time.
///
/// # Errors
/// Where time ends there.
pub fn microsecond_after(time_us: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_micros(time_us.saturating_add(1))
        .map_err(|_| StoreError::Broken("no microsecond is free before the end of time".into()))
}
