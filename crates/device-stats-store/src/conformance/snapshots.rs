//! Cases about snapshots, also during appends.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use device_stats_domain::{Author, Axes, Device, DeviceKey, NewReading, UserId, Window};
use device_stats_segment::Row;

use super::oracle::Oracle;
use super::samples::{
    Opened, all_readings, device, given, owned_device, seal, sealed, stored, user, values, window,
};
use crate::{Subject, Visibility};

async fn device_columns(store: &Opened, device: &Device, window: Window) -> Axes<Vec<f64>> {
    let all = store.read_snapshot(Subject::Device(device.key), window).await.unwrap();
    match all.as_slice() {
        [] => Axes::default(),
        [(only, rows)] => {
            assert_eq!(only, device);
            columns(rows)
        }
        more => panic!("{} devices in the snapshot of one", more.len()),
    }
}

/// Returns the numbers of each axis, ascending.
fn columns(rows: &[Row]) -> Axes<Vec<f64>> {
    let column = |number: fn(&Row) -> f64| {
        let mut column: Vec<f64> = rows.iter().map(number).collect();
        column.sort_by(f64::total_cmp);
        column
    };
    Axes { x: column(|row| row.values.x), y: column(|row| row.values.y), z: column(|row| row.values.z) }
}

/// Returns the numbers of x of each device that has readings in the window, in the order of the snapshot.
async fn user_columns(store: &Opened, user: UserId, window: Window) -> Vec<(DeviceKey, Vec<f64>)> {
    let all = store.read_snapshot(Subject::User(user), window).await.unwrap();
    all.into_iter().map(|(device, rows)| (device.key, columns(&rows).x)).collect()
}

pub async fn a_snapshot_of_a_missing_subject_is_refused(store: Opened) {
    let (gone, ann) = (device(&store, "gone").await, user(&store, "ann").await);
    store.delete_device(&Author::SERVICE, Visibility::All, gone.key, None).await.unwrap();
    store.delete_user(&Author::SERVICE, Visibility::All, ann.id, None).await.unwrap();
    for window in [Window::ALL, window(0, 0)] {
        refused!(store.snapshot(Subject::Device(gone.key), window), DeviceMissing);
        refused!(store.snapshot(Subject::User(ann.id), window), UserMissing);
    }
}

pub async fn a_device_without_readings_has_an_empty_snapshot(store: Opened) {
    let ann = user(&store, "ann").await;
    assert_eq!(user_columns(&store, ann.id, Window::ALL).await, []);
    let device = owned_device(&store, "d", &ann).await;
    assert_eq!(device_columns(&store, &device, Window::ALL).await, Axes::default());
    assert_eq!(user_columns(&store, ann.id, Window::ALL).await, []);
    store.append(&[given(&device, 5, 1)]).await.unwrap();
    assert_eq!(device_columns(&store, &device, window(6, 9)).await, Axes::default());
    assert_eq!(user_columns(&store, ann.id, window(6, 9)).await, []);
}

pub async fn a_snapshot_of_a_device_holds_the_window_only(store: Opened) {
    let (a, other) = (device(&store, "a").await, device(&store, "other").await);
    let all: Vec<_> = (1..6).map(|n| given(&a, n.into(), n)).collect();
    store.append(&all).await.unwrap();
    store.append(&[given(&other, 3, 100)]).await.unwrap();
    for (window, expected) in [
        (Window::ALL, 1..6),
        (window(i64::MIN, 3), 1..3),
        (window(3, i64::MAX), 3..6),
        (window(2, 4), 2..4),
        (window(4, 2), 0..0),
    ] {
        let x: Vec<_> = expected.clone().map(f64::from).collect();
        let y: Vec<_> = x.iter().map(|x| x + 0.5).collect();
        let z: Vec<_> = x.iter().rev().map(|x| -x).collect();
        assert_eq!(device_columns(&store, &a, window).await, Axes { x, y, z }, "{window:?}");
    }
}

pub async fn a_snapshot_of_a_user_holds_the_devices_by_ascending_key(store: Opened) {
    let ann = user(&store, "ann").await;
    let mut expected = Vec::new();
    for n in (0..30).rev() {
        let device = owned_device(&store, &format!("d{n}"), &ann).await;
        let count = n % 3;
        let readings: Vec<_> = (0..count).map(|i| given(&device, i.into(), 100 * n + i)).collect();
        store.append(&readings).await.unwrap();
        if count > 0 {
            expected.push((device.key, (0..count).map(|i| f64::from(100 * n + i)).collect::<Vec<_>>()));
        }
    }
    assert_eq!(user_columns(&store, ann.id, Window::ALL).await, expected);
    expected.retain_mut(|(_, x)| {
        x.drain(..1);
        !x.is_empty()
    });
    assert_eq!(user_columns(&store, ann.id, window(1, 2)).await, expected);
}

