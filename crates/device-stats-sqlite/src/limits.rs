//! Limits of the store in SQLite.

/// Maximum number of segments that one group commit stores. They come from several requests.
pub const GROUP_SEGMENTS_MAX: usize = 32;
