//! Wrong clocks of devices. The time of the newest reading of an arrival minus the time of the arrival is an
//! offset. A clock that is ahead shows at once: no reading comes from the future. A lag can also mean that
//! the device sends late, so a clock counts as behind only if the lag stays the same.

use std::time::Duration;

use crate::limits::{CLOCK_AHEAD_MIN, CLOCK_LAG_MIN, CLOCK_STEADY_LAGS};

/// Share of a lag by which a steady lag may change from one merge to the next: a twentieth.
const CHANGE_DIVISOR: i64 = 20;
/// Minimum of this change, in microseconds.
const CHANGE_MIN_US: i64 = 5_000_000;
/// Maximum of this change, in microseconds. A file of old readings that is sent in many batches has large
/// lags, which shrink by far more.
const CHANGE_MAX_US: i64 = 60_000_000;

/// Returns the number of consecutive merges with a steady lag, after one more offset.
pub(super) fn steady_lags(lags: u8, before_us: i64, offset_us: i64) -> u8 {
    let lag_us = offset_us.saturating_neg();
    let change_max_us = (lag_us / CHANGE_DIVISOR).clamp(CHANGE_MIN_US, CHANGE_MAX_US);
    let is_steady = is_late(before_us)
        && is_late(offset_us)
        && offset_us.saturating_sub(before_us).saturating_abs() <= change_max_us;
    if is_steady { lags.saturating_add(1) } else { 0 }
}

/// Returns the offset if the clock of the device is wrong.
pub(super) fn wrong_offset(offset_us: i64, steady_lags: u8) -> Option<i64> {
    let is_ahead = offset_us > micros(CLOCK_AHEAD_MIN);
    let is_behind = is_late(offset_us) && steady_lags >= CLOCK_STEADY_LAGS;
    (is_ahead || is_behind).then_some(offset_us)
}

fn is_late(offset_us: i64) -> bool {
    offset_us < -micros(CLOCK_LAG_MIN)
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
