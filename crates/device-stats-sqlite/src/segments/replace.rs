//! Transactions that store a segment: in place of hot readings, in place of smaller segments, or as new
//! readings.

use device_stats_domain::{DeviceKey, Window};
use device_stats_segment::{Head, Segment};
use device_stats_store::{Replaced, SealedRows, SegmentId, StoreError};
use rusqlite::Connection;

use crate::accounts::devices;
use crate::hot::HotView;
use crate::journal::{self, Entry};
use crate::segments::catalogue;
use crate::segments::sealed_times::SealedTimesReader;

// The caller commits after every `Ok`, including `Stale`. So a function changes no data of an existing device
// until it is certain that the outcome is not `Stale`.

/// Replaces hot readings by their segment. Hot readings of a device that does not exist are deleted. Call it
/// at most once for a device in a transaction: the view does not show the changes of the first call.
pub(crate) fn seal(
    connection: &Connection,
    hot: &HotView,
    device: DeviceKey,
    sealed: &SealedRows,
    head: &Head,
) -> Result<Replaced, StoreError> {
    if !hot.has_all(device, sealed)? {
        return Ok(Replaced::Stale);
    }
    let replaced = insert_unless_missing(connection, device, sealed.segment(), head)?;
    match replaced {
        Replaced::Done(_) => {
            journal::write(connection, &Entry::Removed(device, sealed.times_us().to_vec()))?;
        }
        // A deletion of the device has left these readings. They would be offered to the sealer for ever.
        Replaced::Stale => {
            tracing::warn!(device = device.0, "deleting hot readings of a device that does not exist");
            journal::write(connection, &Entry::Deleted(vec![device]))?;
        }
    }
    Ok(replaced)
}

/// Replaces segments by the segment that was merged from them.
pub(crate) fn merge(
    connection: &Connection,
    device: DeviceKey,
    merged: &[SegmentId],
    segment: &Segment,
    head: &Head,
) -> Result<Replaced, StoreError> {
    for id in merged {
        if !catalogue::has(connection, device, *id)? {
            return Ok(Replaced::Stale);
        }
    }
    merged.iter().try_for_each(|id| catalogue::delete(connection, *id))?;
    insert_unless_missing(connection, device, segment, head)
}

/// Adds a segment of new readings, unless the device has a reading in its span.
pub(crate) fn append(
    connection: &Connection,
    hot: &HotView,
    device: DeviceKey,
    segment: &Segment,
    head: &Head,
) -> Result<Replaced, StoreError> {
    devices::find_by_key(connection, device)?.ok_or(StoreError::DeviceMissing)?;
    let (first_us, last_us) = (head.first_us(), head.last_us());
    let span = Window { from_us: first_us, until_us: last_us.saturating_add(1) };
    let mut sealed = SealedTimesReader::new(connection, device, span)?;
    if hot.has_any(device, span)?
        || sealed.answer(|times| times.contains_between(device, first_us, last_us))?
    {
        return Ok(Replaced::Stale);
    }
    catalogue::insert(connection, device, segment, head).map(Replaced::Done)
}

fn insert_unless_missing(
    connection: &Connection,
    device: DeviceKey,
    segment: &Segment,
    head: &Head,
) -> Result<Replaced, StoreError> {
    match catalogue::insert(connection, device, segment, head) {
        Err(StoreError::DeviceMissing) => Ok(Replaced::Stale),
        inserted => inserted.map(Replaced::Done),
    }
}
