//! The check of one device. Checks the content of each segment, compares it with the catalogue and with the
//! derived segment, and looks for times that occur twice.

use device_stats_domain::{DeviceKey, Window, error_chain};
use device_stats_segment::{Head, Segment};
use device_stats_service::{read_derived_segment, read_segment};
use device_stats_store::{NewestReadings, SegmentEntry, SegmentId, Store, StoreError};

/// Maximum number of attempts for a device whose segments are merged during the check.
const ATTEMPTS_MAX: u32 = 10;

/// The result of a check.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Checked {
    pub(super) segments: u64,
    pub(super) sealed_readings: u64,
    pub(super) hot_readings: u64,
    /// The faults. A fault of one segment names the segment.
    pub(super) faults: Vec<(Option<SegmentId>, String)>,
}

impl Checked {
    /// Adds the result of another device.
    pub(super) fn plus(mut self, other: Self) -> Self {
        self.segments += other.segments;
        self.sealed_readings += other.sealed_readings;
        self.hot_readings += other.hot_readings;
        self.faults.extend(other.faults);
        self
    }
}

/// Checks a device. The result of a deleted device is empty.
///
/// # Errors
/// Errors of the store.
pub(super) async fn check(store: &dyn Store, device: DeviceKey) -> Result<Checked, StoreError> {
    for _ in 0..ATTEMPTS_MAX {
        if let Some(checked) = check_once(store, device).await? {
            return Ok(checked);
        }
    }
    Err(StoreError::Unavailable("the segments were merged again and again during the check".into()))
}

/// Checks a snapshot of a device. Returns `None` if a segment of the snapshot was merged away.
async fn check_once(store: &dyn Store, device: DeviceKey) -> Result<Option<Checked>, StoreError> {
    let NewestReadings { hot, segments } = store.list_newest(device, Window::ALL, u64::MAX).await?;
    let hot: Vec<i64> = hot.iter().rev().map(|row| row.time_us).collect();
    let mut checked = Checked { hot_readings: hot.len() as u64, ..Checked::default() };
    let mut open: Vec<(SegmentId, Vec<i64>)> = Vec::new();
    for entry in segments {
        let (faults, times) = match read_segment(store, device, &entry).await {
            Ok(Some(segment)) => {
                let derived = read_derived_segment(store, device, &entry).await;
                inspect(segment, entry, derived).await?
            }
            Ok(None) if store.list_segments(device).await?.contains(&entry) => {
                (vec!["a piece of the segment is missing".to_owned()], Vec::new())
            }
            Ok(None) => return Ok(None),
            Err(StoreError::Corrupt { fault, .. }) => (vec![error_chain(&fault)], Vec::new()),
            Err(error) => return Err(error),
        };
        checked.segments += 1;
        checked.sealed_readings += u64::from(entry.readings);
        checked.faults.extend(faults.into_iter().map(|fault| (Some(entry.id), fault)));
        // The first times of the segments ascend. A segment that ends before this one starts overlaps neither
        // this segment nor any later one.
        open.retain(|(_, other)| other.last() >= times.first());
        for (other, other_times) in &open {
            if let Some(us) = common_time(other_times, &times) {
                let fault = format!("has a reading at {us} µs, which is also in segment {}", other.0);
                checked.faults.push((Some(entry.id), fault));
            }
        }
        if let Some(us) = common_time(&hot, &times) {
            let fault = format!("has a reading at {us} µs, which is also a hot reading");
            checked.faults.push((Some(entry.id), fault));
        }
        open.push((entry.id, times));
    }
    Ok(Some(checked))
}

/// Returns the faults of a segment and the times of its readings. The faults include differences from the
/// catalogue and from the derived segment.
async fn inspect(
    segment: Segment,
    entry: SegmentEntry,
    derived: Result<Option<Segment>, StoreError>,
) -> Result<(Vec<String>, Vec<i64>), StoreError> {
    let derived = match derived {
        Ok(derived) => Ok(derived),
        Err(StoreError::Corrupt { fault, .. }) => Err(fault),
        Err(error) => return Err(error),
    };
    let inspected = tokio::task::spawn_blocking(move || {
        let mut faults = Vec::new();
        match Head::open(&segment.head) {
            Ok(head) => {
                let actual = SegmentEntry {
                    id: entry.id,
                    first_us: head.first_us(),
                    last_us: head.last_us(),
                    readings: head.readings(),
                };
                if actual != entry {
                    faults.push(format!("the catalogue has {entry:?}, the segment {actual:?}"));
                }
            }
            Err(fault) => faults.push(error_chain(&fault)),
        }
        faults.extend(segment.verify().err().map(|fault| error_chain(&fault)));
        if faults.is_empty() {
            let verified = derived.and_then(|derived| match derived {
                Some(derived) => segment.verify_derived(&derived),
                None => Ok(()),
            });
            faults
                .extend(verified.err().map(|fault| format!("its derived segment: {}", error_chain(&fault))));
        }
        let times = match segment.rows() {
            Ok(rows) => rows.iter().map(|row| row.time_us).collect(),
            // Usually `verify` has already reported this fault. It may overlook damage that prevents
            // decoding.
            Err(fault) => {
                if faults.is_empty() {
                    faults.push(error_chain(&fault));
                }
                Vec::new()
            }
        };
        (faults, times)
    });
    inspected.await.map_err(|panic| StoreError::Broken(panic.into()))
}

/// Returns the first time that occurs in both of two ascending lists.
fn common_time(left: &[i64], right: &[i64]) -> Option<i64> {
    let (few, many) = if left.len() < right.len() { (left, right) } else { (right, left) };
    let (first, last) = (few.first()?, few.last()?);
    let from = many.partition_point(|us| us < first);
    let until = many.partition_point(|us| us <= last);
    let mut inside = many.get(from..until)?.iter().peekable();
    few.iter().copied().find(|us| {
        while inside.next_if(|other| *other < us).is_some() {}
        inside.peek() == Some(&us)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_common_time_is_found_at_every_position() {
        let all: Vec<i64> = (0..7).collect();
        let picked =
            |mask: u32| -> Vec<i64> { all.iter().copied().filter(|us| mask >> us & 1 == 1).collect() };
        for left in 0..128 {
            for right in 0..128 {
                let expected = all.iter().copied().find(|us| left & right & (1 << us) != 0);
                assert_eq!(common_time(&picked(left), &picked(right)), expected, "{left:b} and {right:b}");
            }
        }
    }
}