pub async fn a_snapshot_of_a_user_holds_no_other_device(store: Opened) {
    let (ann, bob) = (user(&store, "ann").await, user(&store, "bob").await);
    let hers = owned_device(&store, "hers", &ann).await;
    let his = owned_device(&store, "his", &bob).await;
    let nobodys = device(&store, "nobodys").await;
    store.append(&[given(&hers, 1, 1), given(&his, 1, 2), given(&nobodys, 1, 3)]).await.unwrap();
    assert_eq!(user_columns(&store, ann.id, Window::ALL).await, [(hers.key, vec![1.0])]);
    assert_eq!(user_columns(&store, bob.id, Window::ALL).await, [(his.key, vec![2.0])]);
}

fn devices(devices: &[&Device]) -> Subject {
    Subject::Devices(devices.iter().map(|device| device.key).collect())
}

pub async fn a_snapshot_of_listed_devices_holds_each_once_by_ascending_key(store: Opened) {
    let (a, b, c) = (device(&store, "a").await, device(&store, "b").await, device(&store, "c").await);
    store.append(&[given(&a, 1, 1), given(&b, 1, 2), given(&c, 1, 3), given(&c, 2, 4)]).await.unwrap();
    seal(&store, &c, &[1]).await;
    let read = |subject, window| {
        let store = Arc::clone(&store);
        async move {
            let all = store.read_snapshot(subject, window).await.unwrap();
            all.into_iter().map(|(device, rows)| (device.key, columns(&rows).x)).collect::<Vec<_>>()
        }
    };
    assert_eq!(
        read(devices(&[&c, &a, &c]), Window::ALL).await,
        [(a.key, vec![1.0]), (c.key, vec![3.0, 4.0])]
    );
    assert_eq!(read(devices(&[&b, &c]), window(2, 3)).await, [(c.key, vec![4.0])]);
    assert_eq!(read(devices(&[]), Window::ALL).await, []);
}

pub async fn a_snapshot_of_listed_devices_needs_all_of_them(store: Opened) {
    let (stays, gone) = (device(&store, "stays").await, device(&store, "gone").await);
    store.append(&[given(&stays, 1, 1)]).await.unwrap();
    store.delete_device(&Author::SERVICE, Visibility::All, gone.key, None).await.unwrap();
    for subject in [devices(&[&gone]), devices(&[&stays, &gone]), devices(&[&gone, &stays, &gone])] {
        refused!(store.snapshot(subject, Window::ALL), DeviceMissing);
    }
}

pub async fn the_latest_reading_is_hot_or_in_the_last_segment(store: Opened) {
    let all = ["hot", "late hot", "sealed", "between", "empty", "gone"];
    let mut found = Vec::new();
    for id in all {
        found.push(device(&store, id).await);
    }
    let [hot, late_hot, both, between, empty, gone] = found.try_into().unwrap();
    store.append(&[given(&hot, 1, 1), given(&hot, 9, 9), given(&hot, 5, 5)]).await.unwrap();
    sealed(&store, &late_hot, &[1, 2]).await;
    store.append(&[given(&late_hot, 3, 3)]).await.unwrap();
    let last = sealed(&store, &both, &[1, 20]).await;
    sealed(&store, &both, &[3, 4]).await;
    let around = sealed(&store, &between, &[1, 9]).await;
    store.append(&[given(&between, 5, 5)]).await.unwrap();
    store.append(&[given(&gone, 1, 1)]).await.unwrap();
    store.delete_device(&Author::SERVICE, Visibility::All, gone.key, None).await.unwrap();
    let asked = [&both, &hot, &gone, &between, &late_hot, &empty, &hot].map(|device| device.key);
    let latest = store.find_latest(&asked).await.unwrap();
    let newest: Vec<_> = latest
        .iter()
        .map(|found| {
            assert!(found.hot.len() <= 1 && found.segments.len() <= 1, "{found:?}");
            (found.hot.first().map(|row| row.id), found.segments.first().map(|segment| segment.id))
        })
        .collect();
    let of_late_hot = store.list_segments(late_hot.key).await.unwrap()[0].id;
    assert_eq!(
        newest,
        [
            (None, Some(last)),
            (Some(9), None),
            (None, None),
            (Some(5), Some(around)),
            (Some(3), Some(of_late_hot)),
            (None, None),
            (Some(9), None),
        ]
    );
    assert_eq!(store.find_latest(&[]).await.unwrap(), []);
}

