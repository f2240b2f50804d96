//! Cases that read while other tasks seal and merge.

use device_stats_domain::{Device, Window};

use super::background_seals::BackgroundSeals;
use super::oracle::Oracle;
use super::samples::{Opened, all_readings, at, device, given, owned_device, page, stored, user};
use super::snapshots::snapshots_under_appends;
use crate::Subject;

/// Appends and takes snapshots while other tasks seal and merge.
async fn snapshots_under_seals(store: &Opened, devices: Vec<Device>, subject: Subject) {
    let keys: Vec<_> = devices.iter().map(|device| device.key).collect();
    let background = BackgroundSeals::start(store, &keys);
    snapshots_under_appends(store, devices, subject).await;
    assert!(background.stop().await > 0);
}

pub async fn a_snapshot_of_a_device_holds_each_reading_once_under_seals(store: Opened) {
    let device = device(&store, "d").await;
    let key = device.key;
    snapshots_under_seals(&store, vec![device], Subject::Device(key)).await;
}

/// A store that distributes devices over several databases promises this only for each device, and must
/// document it.
pub async fn a_snapshot_of_a_user_holds_each_reading_once_under_seals(store: Opened) {
    let ann = user(&store, "ann").await;
    let mut devices = Vec::new();
    for n in 0..3 {
        devices.push(owned_device(&store, &format!("d{n}"), &ann).await);
    }
    snapshots_under_seals(&store, devices, Subject::User(ann.id)).await;
}

/// Readings stored before the seals are found at every moment, in lists and one by one.
pub async fn lists_miss_nothing_under_seals(store: Opened) {
    let device = device(&store, "d").await;
    let call: Vec<_> = (0..200).map(|n| given(&device, n.into(), n)).collect();
    store.append(&call).await.unwrap();
    let expected: Vec<_> = (0..200).rev().map(|n| stored(&device, n.into(), n)).collect();
    let background = BackgroundSeals::start(&store, &[device.key]);
    for round in 0..60_usize {
        let skip = round * 3;
        let part = page(i64::try_from(skip).unwrap(), 17);
        assert_eq!(
            store.list_readings(device.key, Window::ALL, part).await.unwrap(),
            expected[skip..skip + 17]
        );
        let us = i64::try_from(round).unwrap();
        assert!(store.find_reading(device.key, at(us)).await.unwrap().is_some());
        tokio::task::yield_now().await;
    }
    assert!(background.stop().await > 0);
    assert_eq!(all_readings(&store, device.key).await, expected);
}
