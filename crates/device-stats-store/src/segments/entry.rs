//! Catalogue entries of segments.

use device_stats_domain::Window;
use device_stats_segment::{Fault, Head, Section};

/// Id of a segment; a store never reuses one. If nodes share a database, this holds even if an older copy
/// replaces it while they run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentId(pub i64);

/// Catalogue entry of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentEntry {
    /// Id of the segment.
    pub id: SegmentId,
    /// Time of the first reading, in microseconds since 1970 UTC.
    pub first_us: i64,
    /// Time of the last reading, in microseconds since 1970 UTC.
    pub last_us: i64,
    /// Number of readings; 1 and up.
    pub readings: u32,
}

impl SegmentEntry {
    /// Returns whether the segment touches the window, as in [`DeviceSnapshot::segments`].
    ///
    /// [`DeviceSnapshot::segments`]: crate::DeviceSnapshot::segments
    #[cfg(any(test, feature = "conformance"))]
    pub(crate) fn touches(&self, window: Window) -> bool {
        window.from_us < window.until_us && self.first_us < window.until_us && window.from_us <= self.last_us
    }

    /// Returns whether all readings of the segment lie in the window.
    pub fn is_inside(&self, window: Window) -> bool {
        window.from_us <= self.first_us && self.last_us < window.until_us
    }

    /// Opens the head of the segment, and checks that it agrees with this entry.
    ///
    /// # Errors
    /// The [`Fault`] of the bytes, or [`Fault::Inconsistent`] if they are the head of another segment.
    pub fn open_head(&self, bytes: &[u8]) -> Result<Head, Fault> {
        let head = Head::open(bytes)?;
        let Self { id: _, first_us, last_us, readings } = *self;
        if (head.first_us(), head.last_us(), head.readings()) == (first_us, last_us, readings) {
            Ok(head)
        } else {
            let reason = "the catalogue describes another segment";
            Err(Fault::Inconsistent { section: Section::Head, reason })
        }
    }

    /// Opens the head of the derived segment of the segment.
    ///
    /// # Errors
    /// The [`Fault`] of the bytes, or [`Fault::Inconsistent`] if they are the head of another segment.
    pub fn open_derived_head(&self, bytes: &[u8]) -> Result<Head, Fault> {
        let head = Head::open(bytes)?;
        head.check_derived(self.readings)?;
        Ok(head)
    }
}
