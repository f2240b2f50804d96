//! Limits of every store.

use std::time::Duration;

/// Maximum number of connections of a store's pool.
pub const STORE_CONNECTIONS_MAX: usize = 16;
/// Maximum number of connections that read the pieces of one call at the same time.
pub const STORE_READERS_AT_ONCE: usize = 8;
/// Maximum number of pieces of a call that one connection reads alone. Above this, the work is split, which
/// is faster if the pieces are not in memory.
pub const STORE_PIECES_PER_READER_MAX: usize = 64;
/// Maximum time that a request waits for a free connection. After it, the response is 503.
pub const STORE_WAIT_TIMEOUT: Duration = Duration::from_secs(1);
/// Maximum time for opening a connection to the store.
pub const STORE_CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Maximum number of tokens of a user, of a device, and of all administrators together. Expired tokens do not
/// count.
pub const TOKENS_MAX: u32 = 20;
/// Maximum number of sessions of a token. A further one replaces the oldest.
pub const SESSIONS_MAX: u32 = 100;
/// Maximum number of expired idempotency keys that one call removes when it adds new ones.
pub const RECEIPTS_REMOVED_MAX: u32 = 1_000;
/// Maximum number of segments that one call deletes when it purges a deleted device.
pub const PURGED_SEGMENTS_MAX: u32 = 32;
/// Maximum number of devices that one call visits when it lists devices with hot readings.
pub const HOT_DEVICES_LISTED_MAX: u32 = 1_000;
/// Number of hot readings at which a store may stop counting, for one device and for all devices together.
pub const HOT_READINGS_COUNTED_MAX: u32 = 4_096;
/// Number of segments up to which a store that several nodes share counts them and their readings. Above, it
/// estimates these numbers.
pub const SEGMENTS_COUNTED_MAX: u32 = 10_000;
/// Maximum number of segments whose size a store looks up to estimate the size of all.
pub const SEGMENTS_MEASURED_MAX: u32 = 256;
/// Maximum time by which a clock may be set back, or by which the clocks of nodes may differ. A server-timed
/// reading is placed after the existing readings of its device that are less than this time ahead of the
/// clock. Readings further ahead are ignored: a device whose own clock is wrong by more must not move its
/// server-timed readings.
pub const CLOCK_SKEW_MAX: Duration = Duration::from_mins(5);
/// Maximum size of a message between nodes, in bytes.
pub const MESSAGE_BYTES_MAX: usize = 7_900;
