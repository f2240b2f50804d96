//! Limits of the store in SQLite.

use std::time::Duration;

/// Maximum number of segments that one group commit stores. They come from several requests.
pub const GROUP_SEGMENTS_MAX: usize = 32;
/// Number of pages by which the write-ahead log grows from one checkpoint to the next. A page has 16 KiB.
pub const CHECKPOINT_LOG_PAGES: u32 = 1_000;
/// Number of pages of the write-ahead log from which a checkpoint also waits for readers, so that the log
/// starts again from its beginning. Writes wait in the meantime.
pub const RESTART_LOG_PAGES: u32 = 2_000;
/// Time for which a checkpoint waits for readers, for each [`RESTART_LOG_PAGES`] pages of the write-ahead log.
/// The longer the log, the longer the readers that it waits for.
pub const RESTART_WAIT: Duration = Duration::from_secs(1);
/// Maximum time for which a checkpoint waits for readers.
pub const RESTART_WAIT_MAX: Duration = Duration::from_secs(20);
