//! Cases about the sizes of a store.

use device_stats_domain::Author;

use super::samples::{Opened, device, given, seal, sealed_rows};
use crate::{Purged, StoreFigures, Visibility};

pub async fn segments_are_counted_with_their_readings(store: Opened) {
    let empty = store.figures().await.unwrap();
    assert_eq!((empty.segments, empty.sealed_readings), (0, 0));
    assert!(!empty.database.is_empty() && !empty.version.is_empty());
    let (d, other) = (device(&store, "d").await, device(&store, "other").await);
    let call: Vec<_> = (0..300).flat_map(|n| [given(&d, n.into(), n), given(&other, n.into(), n)]).collect();
    store.append(&call).await.unwrap();
    // Hot readings do not count.
    assert_eq!(store.figures().await.unwrap().sealed_readings, 0);
    seal(&store, &d, &(0..200).collect::<Vec<_>>()).await;
    seal(&store, &d, &(200..250).collect::<Vec<_>>()).await;
    seal(&store, &other, &(0..100).collect::<Vec<_>>()).await;
    let sealed = store.figures().await.unwrap();
    assert_eq!((sealed.segments, sealed.sealed_readings), (3, 350));
    assert!(sealed.segment_bytes > 0, "{sealed:?}");
    assert!(sealed.database_bytes >= sealed.segment_bytes, "{sealed:?}");
    assert_eq!(
        (sealed.database, &sealed.version, sealed.free_bytes.is_some()),
        (empty.database, &empty.version, empty.free_bytes.is_some())
    );
}

/// A deleted device takes space until it is purged.
pub async fn segments_of_a_deleted_device_count_until_they_are_purged(store: Opened) {
    let d = device(&store, "d").await;
    store.append(&(0..100).map(|n| given(&d, n.into(), n)).collect::<Vec<_>>()).await.unwrap();
    seal(&store, &d, &(0..100).collect::<Vec<_>>()).await;
    store.delete_device(&Author::SERVICE, Visibility::All, d.key, None).await.unwrap();
    while store.purge_slice(d.key, 1_000).await.unwrap() != Purged::Nothing {}
    let purged = store.figures().await.unwrap();
    assert_eq!((purged.segments, purged.sealed_readings), (0, 0));
}

/// A store may look at a part of its segments only.
pub async fn the_space_of_many_segments_is_estimated_well(store: Opened) {
    let d = device(&store, "d").await;
    let (mut bytes, mut readings) = (0, 0);
    for segment in 0..300_i32 {
        let times = segment * 100..segment * 100 + 10 + segment % 7;
        store.append(&times.map(|n| given(&d, n.into(), n)).collect::<Vec<_>>()).await.unwrap();
        let rows = store.list_hot_readings(d.key, 1_000).await.unwrap();
        let sealed = sealed_rows(&rows);
        readings += rows.len() as u64;
        bytes += sealed.segment().head.len() + sealed.segment().blocks.iter().map(Vec::len).sum::<usize>();
        store.seal(d.key, &sealed).await.unwrap();
    }
    let StoreFigures { segments, sealed_readings, segment_bytes, .. } = store.figures().await.unwrap();
    assert_eq!((segments, sealed_readings), (300, readings));
    // PostgreSQL reserves space in pages.
    let least = u64::try_from(bytes).unwrap() * 95 / 100;
    assert!((least..least * 4).contains(&segment_bytes), "{segment_bytes} for {bytes}");
}
