//! Cases that look at readings while others seal and merge them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use device_stats_domain::{Device, Window};

use super::background::Background;
use super::oracle::Oracle;
use super::samples::{Opened, all_readings, at, device, device_of, given, page, stored, user};
use crate::Subject;

const CALLS: i32 = 40;
const READINGS_A_CALL: i32 = 20;

/// Appends calls that spread over the devices while others seal and merge, and checks each snapshot against what was
/// acknowledged before it and begun before it ended.
async fn snapshots_under_seals(store: &Opened, devices: Vec<Device>, subject: Subject) {
    let keys: Vec<_> = devices.iter().map(|device| device.key).collect();
    let background = Background::start(store, &keys);
    let (begun, stored) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let writer = tokio::spawn({
        let (store, begun, stored) = (Arc::clone(store), Arc::clone(&begun), Arc::clone(&stored));
        async move {
            for n in 0..CALLS {
                let call: Vec<_> = (0..READINGS_A_CALL)
                    .map(|i| given(&devices[i as usize % devices.len()], (n * READINGS_A_CALL + i).into(), 1))
                    .collect();
                begun.fetch_add(call.len(), Ordering::SeqCst);
                store.append(&call).await.unwrap();
                stored.fetch_add(call.len(), Ordering::SeqCst);
            }
        }
    });
    loop {
        let is_last = writer.is_finished();
        let least = stored.load(Ordering::SeqCst);
        let snapshot = store.read_snapshot(subject, Window::ALL).await.unwrap();
        let most = begun.load(Ordering::SeqCst);
        let count: usize = snapshot.iter().map(|(_, rows)| rows.len()).sum();
        assert!(least <= count && count <= most, "{least} <= {count} <= {most}");
        assert_eq!(count % READINGS_A_CALL as usize, 0, "half a call");
        if is_last {
            break;
        }
    }
    writer.await.unwrap();
    assert!(background.stop().await > 0);
    assert_eq!(stored.load(Ordering::SeqCst), (CALLS * READINGS_A_CALL) as usize);
}

pub async fn a_snapshot_of_a_device_holds_each_reading_once_under_seals(store: Opened) {
    let device = device(&store, "d").await;
    let key = device.key;
    snapshots_under_seals(&store, vec![device], Subject::Device(key)).await;
}

/// A store that spreads its devices over several databases promises this of each device only, and has to say so.
pub async fn a_snapshot_of_a_user_holds_each_reading_once_under_seals(store: Opened) {
    let ann = user(&store, "ann").await;
    let mut devices = Vec::new();
    for n in 0..3 {
        devices.push(device_of(&store, &format!("d{n}"), &ann).await);
    }
    snapshots_under_seals(&store, devices, Subject::User(ann.id)).await;
}

/// What is there before anybody seals is found at each moment, in lists as well as one by one.
pub async fn lists_miss_nothing_under_seals(store: Opened) {
    let device = device(&store, "d").await;
    let call: Vec<_> = (0..200).map(|n| given(&device, n.into(), n)).collect();
    store.append(&call).await.unwrap();
    let expected: Vec<_> = (0..200).rev().map(|n| stored(&device, n.into(), n)).collect();
    let background = Background::start(&store, &[device.key]);
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
