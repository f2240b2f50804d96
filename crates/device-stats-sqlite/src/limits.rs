//! Limits of the store in SQLite.

/// Maximum number of segments, of several requests, that one group commit stores.
pub const GROUP_SEGMENTS_MAX: usize = 32;