pub async fn a_snapshot_keeps_every_bit(store: Opened) {
    let device = device(&store, "d").await;
    let numbers = [5e-324, 0.1 + 0.2, f64::MAX];
    let call = [NewReading { values: values(5e-324, 0.1 + 0.2, f64::MAX), ..given(&device, 1, 1) }];
    store.append(&call).await.unwrap();
    let Axes { x, y, z } = device_columns(&store, &device, Window::ALL).await;
    assert_eq!([x, y, z].map(|column| column[0].to_bits()), numbers.map(f64::to_bits));
}

pub async fn a_snapshot_holds_more_than_any_page(store: Opened) {
    let ann = user(&store, "ann").await;
    let device = owned_device(&store, "d", &ann).await;
    let all: Vec<_> = (0..3_000).map(|n| given(&device, n.into(), n)).collect();
    store.append(&all).await.unwrap();
    let expected: Vec<_> = (0..3_000).map(f64::from).collect();
    assert_eq!(device_columns(&store, &device, Window::ALL).await.x, expected);
    assert_eq!(user_columns(&store, ann.id, Window::ALL).await, [(device.key, expected)]);
}

pub async fn deleted_devices_are_in_no_snapshot(store: Opened) {
    let ann = user(&store, "ann").await;
    let (a, b) = (owned_device(&store, "a", &ann).await, owned_device(&store, "b", &ann).await);
    store.append(&[given(&a, 1, 1), given(&b, 1, 2)]).await.unwrap();
    store.delete_device(&Author::SERVICE, Visibility::All, a.key, None).await.unwrap();
    assert_eq!(user_columns(&store, ann.id, Window::ALL).await, [(b.key, vec![2.0])]);
    owned_device(&store, "a", &ann).await;
    assert_eq!(user_columns(&store, ann.id, Window::ALL).await, [(b.key, vec![2.0])]);
}

const CALLS: i32 = 60;
const READINGS_A_CALL: i32 = 20;

/// Takes snapshots while another task appends calls with readings of all devices. Each snapshot must contain
/// every call acknowledged before it, no call begun after it, and each call as a whole or not at all.
pub(super) async fn snapshots_under_appends(store: &Opened, devices: Vec<Device>, subject: Subject) {
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
        let snapshot = store.read_snapshot(subject.clone(), Window::ALL).await.unwrap();
        let most = begun.load(Ordering::SeqCst);
        let count: usize = snapshot.iter().map(|(_, rows)| rows.len()).sum();
        assert!(least <= count && count <= most, "{least} <= {count} <= {most}");
        assert_eq!(count % READINGS_A_CALL as usize, 0, "half a call");
        if is_last {
            break;
        }
    }
    writer.await.unwrap();
    assert_eq!(stored.load(Ordering::SeqCst), (CALLS * READINGS_A_CALL) as usize);
}

pub async fn a_snapshot_of_a_device_never_shows_half_a_call(store: Opened) {
    let device = device(&store, "d").await;
    let key = device.key;
    snapshots_under_appends(&store, vec![device.clone()], Subject::Device(key)).await;
    assert_eq!(all_readings(&store, key).await.last(), Some(&stored(&device, 0, 1)));
}

/// A store that distributes devices over several databases cannot promise this, and must document it.
pub async fn a_snapshot_of_a_user_never_shows_half_a_call(store: Opened) {
    let ann = user(&store, "ann").await;
    let mut devices = Vec::new();
    for n in 0..5 {
        devices.push(owned_device(&store, &format!("d{n}"), &ann).await);
    }
    snapshots_under_appends(&store, devices, Subject::User(ann.id)).await;
}

/// A store that distributes devices over several databases cannot promise this, and must document it.
pub async fn a_snapshot_of_listed_devices_never_shows_half_a_call(store: Opened) {
    let mut devices = Vec::new();
    for n in 0..5 {
        devices.push(device(&store, &format!("d{n}")).await);
    }
    let subject = Subject::Devices(devices.iter().map(|device| device.key).collect());
    snapshots_under_appends(&store, devices, subject).await;
}
