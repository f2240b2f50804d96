//! Cases about the number of hot readings, and about long lists of devices with hot readings.

use super::oracle::Oracle;
use super::samples::{Opened, device, device_id, given, seal};
use crate::limits::{HOT_DEVICES_LISTED_MAX, HOT_READINGS_COUNTED_MAX};
use crate::{HotDevice, Visibility};
use device_stats_domain::{Author, DeviceKey, Window};

pub async fn hot_readings_are_counted(store: Opened) {
    assert_eq!(store.count_hot_readings().await.unwrap(), 0);
    let (d, other) = (device(&store, "d").await, device(&store, "other").await);
    let call: Vec<_> = (0..30).flat_map(|n| [given(&d, n.into(), n), given(&other, n.into(), n)]).collect();
    store.append(&call).await.unwrap();
    assert_eq!(store.count_hot_readings().await.unwrap(), 60);
    // Repeats add nothing.
    store.append(&call[..20]).await.unwrap();
    assert_eq!(store.count_hot_readings().await.unwrap(), 60);
    seal(&store, &d, &(0..25).collect::<Vec<_>>()).await;
    assert_eq!(store.count_hot_readings().await.unwrap(), 35);
    let window = Window { from_us: 0, until_us: 10 };
    store.delete_readings(&Author::SERVICE, Visibility::All, other.key, window, &[]).await.unwrap();
    assert_eq!(store.count_hot_readings().await.unwrap(), 25);
    store.delete_device(&Author::SERVICE, Visibility::All, other.key, None).await.unwrap();
    while store.purge_slice(other.key, 100).await.unwrap() != crate::Purged::Nothing {}
    assert_eq!(store.count_hot_readings().await.unwrap(), 5);
}

/// A store may estimate the number of many hot readings, but never below the number that it counts.
pub async fn many_hot_readings_are_never_counted_as_few(store: Opened) {
    let device = device(&store, "d").await;
    let counted = i32::try_from(HOT_READINGS_COUNTED_MAX).unwrap();
    let call: Vec<_> = (0..counted + 10).map(|n| given(&device, n.into(), n)).collect();
    store.append(&call).await.unwrap();
    let many = store.count_hot_readings().await.unwrap();
    assert!(many >= u64::from(HOT_READINGS_COUNTED_MAX), "{many}");
    let listed = store.list_all_hot_devices().await.unwrap();
    let [HotDevice { device: found, readings }] = listed[..] else { panic!("{listed:?}") };
    assert_eq!(found, device.key);
    assert!(readings >= u64::from(HOT_READINGS_COUNTED_MAX) && readings <= call.len() as u64, "{readings}");
    seal(&store, &device, &(0..i64::from(counted)).collect::<Vec<_>>()).await;
    assert_eq!(store.count_hot_readings().await.unwrap(), 10);
    assert_eq!(store.list_all_hot_devices().await.unwrap(), [HotDevice { device: device.key, readings: 10 }]);
}

/// The listing of the sealer read all hot readings of all devices in one statement.
pub async fn many_devices_with_hot_readings_are_listed_call_by_call(store: Opened) {
    let count = 2 * HOT_DEVICES_LISTED_MAX + 1;
    let ids: Vec<_> = (0..count).map(|n| device_id(&format!("d{n}"))).collect();
    store.create_missing_devices(&Author::SERVICE, None, &ids, None).await.unwrap();
    let found = store.find_devices(Visibility::All, &ids).await.unwrap();
    let mut devices: Vec<_> = found.into_iter().map(Option::unwrap).collect();
    devices.sort_by_key(|device| device.key);
    let call: Vec<_> = devices.iter().flat_map(|device| [given(device, 1, 1), given(device, 2, 2)]).collect();
    store.append(&call).await.unwrap();
    // Devices at the end of a call can be deleted, with hot readings that are not purged yet.
    for index in [0, HOT_DEVICES_LISTED_MAX as usize - 1, HOT_DEVICES_LISTED_MAX as usize] {
        store.delete_device(&Author::SERVICE, Visibility::All, devices[index].key, None).await.unwrap();
        devices[index].key = DeviceKey(0);
    }
    let hot = devices.iter().filter(|device| device.key != DeviceKey(0));
    let expected: Vec<_> = hot.map(|device| HotDevice { device: device.key, readings: 2 }).collect();
    assert_eq!(store.list_all_hot_devices().await.unwrap(), expected);
    let last = expected.last().unwrap();
    let rest = store.list_hot_devices(DeviceKey(last.device.0 - 1)).await.unwrap();
    assert_eq!((rest.devices, rest.next_after), (vec![*last], None));
    assert_eq!(store.list_hot_devices(last.device).await.unwrap().devices, []);
}
