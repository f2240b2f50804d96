//! Limits of the domain. Each crate has a file `limits.rs`; `docs/operating.md` lists all of them.

use std::time::Duration;

/// Maximum size of a `device_id`, in bytes of UTF-8.
pub const DEVICE_ID_BYTES_MAX: usize = 255;
/// Maximum size of a device name, in bytes of UTF-8.
pub const DEVICE_NAME_BYTES_MAX: usize = 1024;
/// Maximum size of a username, in bytes of UTF-8.
pub const USERNAME_BYTES_MAX: usize = 255;
/// Maximum size of the name of a token, in bytes of UTF-8.
pub const TOKEN_NAME_BYTES_MAX: usize = 255;
/// Maximum size of an idempotency key, in bytes of ASCII.
pub const IDEMPOTENCY_KEY_BYTES_MAX: usize = 255;

/// Maximum size of the id of a request, in bytes of ASCII.
pub const REQUEST_ID_BYTES_MAX: usize = 128;

/// Maximum size of a text to search for in a list, in bytes of UTF-8.
pub const SEARCH_TEXT_BYTES_MAX: usize = 255;

/// Default number of entries of a page of users, devices or readings.
pub const PAGE_LIMIT_DEFAULT: u32 = 100;
/// Maximum number of entries of a page.
pub const PAGE_LIMIT_MAX: u32 = 100;
/// Maximum number of entries of a page of a list by cursor.
pub const CURSOR_LIMIT_MAX: u32 = 1_000;

/// Maximum number of percentiles of an analysis.
pub const PERCENTILES_MAX: usize = 20;
/// Maximum number of buckets of a series.
pub const SERIES_BUCKETS_MAX: u64 = 2_000;
/// Minimum number of readings of a path for which a request can ask: the ends, and two extremes of each axis.
pub const PATH_POINTS_MIN: u32 = 8;
/// Default maximum number of readings of a path.
pub const PATH_POINTS_DEFAULT: u32 = 2_000;
/// Maximum number of readings of a path.
pub const PATH_POINTS_MAX: u32 = 10_000;
/// Default number of bins of a histogram.
pub const HISTOGRAM_BINS_DEFAULT: u32 = 20;
/// Maximum number of bins of a histogram.
pub const HISTOGRAM_BINS_MAX: u32 = 1_000;

/// Maximum number of buckets of the activity of a device.
pub const ACTIVITY_POINTS_MAX: u32 = 120;
/// Maximum time that they cover.
pub const ACTIVITY_SPAN_MAX: Duration = Duration::from_hours(31 * 24);

/// Maximum of the expected interval of a device: the longest silence that its owner may set as normal.
pub const EXPECTED_INTERVAL_MAX: Duration = Duration::from_hours(31 * 24);
/// Minimum of a learned interval.
pub const LEARNED_INTERVAL_MIN: Duration = Duration::from_secs(10);
/// Number of arrivals of a device from which its interval is learned.
pub const LEARNED_ARRIVALS_MIN: u32 = 3;
/// The learned interval, as a multiple of the longest silence that the device usually has.
pub const LEARNED_INTERVAL_FACTOR: i64 = 3;
/// Time without an arrival after which a device is silent if no interval is set or learned.
pub const UNKNOWN_INTERVAL_SILENCE: Duration = Duration::from_hours(1);
/// Time by which the newest reading of a device must be ahead of its arrival so that its clock counts as
/// ahead.
pub const CLOCK_AHEAD_MIN: Duration = Duration::from_mins(1);
/// Time by which it must be behind so that its clock may count as behind.
pub const CLOCK_LAG_MIN: Duration = Duration::from_mins(5);
/// Number of consecutive merges of arrivals with the same lag from which a clock counts as behind.
pub const CLOCK_STEADY_LAGS: u8 = 3;
