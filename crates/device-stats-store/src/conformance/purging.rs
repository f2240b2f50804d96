//! Cases in which the data of deleted devices is purged, slice by slice.

use std::collections::HashSet;
use std::sync::Arc;

use device_stats_domain::{Author, Device, DeviceKey, NewArrivals, Window};
use device_stats_segment::Effort;

use super::background_seals::BackgroundSeals;
use super::callers::concurrently;
use super::oracle::Oracle;
use super::samples::{
    Opened, all_times, at, device, device_id, given, owned_device, read_rows, row, sealed, sealed_rows,
    segment, stored_at, user, window,
};
use crate::{NewestReadings, Piece, PieceKey, Purged, Replaced, SegmentId, StoreError, Subject, Visibility};

/// Maximum number of slices of a case.
const SLICES_MAX: usize = 10_000;

/// Purges slices of one reading until nothing is left; calls `check` before and after each slice. Returns the
/// devices that were purged completely.
async fn purge_all(store: &Opened, check: impl AsyncFn()) -> Vec<DeviceKey> {
    let mut done = Vec::new();
    for _ in 0..SLICES_MAX {
        check().await;
        let Some(device) = store.find_deleted_device(DeviceKey(0)).await.unwrap() else { return done };
        match store.purge_slice(device, 1).await.unwrap() {
            Purged::All => done.push(device),
            Purged::Part | Purged::Nothing => {}
        }
    }
    panic!("a purge does not end");
}

/// Asserts that every call answers as if the device and its segments had never existed.
async fn assert_gone(store: &Opened, key: DeviceKey, segments: &[SegmentId]) {
    assert_eq!(store.list_segments(key).await.unwrap(), []);
    assert_eq!(store.list_hot_readings(key, 10).await.unwrap(), []);
    assert!(store.list_all_hot_devices().await.unwrap().iter().all(|hot| hot.device != key));
    assert_eq!(store.list_newest(key, Window::ALL, 10).await.unwrap(), NewestReadings::default());
    assert_eq!(store.find_latest(&[key]).await.unwrap(), [NewestReadings::default()]);
    assert_eq!(store.find_arrivals(&[key]).await.unwrap(), [None]);
    refused!(store.snapshot(Subject::Device(key), Window::ALL), DeviceMissing);
    for segment in segments {
        let pieces = [Piece::Head, Piece::Block(0), Piece::Block(99)];
        let pieces = pieces.map(|piece| PieceKey { device: key, segment: *segment, piece });
        assert_eq!(store.read_pieces(&pieces).await.unwrap(), [None, None, None]);
        assert_eq!(store.read_derived_pieces(&pieces).await.unwrap(), [None, None, None]);
    }
}

/// A caller that was delayed, and so did not notice the deletion, changes nothing.
async fn assert_refused(store: &Opened, key: DeviceKey, segments: &[SegmentId]) {
    let rows = [row(1, 1), row(2, 2)];
    assert_eq!(store.seal(key, &sealed_rows(&rows)).await.unwrap(), Replaced::Stale);
    assert_eq!(store.merge(key, segments, &segment(&rows)).await.unwrap(), Replaced::Stale);
    let derived = segment(&rows).derive(Effort::Fast).unwrap();
    for segment in segments {
        store.store_derived(key, *segment, &derived).await.unwrap();
    }
    store.merge_arrivals(&[(key, NewArrivals::one(at(9), 1, None))]).await.unwrap();
    refused!(store.append_segment(key, &segment(&[row(9_000, 1)])), DeviceMissing);
    refused!(store.delete_readings(&Author::SERVICE, Visibility::All, key, Window::ALL, &[]), DeviceMissing);
    refused!(store.delete_device(&Author::SERVICE, Visibility::All, key, None), DeviceMissing);
}

