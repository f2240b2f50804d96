//! Cases about derived segments.

use std::sync::Arc;

use device_stats_domain::{Author, Device, DeviceKey};
use device_stats_segment::{Effort, Row, Segment};

use super::callers::{CALLERS, concurrently};
use super::oracle::Oracle;
use super::samples::{Opened, UNUSED_IDS, device, owned_device, read_rows, row, sealed, segment, user};
use crate::{Piece, PieceKey, Replaced, SegmentId, Visibility};

/// Returns the derived segment of a segment; `None` if it is not stored.
async fn find(store: &Opened, device: DeviceKey, segment: SegmentId, blocks: usize) -> Option<Segment> {
    let key = |piece| PieceKey { device, segment, piece };
    let blocks = (0..u32::try_from(blocks).unwrap()).map(|index| key(Piece::Block(index)));
    let keys: Vec<PieceKey> = [key(Piece::Head)].into_iter().chain(blocks).collect();
    let mut pieces = store.read_derived_pieces(&keys).await.unwrap().into_iter();
    let head = pieces.next().unwrap();
    let blocks: Option<Vec<_>> = pieces.collect();
    // The head and the blocks appear and disappear together.
    assert_eq!(head.is_some(), blocks.is_some());
    Some(Segment { head: head?, blocks: blocks? })
}

/// Stores the derived segment of a segment, and returns it.
async fn derive(store: &Opened, device: &Device, id: SegmentId) -> Segment {
    let entry =
        store.list_segments(device.key).await.unwrap().into_iter().find(|entry| entry.id == id).unwrap();
    let segment = store.read_segment(device.key, entry).await.unwrap().unwrap();
    let derived = segment.derive(Effort::Fast).unwrap();
    store.store_derived(device.key, id, &derived).await.unwrap();
    derived
}

pub async fn a_derived_segment_is_returned_as_it_was_stored(store: Opened) {
    let device = device(&store, "d").await;
    let (a, b) = (sealed(&store, &device, &[1, 2, 3]).await, sealed(&store, &device, &[4, 5]).await);
    assert_eq!(find(&store, device.key, a, 1).await, None);
    let derived = derive(&store, &device, a).await;
    assert_eq!(find(&store, device.key, a, derived.blocks.len()).await, Some(derived.clone()));
    assert_eq!(find(&store, device.key, b, 1).await, None);
    let others = derive(&store, &device, b).await;
    // The pieces are in any order, and some do not exist.
    let key = |segment, piece| PieceKey { device: device.key, segment, piece };
    let keys = [
        key(b, Piece::Block(0)),
        key(a, Piece::Block(u32::MAX)),
        key(a, Piece::Head),
        key(SegmentId(i64::MAX), Piece::Head),
        key(a, Piece::Block(0)),
        key(a, Piece::Block(1)),
    ];
    let found = store.read_derived_pieces(&keys).await.unwrap();
    let expected = [Some(&others.blocks[0]), None, Some(&derived.head), None, Some(&derived.blocks[0]), None];
    assert_eq!(found, expected.map(Option::<&Vec<u8>>::cloned));
    assert_eq!(store.read_derived_pieces(&[]).await.unwrap(), Vec::<Option<Vec<u8>>>::new());
}

pub async fn a_derived_segment_of_many_blocks_is_returned_as_it_was_stored(store: Opened) {
    let device = device(&store, "d").await;
    let rows: Vec<Row> = (0..40_000).map(|n| row(i64::from(n), n * 7_919 % 100_003)).collect();
    let Replaced::Done(id) = store.append_segment(device.key, &segment(&rows)).await.unwrap() else {
        panic!("there are readings")
    };
    let derived = derive(&store, &device, id).await;
    assert!(derived.blocks.len() > 2);
    assert_eq!(find(&store, device.key, id, derived.blocks.len()).await, Some(derived));
}

pub async fn the_first_derived_segment_stays(store: Opened) {
    let device = device(&store, "d").await;
    let id = sealed(&store, &device, &[1, 2, 3]).await;
    let first = derive(&store, &device, id).await;
    let other = segment(&[row(0, 1), row(1, 2), row(2, 3)]).derive(Effort::Small).unwrap();
    store.store_derived(device.key, id, &other).await.unwrap();
    assert_eq!(find(&store, device.key, id, 1).await, Some(first));
}

pub async fn a_derived_segment_is_stored_once_by_many_callers(store: Opened) {
    let device = device(&store, "d").await;
    let id = sealed(&store, &device, &[1, 2, 3]).await;
    let derived = segment(&[row(0, 1), row(1, 2), row(2, 3)]).derive(Effort::Fast).unwrap();
    let answers = concurrently(CALLERS, |_| {
        let (store, derived, device) = (Arc::clone(&store), derived.clone(), device.key);
        async move { store.store_derived(device, id, &derived).await }
    });
    for answer in answers.await {
        answer.unwrap();
    }
    assert_eq!(find(&store, device.key, id, 1).await, Some(derived));
}

