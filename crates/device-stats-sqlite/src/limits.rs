//! Limits of the store in SQLite.

use std::time::Duration;

/// Maximum number of segments that one group commit stores. They come from several requests.
pub const GROUP_SEGMENTS_MAX: usize = 32;
/// Number of pages by which the write-ahead log grows from one checkpoint to the next. A page has 16 KiB.
pub const CHECKPOINT_PAGES: u32 = 1_000;
/// Number of pages of the write-ahead log from which a checkpoint also waits for readers, so that the log
/// starts again from its beginning. Writes wait in the meantime.
pub const RESTART_PAGES: u32 = 2_000;
/// Time for which a checkpoint waits for readers, for each [`RESTART_PAGES`] pages of the write-ahead
/// log. The longer the log, the longer the readers that it waits for.
pub const RESTART_WAIT: Duration = Duration::from_secs(1);
/// Maximum time for which a checkpoint waits for readers.
pub const RESTART_WAIT_MAX: Duration = Duration::from_secs(20);
/// Maximum time that a call waits for the writing connection, and then for the write lock of another process.
/// After it, the response is 503. It is shorter than the maximum time in the queue of readings.
pub const WRITE_WAIT_TIMEOUT: Duration = Duration::from_secs(30);
/// Number of free pages that the file keeps for later data. A large file keeps a quarter of its used pages.
pub const FREE_PAGES_KEPT: u32 = 1_024;
/// Maximum number of free pages that one transaction returns to the file system.
pub const FREE_PAGES_RETURNED_AT_ONCE: u32 = 256;
/// Duration of the pause after such a transaction, as a multiple of the time of the transaction. Calls that
/// write go first.
pub const FREE_PAGES_PAUSE_FACTOR: u32 = 4;
/// Maximum number of damaged and missing entries of the journal that one repair drops.
pub const MISSING_ENTRIES_MAX: usize = 10_000;
/// Maximum number of faults in the structure of the database that one check reports.
pub const STRUCTURE_FAULTS_MAX: u32 = 100;
