//! How a segment comes in: in the place of the hot readings or the smaller segments it was made from, or of nothing.

use device_stats_domain::{DeviceKey, Window};
use device_stats_segment::{Head, Segment};
use device_stats_store::{Replaced, SegmentId, StoreError};
use rusqlite::Connection;

use crate::accounts::devices;
use crate::hot::{TimeAndId, View};
use crate::journal::{self, Entry};
use crate::segments::catalogue;
use crate::segments::sealed_times::SealedTimes;

// Each of these changes nothing before it knows that it will not answer `Stale`: what a call answers is committed.

/// Puts a segment in the place of exactly those hot readings. In a transaction not twice for a device, since the view does not
/// see what the first one has done.
pub(crate) fn seal(
    connection: &Connection,
    hot: &View,
    device: DeviceKey,
    sealed: &[TimeAndId],
    segment: &Segment,
    head: &Head,
) -> Result<Replaced, StoreError> {
    if !hot.has_all(device, sealed) {
        return Ok(Replaced::Stale);
    }
    let replaced = insert_unless_missing(connection, device, segment, head)?;
    if let Replaced::Done(_) = replaced {
        let times = sealed.iter().map(|(time_us, _)| *time_us).collect();
        journal::write(connection, &Entry::Sealed(device, times))?;
    }
    Ok(replaced)
}

/// Puts a segment in the place of those it was made from.
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
    merged.iter().try_for_each(|id| catalogue::remove(connection, *id))?;
    insert_unless_missing(connection, device, segment, head)
}

/// Adds a segment in whose span the device has no reading.
pub(crate) fn append_segment(
    connection: &Connection,
    hot: &View,
    device: DeviceKey,
    segment: &Segment,
    head: &Head,
) -> Result<Replaced, StoreError> {
    devices::find_by_key(connection, device)?.ok_or(StoreError::DeviceMissing)?;
    let (first_us, last_us) = (head.first_us(), head.last_us());
    let span = Window { from_us: first_us, until_us: last_us.saturating_add(1) };
    if hot.has_any(device, span)
        || SealedTimes::inside(connection, device, span)?.has_between(first_us, last_us)?
    {
        return Ok(Replaced::Stale);
    }
    catalogue::insert(connection, device, segment, head).map(Replaced::Done)
}

/// A segment that cannot be opened is never let in. To be called before a transaction, which others wait for.
pub(crate) fn open(segment: &Segment) -> Result<Box<Head>, StoreError> {
    Head::open(&segment.head).map(Box::new).map_err(|fault| StoreError::Broken(fault.into()))
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
