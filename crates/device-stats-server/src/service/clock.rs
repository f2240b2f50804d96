//! The wall clock, which gives a time to readings that bring none.

use std::time::{SystemTime, UNIX_EPOCH};

use device_stats_domain::Timestamp;

/// The time now. A clock that stands before 1970 counts as 1970, one beyond the year 9999 as its end.
pub(super) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros())
        .ok()
        .and_then(|micros| Timestamp::from_micros(micros).ok())
        .unwrap_or(Timestamp::MAX)
}
