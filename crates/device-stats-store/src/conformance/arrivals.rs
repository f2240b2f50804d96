//! Cases about the arrivals of devices.

use std::sync::Arc;

use device_stats_domain::{ArrivalRecord, Author, DeviceKey, NewArrivals};

use super::callers::{CALLERS, concurrently};
use super::samples::{Opened, UNUSED_IDS, at, device, given, owned_device, user};
use crate::Visibility;

const SECOND: i64 = 1_000_000;

/// Returns arrivals of two readings each at these seconds.
fn arrivals(seconds: &[i64]) -> NewArrivals {
    let mut new = NewArrivals::one(at(seconds[0] * SECOND), 2, Some(0));
    for second in &seconds[1..] {
        new.add(at(second * SECOND), 2, Some(0));
    }
    new
}

async fn find(store: &Opened, device: DeviceKey) -> Option<ArrivalRecord> {
    let [found] = store.find_arrivals(&[device]).await.unwrap().try_into().unwrap();
    found
}

pub async fn a_device_without_arrivals_has_no_record(store: Opened) {
    let device = device(&store, "d").await;
    assert_eq!(store.find_arrivals(&[]).await.unwrap(), []);
    assert_eq!(find(&store, device.key).await, None);
    store.append(&[given(&device, 1, 1)]).await.unwrap();
    assert_eq!(find(&store, device.key).await, None);
    store.merge_arrivals(&[]).await.unwrap();
    assert_eq!(find(&store, device.key).await, None);
}

pub async fn arrivals_are_merged_in_their_order(store: Opened) {
    let (one, other) = (device(&store, "one").await.key, device(&store, "other").await.key);
    let steps = [vec![1], vec![2, 3, 5], vec![4], vec![100]].map(|seconds| arrivals(&seconds));
    let mut expected = None;
    for (n, new) in steps.iter().enumerate() {
        store.merge_arrivals(&[(one, *new)]).await.unwrap();
        expected = Some(ArrivalRecord::merge(expected, new));
        assert_eq!(find(&store, one).await, expected, "after {n}");
    }
    // All in one call.
    let all: Vec<_> = steps.iter().map(|new| (other, *new)).collect();
    store.merge_arrivals(&all).await.unwrap();
    assert_eq!(store.find_arrivals(&[other, one, other]).await.unwrap(), [expected; 3]);
}

pub async fn every_number_of_a_record_is_kept(store: Opened) {
    let device = device(&store, "d").await.key;
    let extreme = NewArrivals {
        first: at(1),
        last: at(3),
        count: u32::MAX,
        silences_us: [i64::MAX, i64::MAX - 1],
        readings: u64::MAX,
        first_readings: 1,
        offset_us: Some(i64::MIN),
    };
    let third = NewArrivals { readings: 1, count: 3, offset_us: None, ..extreme };
    let mut expected = None;
    for new in
        [extreme, third, NewArrivals { last: at(9), ..third }, NewArrivals { offset_us: Some(7), ..extreme }]
    {
        store.merge_arrivals(&[(device, new)]).await.unwrap();
        expected = Some(ArrivalRecord::merge(expected, &new));
        assert_eq!(find(&store, device).await, expected, "{new:?}");
    }
}

pub async fn arrivals_of_missing_devices_are_ignored(store: Opened) {
    let (gone, stays) = (device(&store, "gone").await.key, device(&store, "stays").await.key);
    store.merge_arrivals(&[(gone, arrivals(&[1])), (stays, arrivals(&[1]))]).await.unwrap();
    store.delete_device(&Author::SERVICE, Visibility::All, gone, None).await.unwrap();
    let mut all: Vec<_> = UNUSED_IDS.map(|key| (DeviceKey(key), arrivals(&[2]))).into();
    all.extend([(gone, arrivals(&[2])), (stays, arrivals(&[2]))]);
    store.merge_arrivals(&all).await.unwrap();
    assert_eq!(find(&store, stays).await.map(|record| record.arrivals), Some(2));
    for key in UNUSED_IDS.map(DeviceKey).into_iter().chain([gone]) {
        assert_eq!(find(&store, key).await, None, "{key}");
    }
    // The new device with the same id has none of the old one.
    assert_eq!(find(&store, device(&store, "gone").await.key).await, None);
}

pub async fn arrivals_are_deleted_with_the_user_of_their_device(store: Opened) {
    let ann = user(&store, "ann").await;
    let (hers, stays) = (owned_device(&store, "hers", &ann).await.key, device(&store, "stays").await.key);
    store.merge_arrivals(&[(hers, arrivals(&[1])), (stays, arrivals(&[1]))]).await.unwrap();
    store.delete_user(&Author::SERVICE, Visibility::All, ann.id, None).await.unwrap();
    store.merge_arrivals(&[(hers, arrivals(&[2]))]).await.unwrap();
    let found = store.find_arrivals(&[hers, stays]).await.unwrap();
    assert!(matches!(found[..], [None, Some(_)]), "{found:?}");
}

pub async fn thousands_of_devices_are_merged_at_once(store: Opened) {
    let mut devices = Vec::new();
    for n in 0..100 {
        devices.push(device(&store, &format!("d{n}")).await.key);
    }
    let many: Vec<_> = (0..10).flat_map(|n| devices.iter().map(move |key| (*key, arrivals(&[n])))).collect();
    store.merge_arrivals(&many).await.unwrap();
    devices.reverse();
    let found = store.find_arrivals(&devices).await.unwrap();
    assert!(found.iter().all(|record| record.is_some_and(|record| record.arrivals == 10)), "{found:?}");
}

/// The callers merge the first arrivals of the same devices in different orders. No arrival is lost.
pub async fn concurrent_callers_lose_no_arrival(store: Opened) {
    let mut devices = Vec::new();
    for n in 0..20 {
        devices.push(device(&store, &format!("d{n}")).await.key);
    }
    let answers = concurrently(CALLERS, |caller| {
        let store = Arc::clone(&store);
        let mut own = devices.clone();
        own.rotate_left(caller);
        if caller % 2 == 0 {
            own.reverse();
        }
        async move {
            for second in 0..5 {
                let new = arrivals(&[second + i64::try_from(caller).unwrap()]);
                store.merge_arrivals(&own.iter().map(|key| (*key, new)).collect::<Vec<_>>()).await?;
            }
            Ok::<_, crate::StoreError>(())
        }
    });
    let answers = answers.await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    let expected = u32::try_from(5 * CALLERS).unwrap();
    for record in store.find_arrivals(&devices).await.unwrap() {
        assert_eq!(record.unwrap().arrivals, expected);
    }
}

/// Callers merge arrivals of devices that others delete.
pub async fn a_deletion_leaves_no_arrivals(store: Opened) {
    for _ in 0..5 {
        let devices = [device(&store, "a").await.key, device(&store, "b").await.key];
        let answers = concurrently(CALLERS, |caller| {
            let store = Arc::clone(&store);
            async move {
                if let Some(key) = devices.get(caller) {
                    return store.delete_device(&Author::SERVICE, Visibility::All, *key, None).await;
                }
                for second in 0..5 {
                    store.merge_arrivals(&devices.map(|key| (key, arrivals(&[second])))).await?;
                }
                Ok(())
            }
        });
        let answers = answers.await;
        assert!(answers.iter().all(Result::is_ok), "{answers:?}");
        assert_eq!(store.find_arrivals(&devices).await.unwrap(), [None, None]);
    }
}
