//! Segments as a store names them.

use device_stats_domain::{DeviceKey, Window};

/// The name of a segment; a store never gives one twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentId(pub i64);

/// What the catalogue says of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentEntry {
    /// Its name.
    pub id: SegmentId,
    /// The time of its first reading, in microseconds since 1970 UTC.
    pub first_us: i64,
    /// The time of its last reading, in microseconds since 1970 UTC.
    pub last_us: i64,
    /// How many readings it holds; 1 and up.
    pub readings: u32,
}

impl SegmentEntry {
    /// Whether the span between its first and its last reading has a microsecond of the window. There need not be a
    /// reading in it.
    pub fn touches(&self, window: Window) -> bool {
        window.from_us < window.until_us && self.first_us < window.until_us && window.from_us <= self.last_us
    }
}

/// A part of a segment that is read as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PieceKey {
    /// Whose segment it is.
    pub device: DeviceKey,
    /// The segment.
    pub segment: SegmentId,
    /// Which part.
    pub piece: Piece,
}

/// Which part of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Piece {
    /// The head.
    Head,
    /// A block, from 0 up.
    Block(u32),
}

/// A device with hot readings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HotDevice {
    /// The device.
    pub device: DeviceKey,
    /// How many hot readings it has; 1 and up.
    pub readings: u64,
}

/// What became of an attempt to put a segment in the place of what it was made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replaced {
    /// It stands there now.
    Done(SegmentId),
    /// Nothing has been done: what it was made from is not, or not all, there any more, or another caller is at it.
    Stale,
}