pub async fn a_deleted_device_is_gone_before_it_is_purged(store: Opened) {
    let old = device(&store, "d").await;
    let mut segments = Vec::new();
    for times in [[3, 4], [5, 6], [7, 8]] {
        let id = sealed(&store, &old, &times).await;
        let derived = segment(&[row(0, 1), row(1, 2)]).derive(Effort::Fast).unwrap();
        store.store_derived(old.key, id, &derived).await.unwrap();
        segments.push(id);
    }
    store.append(&[given(&old, 1, 1), given(&old, 2, 2)]).await.unwrap();
    store.merge_arrivals(&[(old.key, NewArrivals::one(at(2), 2, None))]).await.unwrap();
    store.delete_device(&Author::SERVICE, Visibility::All, old.key, None).await.unwrap();

    // The device id is free at once.
    let new = device(&store, "d").await;
    assert!(new.key > old.key);
    assert_gone(&store, old.key, &segments).await;
    refused!(store.append(&[given(&old, 10, 1)]), DeviceMissing);
    let call: Vec<_> = (1..9).map(|us| given(&new, us, 3)).collect();
    assert_eq!(store.append(&call).await.unwrap(), (1..9).map(stored_at).collect::<Vec<_>>());
    let check = async || {
        assert_gone(&store, old.key, &segments).await;
        assert_refused(&store, old.key, &segments).await;
        assert_eq!(all_times(&store, &new).await, (1..9).collect::<Vec<_>>());
    };
    let purged = purge_all(&store, check).await;
    assert!(purged.iter().all(|key| *key == old.key) && purged.len() <= 1, "{purged:?}");
    check().await;
}

pub async fn devices_of_a_deleted_user_are_gone_before_they_are_purged(store: Opened) {
    let ann = user(&store, "ann").await;
    let stays = device(&store, "stays").await;
    sealed(&store, &stays, &[1, 2]).await;
    let mut segments = Vec::new();
    for name in ["a", "b", "c"] {
        let device = owned_device(&store, name, &ann).await;
        segments.push((device.key, sealed(&store, &device, &[1, 2]).await));
        store.append(&[given(&device, 3, 3)]).await.unwrap();
        store.merge_arrivals(&[(device.key, NewArrivals::one(at(3), 3, None))]).await.unwrap();
    }
    store.delete_user(&Author::SERVICE, Visibility::All, ann.id, None).await.unwrap();
    let ids = ["a", "b", "c"].map(device_id);
    assert_eq!(store.find_devices(Visibility::All, &ids).await.unwrap(), [None, None, None]);
    let purged = purge_all(&store, async || {
        for (key, segment) in &segments {
            assert_gone(&store, *key, &[*segment]).await;
        }
        assert_eq!(all_times(&store, &stays).await, [1, 2]);
    });
    let purged = purged.await;
    assert!(purged.iter().all(|key| segments.iter().any(|(owned, _)| owned == key)), "{purged:?}");
}

/// So a device that cannot be purged does not stop the purge of the others. A device that exists, or never
/// existed, is not purged. The model purges at once.
pub async fn deleted_devices_are_purged_in_any_order(store: Opened) {
    let ann = user(&store, "ann").await;
    let mut deleted = Vec::new();
    for name in ["a", "b", "c"] {
        let device = owned_device(&store, name, &ann).await;
        sealed(&store, &device, &[1, 2]).await;
        deleted.push(device.key);
    }
    let stays = device(&store, "stays").await;
    sealed(&store, &stays, &[1, 2]).await;
    store.delete_user(&Author::SERVICE, Visibility::All, ann.id, None).await.unwrap();
    let find = async |after| store.find_deleted_device(after).await.unwrap();
    let mut found = Vec::new();
    while let Some(device) = find(found.last().copied().unwrap_or(DeviceKey(0))).await {
        found.push(device);
    }
    assert!(found == deleted || found.is_empty(), "{found:?}");
    for device in [stays.key, DeviceKey(stays.key.0 + 1)] {
        assert_eq!(store.purge_slice(device, 10).await.unwrap(), Purged::Nothing);
    }
    for device in found.iter().rev() {
        while store.purge_slice(*device, 10).await.unwrap() != Purged::All {}
        assert_eq!(store.purge_slice(*device, 10).await.unwrap(), Purged::Nothing);
        assert_eq!(find(DeviceKey(device.0 - 1)).await, None);
        assert_gone(&store, *device, &[]).await;
    }
    assert_eq!(find(DeviceKey(0)).await, None);
    assert_eq!(all_times(&store, &stays).await, [1, 2]);
}

