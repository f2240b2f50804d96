//! The status of a device: whether it reports as expected, from its arrivals.

use std::time::Duration;

use super::clock::wrong_offset;
use super::record::ArrivalRecord;
use crate::expected_interval::ExpectedInterval;
use crate::limits::{
    LEARNED_ARRIVALS_MIN, LEARNED_INTERVAL_FACTOR, LEARNED_INTERVAL_MIN, UNKNOWN_INTERVAL_SILENCE,
};
use crate::time::Timestamp;

/// Whether a device reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceState {
    /// The last arrival is not longer ago than expected.
    Reporting,
    /// The last arrival is longer ago than expected.
    Silent,
    /// Nothing has arrived, and the device has no reading.
    Waiting,
}

/// A condition on the status of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateFilter {
    /// The device has this state.
    State(DeviceState),
    /// The clock of the device is wrong, whatever its state.
    WrongClock,
}

/// The known facts about a device.
#[derive(Clone, Copy, Debug, Default)]
pub struct Evidence {
    /// The interval that its owner has set.
    pub set: Option<ExpectedInterval>,
    /// Its arrivals.
    pub arrivals: Option<ArrivalRecord>,
    /// The time of its newest reading. It matters only without arrivals: for a device whose readings came
    /// before stores recorded arrivals.
    pub newest_reading: Option<Timestamp>,
}

/// The status of a device at a moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DeviceStatus {
    /// Whether it reports.
    pub state: DeviceState,
    /// The longest silence that is normal, in microseconds; `None` if it is neither set nor learned yet.
    pub expected_interval_us: Option<i64>,
    /// Whether the interval was learned from the arrivals, not set.
    pub is_learned: bool,
    /// The time by which its clock is ahead, in microseconds; negative if it is behind; `None` if it seems
    /// right.
    ///
    /// The clock is ahead if the newest time of the last arrivals lay more than
    /// [`CLOCK_AHEAD_MIN`](crate::limits::CLOCK_AHEAD_MIN) after the arrival. It is behind if that time lay
    /// more than [`CLOCK_LAG_MIN`](crate::limits::CLOCK_LAG_MIN) before the arrival, and the lag stayed
    /// nearly the same in [`CLOCK_STEADY_LAGS`](crate::limits::CLOCK_STEADY_LAGS) consecutive merges. Late
    /// readings from a queue have a lag that shrinks.
    pub clock_offset_us: Option<i64>,
    /// Number of readings per second, as received, smoothed; 0 unless the device reports.
    pub readings_per_second: f64,
}

impl DeviceStatus {
    /// Judges a device at a time. `unseen` is the time for which arrivals may be unknown, because other nodes
    /// have not written them yet.
    ///
    /// While no interval is known, a device is silent after
    /// [`UNKNOWN_INTERVAL_SILENCE`](crate::limits::UNKNOWN_INTERVAL_SILENCE). Without arrivals, it is judged
    /// by the time of its newest reading, and silent if that lies in the future.
    pub fn judge(evidence: &Evidence, now: Timestamp, unseen: Duration) -> Self {
        let Evidence { set, arrivals, newest_reading } = evidence;
        let learned = arrivals.as_ref().and_then(learned_interval_us);
        let expected_interval_us = set.map(ExpectedInterval::micros).or(learned);
        let normal_us = expected_interval_us.unwrap_or(micros(UNKNOWN_INTERVAL_SILENCE));
        let since = |time: Timestamp| now.micros().saturating_sub(time.micros());
        let reports = |reports| if reports { DeviceState::Reporting } else { DeviceState::Silent };
        let state = match (arrivals, newest_reading) {
            (Some(arrivals), _) => {
                reports(since(arrivals.last_at) <= normal_us.saturating_add(micros(unseen)))
            }
            (None, Some(newest)) => reports((0..=normal_us).contains(&since(*newest))),
            (None, None) => DeviceState::Waiting,
        };
        let rate = arrivals.filter(|_| state == DeviceState::Reporting);
        Self {
            state,
            expected_interval_us,
            is_learned: set.is_none() && learned.is_some(),
            clock_offset_us: arrivals.and_then(|record| wrong_offset(record.offset_us?, record.steady_lags)),
            readings_per_second: rate.map_or(0.0, |record| rate_at(&record, since(record.last_at))),
        }
    }
}

impl StateFilter {
    /// Returns whether a device meets the condition.
    pub fn includes(self, status: &DeviceStatus) -> bool {
        match self {
            Self::State(state) => status.state == state,
            Self::WrongClock => status.clock_offset_us.is_some(),
        }
    }
}

/// Returns the learned interval: a multiple of the learned silence, once enough arrivals are known.
fn learned_interval_us(record: &ArrivalRecord) -> Option<i64> {
    let [_, silence_us] = record.silences_us;
    let interval_us = silence_us.saturating_mul(LEARNED_INTERVAL_FACTOR).max(micros(LEARNED_INTERVAL_MIN));
    (record.arrivals >= LEARNED_ARRIVALS_MIN).then_some(interval_us)
}

/// Returns the rate of a device some time after its last arrival. In the silence after a burst, it falls.
#[expect(clippy::cast_precision_loss, reason = "a smoothed number needs few digits")]
fn rate_at(record: &ArrivalRecord, since_us: i64) -> f64 {
    let at_most = record.readings_per_arrival * 1e6 / since_us.max(1) as f64;
    record.readings_per_second.min(at_most)
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
