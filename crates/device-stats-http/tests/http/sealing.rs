//! Sealing and merging through the store, in the same way as background sealing. The case chooses the
//! readings and the segments.

use device_stats_domain::DeviceKey;
use device_stats_segment::{Effort, Row, Segment};
use device_stats_store::conformance::oracle::Oracle;
use device_stats_store::{Replaced, SealedRows, SegmentEntry, Store};

/// Seals the chosen hot readings of a device. Returns `None` if no reading is chosen.
pub(crate) async fn seal_some(
    store: &dyn Store,
    device: DeviceKey,
    is_chosen: impl Fn(usize) -> bool,
) -> Option<Replaced> {
    let hot = store.list_hot_readings(device, u32::MAX).await.unwrap();
    let rows: Vec<Row> = (0..).zip(hot).filter(|(place, _)| is_chosen(*place)).map(|(_, row)| row).collect();
    if rows.is_empty() {
        return None;
    }
    let sealed = SealedRows::encode(&rows, Effort::Fast).unwrap();
    Some(store.seal(device, &sealed).await.unwrap())
}

/// Merges the chosen segments of a device. Returns `None` if no segment is chosen, or if one of them no
/// longer exists.
pub(crate) async fn merge_some(
    store: &dyn Store,
    device: DeviceKey,
    is_chosen: impl Fn(usize) -> bool,
) -> Option<Replaced> {
    let all = store.list_segments(device).await.unwrap();
    let chosen = (0..).zip(all).filter(|(place, _)| is_chosen(*place));
    let chosen: Vec<SegmentEntry> = chosen.map(|(_, entry)| entry).collect();
    if chosen.is_empty() {
        return None;
    }
    let mut segments = Vec::new();
    for entry in &chosen {
        segments.push(store.read_segment(device, *entry).await.unwrap()?);
    }
    let merged = Segment::merge(&segments, Effort::Fast).unwrap();
    let ids: Vec<_> = chosen.iter().map(|entry| entry.id).collect();
    Some(store.merge(device, &ids, &merged).await.unwrap())
}