/// Several callers delete and purge devices while others append to them, seal and merge. Each device is
/// purged once, and a device with the same id keeps its own readings.
pub async fn purges_under_writes_bring_nothing_back(store: Opened) {
    for round in 0..5_i64 {
        let devices = [device(&store, "a").await, device(&store, "b").await];
        let background = BackgroundSeals::start(&store, &devices.clone().map(|device| device.key));
        for device in &devices {
            let call: Vec<_> = (0..40).map(|us| given(device, us, 1)).collect();
            store.append(&call).await.unwrap();
        }
        let answers = concurrently(6, |caller| {
            let (store, device) = (Arc::clone(&store), devices[caller % 2].clone());
            async move {
                match caller {
                    0 | 1 => {
                        store
                            .delete_device(&Author::SERVICE, Visibility::All, device.key, None)
                            .await
                            .unwrap();
                        Vec::new()
                    }
                    2 | 3 => append_until_missing(&store, &device).await,
                    _ => purge_some(&store).await,
                }
            }
        });
        let mut purged = answers.await.concat();
        background.stop().await;
        purged.extend(purge_all(&store, async || {}).await);
        let distinct: HashSet<DeviceKey> = purged.iter().copied().collect();
        assert_eq!(distinct.len(), purged.len(), "a device was purged twice: {purged:?}");
        for old in &devices {
            assert_gone(&store, old.key, &[]).await;
            let new = device(&store, old.device_id.as_str()).await;
            assert_eq!(store.append(&[given(&new, round, 1)]).await.unwrap(), [stored_at(round)]);
            assert_eq!(
                store.read_snapshot(Subject::Device(new.key), window(0, 100)).await.unwrap().len(),
                1,
                "the new device has its reading"
            );
            store.delete_device(&Author::SERVICE, Visibility::All, new.key, None).await.unwrap();
        }
    }
}

async fn append_until_missing(store: &Opened, device: &Device) -> Vec<DeviceKey> {
    for us in 1_000_i64.. {
        match store.append(&[given(device, us, 1)]).await {
            Ok(_) => tokio::task::yield_now().await,
            Err(StoreError::DeviceMissing) => return Vec::new(),
            Err(error) => panic!("{error:?}"),
        }
    }
    unreachable!("the device is deleted")
}

/// Purges a few slices; returns the devices that were purged completely.
async fn purge_some(store: &Opened) -> Vec<DeviceKey> {
    let mut done = Vec::new();
    for _ in 0..20 {
        if let Some(device) = store.find_deleted_device(DeviceKey(0)).await.unwrap()
            && store.purge_slice(device, 3).await.unwrap() == Purged::All
        {
            done.push(device);
        }
        tokio::task::yield_now().await;
    }
    done
}

/// Readings that a caller has read before the deletion, to seal or to merge them, do not come back.
pub async fn a_sealer_that_was_paused_during_a_purge_does_no_harm(store: Opened) {
    let device = device(&store, "d").await;
    let first = sealed(&store, &device, &[1, 2]).await;
    let second = sealed(&store, &device, &[3, 4]).await;
    store.append(&[given(&device, 5, 5)]).await.unwrap();
    let entries = store.list_segments(device.key).await.unwrap();
    let merged = segment(&read_rows(&store, device.key, &entries).await.unwrap());
    let hot = sealed_rows(&store.list_hot_readings(device.key, 10).await.unwrap());
    store.delete_device(&Author::SERVICE, Visibility::All, device.key, None).await.unwrap();
    let check = async || {
        assert_eq!(store.seal(device.key, &hot).await.unwrap(), Replaced::Stale);
        assert_eq!(store.merge(device.key, &[first, second], &merged).await.unwrap(), Replaced::Stale);
        assert_gone(&store, device.key, &[first, second]).await;
    };
    purge_all(&store, check).await;
    check().await;
}
