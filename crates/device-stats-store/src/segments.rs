//! Segments of a store: sealing, merging, appending and cutting them, and reading and searching their bytes.

mod deletion;
mod entry;
mod piece;
mod sealed_rows;
mod sealed_times;

use async_trait::async_trait;
use device_stats_domain::{Author, DeviceKey, Window};
use device_stats_segment::Segment;

pub use self::deletion::{CutSegment, Deleted, DeletionPlan};
pub use self::entry::{SegmentEntry, SegmentId};
pub use self::piece::{Piece, PieceKey};
pub use self::sealed_rows::{SealedRows, open_head};
pub use self::sealed_times::{Lookup, MissingPiece, SealedTimes};
use crate::{StoreError, Visibility};

/// Keeps segments. See [`Store`](crate::Store) for the promises and errors common to all methods.
#[async_trait]
pub trait SegmentStore: Send + Sync + 'static {
    /// Returns the number of concurrent [`Self::seal`] and [`Self::merge`] calls up to which throughput
    /// grows, 1 and up.
    fn seal_concurrency(&self) -> usize;

    /// Returns all segments of a device, by ascending first time, then id; none if the device does not exist.
    ///
    /// # Errors
    /// Only the common errors.
    async fn list_segments(&self, device: DeviceKey) -> Result<Vec<SegmentEntry>, StoreError>;

    /// Returns the bytes of pieces as they were written, in the same order; `None` for each piece that does
    /// not exist.
    ///
    /// A segment never changes, but it disappears when it is merged, or when some of its readings or its
    /// device are deleted. A new snapshot lists the segment that has the readings.
    ///
    /// # Errors
    /// Only the common errors.
    async fn read_pieces(&self, pieces: &[PieceKey]) -> Result<Vec<Option<Vec<u8>>>, StoreError>;

    /// Returns the bytes of pieces of derived segments as they were written, in the same order; `None` for
    /// each piece that does not exist. A key names the segment that a derived segment belongs to.
    ///
    /// A derived segment is deleted in the same transaction as its segment. It can also be deleted earlier;
    /// the caller then computes it again.
    ///
    /// # Errors
    /// Only the common errors.
    async fn read_derived_pieces(&self, pieces: &[PieceKey]) -> Result<Vec<Option<Vec<u8>>>, StoreError>;

    /// Stores the derived segment of a segment.
    ///
    /// Nothing is done if the segment already has a derived segment, no longer exists, or belongs to another
    /// device. So this call may race with other calls and with a merge. Read the derived segment to learn the
    /// outcome. A [`Self::merge`] of the segment during this call may be [`Replaced::Stale`].
    ///
    /// # Errors
    /// Only the common errors.
    async fn store_derived(
        &self,
        device: DeviceKey,
        segment: SegmentId,
        derived: &Segment,
    ) -> Result<(), StoreError>;

    /// Deletes the derived segment of a segment, and returns whether it was stored. A caller that has found a
    /// fault in it uses this call, and then computes it again.
    ///
    /// # Errors
    /// Only the common errors.
    async fn delete_derived(&self, device: DeviceKey, segment: SegmentId) -> Result<bool, StoreError>;

    /// Replaces hot readings of a device by the segment that was encoded from them.
    ///
    /// Nothing is done if one of the readings is no longer hot, or has another id. So a delayed caller does
    /// no harm. If several callers seal the same reading, only one succeeds.
    ///
    /// # Errors
    /// Only the common errors; [`Replaced::Stale`] if the device does not exist.
    async fn seal(&self, device: DeviceKey, sealed: &SealedRows) -> Result<Replaced, StoreError>;

    /// Replaces segments of a device by the segment that was merged from them. Nothing is done if one of
    /// these segments no longer exists.
    ///
    /// # Errors
    /// Only the common errors; [`Replaced::Stale`] if the device does not exist.
    async fn merge(
        &self,
        device: DeviceKey,
        merged: &[SegmentId],
        segment: &Segment,
    ) -> Result<Replaced, StoreError>;

    /// Appends a segment of new readings.
    ///
    /// Nothing is done if the device has a reading, hot or sealed, from the segment's first to its last time.
    /// The answer is then [`Replaced::Stale`], and the readings can be appended with
    /// [`append`](crate::ReadingStore::append).
    ///
    /// # Errors
    /// [`StoreError::DeviceMissing`]; [`StoreError::Restored`] as for
    /// [`append`](crate::ReadingStore::append).
    async fn append_segment(&self, device: DeviceKey, segment: &Segment) -> Result<Replaced, StoreError>;

    /// Deletes the readings of a device in a window, hot and sealed. After that, a reading with the time of a
    /// deleted one is new, not a repeat. A device that is not `visible` is missing. If readings are deleted,
    /// writes an entry to the audit log, as in [`AccountStore`](crate::AccountStore).
    ///
    /// Segments inside the window are deleted without being read. The caller has read the segments that the
    /// window cuts; `cut` has their rests, which replace them. If the window now cuts other segments than
    /// those in `cut`, nothing is done.
    ///
    /// # Errors
    /// [`StoreError::DeviceMissing`].
    async fn delete_readings(
        &self,
        author: &Author,
        visible: Visibility,
        device: DeviceKey,
        window: Window,
        cut: &[CutSegment],
    ) -> Result<Deleted, StoreError>;
}

/// Outcome of storing a segment in place of the readings or segments from which it was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replaced {
    /// The segment has been stored.
    Done(SegmentId),
    /// Nothing has been done: some of the replaced readings or segments no longer exist, or another call is
    /// replacing them.
    Stale,
}
