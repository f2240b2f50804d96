//! Deletion of the readings of a window: the plan for each segment that touches the window.

use std::collections::HashMap;

use device_stats_domain::Window;
use device_stats_segment::{Head, Segment};

use super::{SegmentEntry, SegmentId, open_head};
use crate::StoreError;

/// A segment that the window of a deletion cuts: its first or its last reading lies outside the window.
#[derive(Clone, Debug)]
pub struct CutSegment {
    /// The segment.
    pub id: SegmentId,
    /// The segment encoded from its readings outside the window; `None` if all its readings are outside.
    pub rest: Option<Segment>,
}

/// Outcome of the deletion of the readings of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deleted {
    /// This number of readings has been deleted.
    Done(u64),
    /// Nothing has been done. Either the window cuts other segments than the caller has read, or other calls
    /// have locked the device for too long.
    Stale,
}

/// The changes of a deletion to the segments of a device.
#[derive(Debug)]
pub struct DeletionPlan<'c> {
    /// The segments to delete.
    pub deleted: Vec<SegmentId>,
    /// The segments to insert, in the order of the call, with their heads.
    pub inserted: Vec<(&'c Segment, Head)>,
    /// Number of sealed readings in the window.
    pub readings: u64,
}

impl<'c> DeletionPlan<'c> {
    /// Plans a deletion. `touching` contains all segments of the device that touch the window, and `cut`
    /// contains the rests of the cut segments. Returns `None` if `cut` does not contain exactly the segments
    /// that the window cuts.
    ///
    /// # Errors
    /// [`StoreError::Broken`] if the rest of a segment is not a segment, or has too many readings.
    pub fn new(
        touching: &[SegmentEntry],
        window: Window,
        cut: &'c [CutSegment],
    ) -> Result<Option<Self>, StoreError> {
        let mut plan = Self { deleted: Vec::new(), inserted: Vec::new(), readings: 0 };
        let mut entries = HashMap::new();
        for entry in touching {
            if entry.is_inside(window) {
                plan.deleted.push(entry.id);
                plan.readings += u64::from(entry.readings);
            } else {
                entries.insert(entry.id, entry);
            }
        }
        for CutSegment { id, rest } in cut {
            let Some(entry) = entries.remove(id) else { return Ok(None) };
            let Some(rest) = rest else { continue };
            let head = open_head(rest)?;
            let deleted = entry.readings.checked_sub(head.readings());
            let too_many = || StoreError::Broken("a segment has fewer readings than its rest".into());
            plan.readings += u64::from(deleted.ok_or_else(too_many)?);
            plan.deleted.push(*id);
            plan.inserted.push((rest, head));
        }
        Ok(entries.is_empty().then_some(plan))
    }
}