pub async fn nothing_is_derived_from_a_missing_segment(store: Opened) {
    let (d, other) = (device(&store, "d").await, device(&store, "other").await);
    let id = sealed(&store, &d, &[1, 2]).await;
    let derived = segment(&[row(0, 1), row(1, 2)]).derive(Effort::Fast).unwrap();
    store.store_derived(other.key, id, &derived).await.unwrap();
    for key in UNUSED_IDS {
        store.store_derived(DeviceKey(key), id, &derived).await.unwrap();
        store.store_derived(d.key, SegmentId(key), &derived).await.unwrap();
        assert_eq!(find(&store, DeviceKey(key), id, 1).await, None);
        assert_eq!(find(&store, d.key, SegmentId(key), 1).await, None);
    }
    assert_eq!(find(&store, d.key, id, 1).await, None);
    assert_eq!(find(&store, other.key, id, 1).await, None);
}

pub async fn a_derived_segment_disappears_with_its_segment(store: Opened) {
    let ann = user(&store, "ann").await;
    let (his, hers) = (device(&store, "his").await, owned_device(&store, "hers", &ann).await);
    let [a, b, c] = [
        sealed(&store, &his, &[1]).await,
        sealed(&store, &his, &[2]).await,
        sealed(&store, &his, &[3]).await,
    ];
    let last = sealed(&store, &hers, &[4]).await;
    for id in [a, b, c] {
        derive(&store, &his, id).await;
    }
    let others = derive(&store, &hers, last).await;

    let merged: Vec<_> =
        store.list_segments(his.key).await.unwrap().into_iter().filter(|entry| entry.id != c).collect();
    let rows = read_rows(&store, his.key, &merged).await.unwrap();
    let Replaced::Done(ab) = store.merge(his.key, &[a, b], &segment(&rows)).await.unwrap() else {
        panic!("the segments were not merged")
    };
    for (id, is_kept) in [(a, false), (b, false), (c, true), (ab, false)] {
        assert_eq!(find(&store, his.key, id, 1).await.is_some(), is_kept);
    }
    // A caller that was paused during the merge stores nothing.
    let late = segment(&rows[..1]).derive(Effort::Fast).unwrap();
    store.store_derived(his.key, a, &late).await.unwrap();
    assert_eq!(find(&store, his.key, a, 1).await, None);

    let merged = derive(&store, &his, ab).await;
    assert_eq!(find(&store, his.key, ab, 1).await, Some(merged));
    assert_eq!(find(&store, hers.key, last, 1).await, Some(others));
    store.delete_device(&Author::SERVICE, Visibility::All, his.key, None).await.unwrap();
    store.delete_user(&Author::SERVICE, Visibility::All, ann.id, None).await.unwrap();
    for (key, id) in [(his.key, c), (his.key, ab), (hers.key, last)] {
        assert_eq!(find(&store, key, id, 1).await, None);
    }
}

pub async fn a_deleted_derived_segment_can_be_stored_again(store: Opened) {
    let (d, other) = (device(&store, "d").await, device(&store, "other").await);
    let (a, b) = (sealed(&store, &d, &[1, 2]).await, sealed(&store, &d, &[3]).await);
    let (first, kept) = (derive(&store, &d, a).await, derive(&store, &d, b).await);
    assert!(!store.delete_derived(other.key, a).await.unwrap());
    for id in UNUSED_IDS {
        assert!(!store.delete_derived(d.key, SegmentId(id)).await.unwrap());
    }
    assert_eq!(find(&store, d.key, a, 1).await, Some(first));
    assert!(store.delete_derived(d.key, a).await.unwrap());
    assert!(!store.delete_derived(d.key, a).await.unwrap());
    assert_eq!(find(&store, d.key, a, 1).await, None);
    assert_eq!(find(&store, d.key, b, 1).await, Some(kept));
    let again = segment(&[row(0, 1), row(1, 2)]).derive(Effort::Small).unwrap();
    store.store_derived(d.key, a, &again).await.unwrap();
    assert_eq!(find(&store, d.key, a, 1).await, Some(again));
}

pub async fn segments_are_merged_while_they_are_derived(store: Opened) {
    let device = device(&store, "d").await;
    let a = sealed(&store, &device, &[1]).await;
    let mut ids = vec![a];
    for us in 2..20 {
        let id = sealed(&store, &device, &[us]).await;
        ids.push(id);
        let entries = store.list_segments(device.key).await.unwrap();
        let rows = read_rows(&store, device.key, &entries).await.unwrap();
        let derived = segment(&rows[..1]).derive(Effort::Fast).unwrap();
        let deriving = concurrently(CALLERS, |_| {
            let (store, derived, device) = (Arc::clone(&store), derived.clone(), device.key);
            async move { store.store_derived(device, id, &derived).await }
        });
        let merged: Vec<SegmentId> = entries.iter().map(|entry| entry.id).collect();
        let merging = async {
            loop {
                // A store may refuse to merge a segment that is being derived. The merge is then repeated.
                if let Replaced::Done(id) = store.merge(device.key, &merged, &segment(&rows)).await.unwrap() {
                    return id;
                }
            }
        };
        let (answers, merged) = tokio::join!(deriving, merging);
        for answer in answers {
            answer.unwrap();
        }
        ids.push(merged);
    }
    // Only the last segment exists, and it has no derived one.
    for id in ids {
        assert_eq!(find(&store, device.key, id, 1).await, None);
    }
}
