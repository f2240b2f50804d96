//! Cases about merging segments.

use device_stats_domain::{Author, Device, DeviceKey};
use device_stats_segment::Segment;

use super::samples::{
    Opened, UNUSED_IDS, all_readings, all_times, device, entries, given, read_rows, row, sealed, segment,
    server_timed, stored_at,
};
use crate::{Appended, Piece, PieceKey, Replaced, SegmentId, Visibility};

/// Returns the given segments of a device, merged into one.
async fn merged(store: &Opened, device: &Device, ids: &[SegmentId]) -> Segment {
    let mut all = store.list_segments(device.key).await.unwrap();
    all.retain(|entry| ids.contains(&entry.id));
    segment(&read_rows(store, device.key, &all).await.unwrap())
}

async fn merge(store: &Opened, device: &Device, ids: &[SegmentId]) -> SegmentId {
    let segment = merged(store, device, ids).await;
    match store.merge(device.key, ids, &segment).await.unwrap() {
        Replaced::Done(id) => id,
        Replaced::Stale => panic!("{ids:?} were not merged"),
    }
}

pub async fn a_merged_segment_replaces_its_segments(store: Opened) {
    let device = device(&store, "d").await;
    let mut ids = Vec::new();
    for times in [&[1, 2, 3][..], &[4], &[5, 6], &[7, 8]] {
        ids.push(sealed(&store, &device, times).await);
    }
    let before = all_readings(&store, device.key).await;
    // In any order.
    let all = merge(&store, &device, &[ids[2], ids[0], ids[1]]).await;
    assert_eq!(all_readings(&store, device.key).await, before);
    assert_eq!(entries(&store, &device).await, [(all, 1, 6, 6), (ids[3], 7, 8, 2)]);
    let heads = ids.iter().map(|id| PieceKey { device: device.key, segment: *id, piece: Piece::Head });
    let heads = store.read_pieces(&heads.collect::<Vec<_>>()).await.unwrap();
    assert_eq!(heads.iter().map(Option::is_some).collect::<Vec<_>>(), [false, false, false, true]);
    let call: Vec<_> = (1..9).map(|us| given(&device, us, 99)).collect();
    assert_eq!(store.append(&call).await.unwrap(), vec![Appended::Conflict; 8]);
}

pub async fn segments_that_overlap_can_be_merged(store: Opened) {
    let device = device(&store, "d").await;
    let a = sealed(&store, &device, &[10, 20, 30]).await;
    let b = sealed(&store, &device, &[15, 25, 35]).await;
    let c = sealed(&store, &device, &[5, 40]).await;
    assert_eq!(entries(&store, &device).await, [(c, 5, 40, 2), (a, 10, 30, 3), (b, 15, 35, 3)]);
    let ab = merge(&store, &device, &[a, b]).await;
    assert_eq!(entries(&store, &device).await, [(c, 5, 40, 2), (ab, 10, 35, 6)]);
    assert_eq!(all_times(&store, &device).await, [5, 10, 15, 20, 25, 30, 35, 40]);
    let all = merge(&store, &device, &[c, ab]).await;
    assert_eq!(entries(&store, &device).await, [(all, 5, 40, 8)]);
    assert_eq!(all_times(&store, &device).await, [5, 10, 15, 20, 25, 30, 35, 40]);
}

pub async fn late_readings_do_not_disturb_a_merge(store: Opened) {
    let device = device(&store, "d").await;
    let ids = [sealed(&store, &device, &[10, 20]).await, sealed(&store, &device, &[30, 40]).await];
    let segment = merged(&store, &device, &ids).await;
    assert_eq!(
        store.append(&[given(&device, 25, 1), server_timed(&device, 20, 2)]).await.unwrap(),
        [25, 41].map(stored_at)
    );
    assert!(matches!(store.merge(device.key, &ids, &segment).await.unwrap(), Replaced::Done(_)));
    assert_eq!(all_times(&store, &device).await, [10, 20, 25, 30, 40, 41]);
}

pub async fn missing_segments_are_not_merged(store: Opened) {
    let (d, other) = (device(&store, "d").await, device(&store, "other").await);
    let (a, b, c) =
        (sealed(&store, &d, &[1]).await, sealed(&store, &d, &[2]).await, sealed(&store, &d, &[3]).await);
    let others = sealed(&store, &other, &[1]).await;
    let paused = merged(&store, &d, &[a, b]).await;
    let bc = merge(&store, &d, &[b, c]).await;
    let before = entries(&store, &d).await;
    for ids in [&[a, b][..], &[b, a], &[a, SegmentId(i64::MAX)], &[SegmentId(-1), a], &[a, others], &[others]]
    {
        assert_eq!(store.merge(d.key, ids, &paused).await.unwrap(), Replaced::Stale, "{ids:?}");
        assert_eq!(entries(&store, &d).await, before);
        assert_eq!(entries(&store, &other).await, [(others, 1, 1, 1)]);
    }
    assert_eq!(before, [(a, 1, 1, 1), (bc, 2, 3, 2)]);
    assert_eq!(all_times(&store, &d).await, [1, 2, 3]);
}

pub async fn nothing_is_merged_for_a_missing_device(store: Opened) {
    let gone = device(&store, "gone").await;
    let ids = [sealed(&store, &gone, &[1]).await, sealed(&store, &gone, &[2]).await];
    let segment = merged(&store, &gone, &ids).await;
    for key in UNUSED_IDS.map(DeviceKey) {
        assert_eq!(store.merge(key, &ids, &segment).await.unwrap(), Replaced::Stale);
    }
    store.delete_device(&Author::SERVICE, Visibility::All, gone.key, None).await.unwrap();
    assert_eq!(store.merge(gone.key, &ids, &segment).await.unwrap(), Replaced::Stale);
    assert_eq!(store.list_segments(gone.key).await.unwrap(), []);
}

pub async fn hundreds_of_segments_are_merged_at_once(store: Opened) {
    let device = device(&store, "d").await;
    let mut ids = Vec::new();
    for n in 0..300 {
        let rows = [row(2 * n, 1), row(2 * n + 1, 2)];
        match store.append_segment(device.key, &segment(&rows)).await.unwrap() {
            Replaced::Done(id) => ids.push(id),
            Replaced::Stale => panic!("segment {n} was not stored"),
        }
    }
    let all = merge(&store, &device, &ids).await;
    assert_eq!(entries(&store, &device).await, [(all, 0, 599, 600)]);
    assert_eq!(all_times(&store, &device).await, (0..600).collect::<Vec<_>>());
}

pub async fn segment_ids_are_never_reused(store: Opened) {
    let (d, other) = (device(&store, "d").await, device(&store, "other").await);
    let mut names = vec![sealed(&store, &d, &[1]).await, sealed(&store, &d, &[2]).await];
    names.push(sealed(&store, &other, &[1]).await);
    names.push(merge(&store, &d, &[names[0], names[1]]).await);
    store.delete_device(&Author::SERVICE, Visibility::All, d.key, None).await.unwrap();
    let again = super::samples::device(&store, "d").await;
    names.push(sealed(&store, &again, &[1]).await);
    match store.append_segment(again.key, &segment(&[row(2, 2)])).await.unwrap() {
        Replaced::Done(id) => names.push(id),
        Replaced::Stale => panic!("the segment was not stored"),
    }
    let given = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), given, "a name was given twice");
}
