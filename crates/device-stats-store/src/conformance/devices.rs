//! Cases about devices.

use std::sync::Arc;

use device_stats_domain::limits::EXPECTED_INTERVAL_MAX;
use device_stats_domain::{
    Author, DeviceChange, DeviceKey, ExpectedInterval, ListPage, NewDevice, UserId, Window,
};

use super::callers::{CALLERS, concurrently};
use super::oracle::Oracle;
use super::samples::{
    Opened, TEXTS, UNUSED_IDS, all_readings, at, device, device_id, device_name, given, interval, new_device,
    owned_device, page, user,
};
use crate::{Subject, Visibility};

const UNKNOWN_OWNER: Option<UserId> = Some(UserId(i64::MAX));

pub async fn no_device_has_a_key_that_was_never_given(store: Opened) {
    let real = device(&store, "real").await;
    for key in UNUSED_IDS.map(DeviceKey) {
        refused!(
            store.update_device(&Author::SERVICE, Visibility::All, key, None, DeviceChange::default()),
            DeviceMissing
        );
        refused!(store.delete_device(&Author::SERVICE, Visibility::All, key, None), DeviceMissing);
        refused!(store.snapshot(Subject::Device(key), Window::ALL), DeviceMissing);
        let mut reading = given(&real, 1, 1);
        reading.device = key;
        refused!(store.append(&[reading]), DeviceMissing);
        assert_eq!(all_readings(&store, key).await, []);
        assert_eq!(store.find_reading(key, at(1)).await.unwrap(), None);
    }
    for owner in UNUSED_IDS.map(|id| Some(UserId(id))) {
        refused!(store.create_device(&Author::SERVICE, new_device("other", owner), None), UserMissing);
    }
}

pub async fn a_created_device_is_found_and_listed(store: Opened) {
    let ann = user(&store, "ann").await;
    let new = NewDevice {
        device_id: device_id("d"),
        name: Some(device_name("Pump 7")),
        user_id: Some(ann.id),
        expected_interval: Some(interval(90)),
    };
    let created = store.create_device(&Author::SERVICE, new.clone(), None).await.unwrap();
    let NewDevice { device_id, name, user_id, expected_interval } = new;
    assert_eq!((&created.device_id, &created.name, created.user_id), (&device_id, &name, user_id));
    assert_eq!(created.expected_interval, expected_interval);
    assert_eq!(store.find_devices(Visibility::All, &[device_id]).await.unwrap(), [Some(created.clone())]);
    assert_eq!(store.list_user_devices(ann.id).await.unwrap(), std::slice::from_ref(&created));
    assert_eq!(store.list_devices(Visibility::All, ListPage::FIRST).await.unwrap(), [created]);
}

pub async fn a_new_store_has_no_devices(store: Opened) {
    assert_eq!(store.list_devices(Visibility::All, ListPage::FIRST).await.unwrap(), []);
    assert_eq!(store.find_devices(Visibility::All, &[]).await.unwrap(), []);
    assert_eq!(store.find_devices(Visibility::All, &[device_id("d")]).await.unwrap(), [None]);
}

pub async fn keys_of_devices_ascend_from_one_up(store: Opened) {
    let mut last = 0;
    for n in 0..20 {
        let DeviceKey(key) = device(&store, &format!("d{n}")).await.key;
        assert!(key > last, "{key} follows {last}");
        last = key;
    }
}

pub async fn device_keys_are_never_reused(store: Opened) {
    let mut last = DeviceKey(0);
    for _ in 0..3 {
        let key = device(&store, "d").await.key;
        assert!(key > last, "{key} follows {last}, which was deleted");
        store.delete_device(&Author::SERVICE, Visibility::All, key, None).await.unwrap();
        last = key;
    }
    let ann = user(&store, "ann").await;
    let key = owned_device(&store, "d", &ann).await.key;
    store.delete_user(&Author::SERVICE, Visibility::All, ann.id, None).await.unwrap();
    assert!(device(&store, "d").await.key > key);
}

pub async fn a_taken_device_id_is_reported_before_a_missing_owner(store: Opened) {
    device(&store, "d").await;
    refused!(store.create_device(&Author::SERVICE, new_device("d", None), None), DeviceIdTaken);
    refused!(store.create_device(&Author::SERVICE, new_device("d", UNKNOWN_OWNER), None), DeviceIdTaken);
}

pub async fn a_missing_owner_is_refused(store: Opened) {
    refused!(store.create_device(&Author::SERVICE, new_device("d", UNKNOWN_OWNER), None), UserMissing);
    let gone = user(&store, "gone").await;
    store.delete_user(&Author::SERVICE, Visibility::All, gone.id, None).await.unwrap();
    refused!(store.create_device(&Author::SERVICE, new_device("d", Some(gone.id)), None), UserMissing);
}

pub async fn a_refused_device_leaves_nothing_behind(store: Opened) {
    refused!(store.create_device(&Author::SERVICE, new_device("d", UNKNOWN_OWNER), None), UserMissing);
    assert_eq!(store.list_devices(Visibility::All, ListPage::FIRST).await.unwrap(), []);
    let kept = device(&store, "d").await;
    refused!(
        store.create_device(
            &Author::SERVICE,
            NewDevice { name: Some(device_name("other")), ..new_device("d", None) },
            None
        ),
        DeviceIdTaken
    );
    assert_eq!(store.list_devices(Visibility::All, ListPage::FIRST).await.unwrap(), [kept]);
}

pub async fn device_ids_are_compared_byte_by_byte(store: Opened) {
    let mut keys = Vec::new();
    for id in TEXTS {
        keys.push(Some(device(&store, id).await.key));
    }
    for id in TEXTS {
        refused!(store.create_device(&Author::SERVICE, new_device(id, None), None), DeviceIdTaken);
    }
    let found = store.find_devices(Visibility::All, &TEXTS.map(device_id)).await.unwrap();
    assert_eq!(found.into_iter().map(|device| Some(device?.key)).collect::<Vec<_>>(), keys);
}

pub async fn the_text_of_a_device_is_kept_to_the_byte(store: Opened) {
    let long_id = "\u{e9}".repeat(127) + "x";
    let long_name = "\u{1f6b0}".repeat(256);
    let spaced = " outer spaces and\na line break\t";
    let names = TEXTS.iter().copied().rev().chain([long_name.as_str()]);
    for (id, name) in TEXTS.iter().copied().chain([long_id.as_str()]).zip(names) {
        let name = if id == "pump" { spaced } else { name };
        let new = NewDevice { name: Some(device_name(name)), ..new_device(id, None) };
        let created = store.create_device(&Author::SERVICE, new, None).await.unwrap();
        assert_eq!((created.device_id.as_str(), &created.name), (id, &Some(device_name(name))));
        assert_eq!(store.find_devices(Visibility::All, &[device_id(id)]).await.unwrap(), [Some(created)]);
    }
}

pub async fn an_empty_name_is_not_a_missing_one(store: Opened) {
    let empty = NewDevice { name: Some(device_name("")), ..new_device("empty", None) };
    assert_eq!(store.create_device(&Author::SERVICE, empty, None).await.unwrap().name, Some(device_name("")));
    assert_eq!(device(&store, "none").await.name, None);
    let ids = ["empty", "none"].map(device_id);
    let found = store.find_devices(Visibility::All, &ids).await.unwrap();
    let names: Vec<_> = found.into_iter().map(|device| device.unwrap().name).collect();
    assert_eq!(names, [Some(device_name("")), None]);
}

pub async fn devices_are_found_in_the_requested_order(store: Opened) {
    let (a, b) = (device(&store, "a").await, device(&store, "b").await);
    let asked = ["b", "nobody", "a", "b", "B"].map(device_id);
    let found = store.find_devices(Visibility::All, &asked).await.unwrap();
    assert_eq!(found, [Some(b.clone()), None, Some(a), Some(b), None]);
}

pub async fn thousands_of_devices_are_found_at_once(store: Opened) {
    let real = device(&store, "d39999").await;
    let asked: Vec<_> = (0..40_000).map(|n| device_id(&format!("d{n}"))).collect();
    let found = store.find_devices(Visibility::All, &asked).await.unwrap();
    assert_eq!(found.len(), asked.len());
    assert_eq!(found.last().unwrap().as_ref(), Some(&real));
    assert_eq!(found.iter().flatten().count(), 1);
}

pub async fn devices_are_listed_in_pages_by_ascending_key(store: Opened) {
    let mut devices = Vec::new();
    for n in (0..7).rev() {
        devices.push(device(&store, &format!("d{n}")).await);
    }
    store.delete_device(&Author::SERVICE, Visibility::All, devices.remove(2).key, None).await.unwrap();
    for limit in 1..=7 {
        let mut seen = Vec::new();
        for skip in (0..7).step_by(limit as usize) {
            let part = store.list_devices(Visibility::All, page(skip, limit)).await.unwrap();
            assert!(part.len() <= limit as usize);
            seen.extend(part);
        }
        assert_eq!(seen, devices, "in pages of {limit}");
    }
    for skip in [6, 1 << 31, 1 << 32, i64::MAX] {
        assert_eq!(store.list_devices(Visibility::All, page(skip, 100)).await.unwrap(), [], "after {skip}");
    }
}

pub async fn devices_of_a_user_are_listed_by_ascending_key(store: Opened) {
    let (ann, bob) = (user(&store, "ann").await, user(&store, "bob").await);
    device(&store, "nobodys").await;
    let mut hers = Vec::new();
    for n in (0..150).rev() {
        hers.push(owned_device(&store, &format!("a{n}"), &ann).await);
        if n % 50 == 0 {
            owned_device(&store, &format!("b{n}"), &bob).await;
        }
    }
    assert_eq!(store.list_user_devices(ann.id).await.unwrap(), hers);
    assert_eq!(store.list_user_devices(bob.id).await.unwrap().len(), 3);
}

pub async fn an_absent_field_stays_and_a_cleared_one_goes(store: Opened) {
    let ann = user(&store, "ann").await;
    let named = NewDevice { name: Some(device_name("n")), ..new_device("d", Some(ann.id)) };
    let device = store.create_device(&Author::SERVICE, named, None).await.unwrap();
    let update = async |name, user_id| {
        let device = store
            .update_device(
                &Author::SERVICE,
                Visibility::All,
                device.key,
                None,
                DeviceChange { name, user_id, ..DeviceChange::default() },
            )
            .await
            .unwrap();
        assert_eq!(
            store.list_devices(Visibility::All, ListPage::FIRST).await.unwrap(),
            std::slice::from_ref(&device)
        );
        (device.name, device.user_id)
    };
    let name = |text| Some(device_name(text));
    assert_eq!(update(None, None).await, (name("n"), Some(ann.id)));
    assert_eq!(update(Some(None), None).await, (None, Some(ann.id)));
    assert_eq!(update(Some(name("m")), None).await, (name("m"), Some(ann.id)));
    assert_eq!(update(None, Some(None)).await, (name("m"), None));
    assert_eq!(update(None, Some(Some(ann.id))).await, (name("m"), Some(ann.id)));
    assert_eq!(update(Some(name("")), Some(Some(ann.id))).await, (name(""), Some(ann.id)));
    assert_eq!(update(Some(None), Some(None)).await, (None, None));
    assert_eq!(update(Some(None), Some(None)).await, (None, None));
}

pub async fn an_expected_interval_is_set_and_cleared(store: Opened) {
    let longest = ExpectedInterval::from_seconds(EXPECTED_INTERVAL_MAX.as_secs_f64()).unwrap();
    let ann = user(&store, "ann").await;
    let device = owned_device(&store, "d", &ann).await;
    assert_eq!(device.expected_interval, None);
    store.append(&[given(&device, 1, 1)]).await.unwrap();
    let update = async |change: DeviceChange| {
        let updated =
            store.update_device(&Author::SERVICE, Visibility::All, device.key, None, change).await.unwrap();
        let found = store.find_devices(Visibility::All, std::slice::from_ref(&updated.device_id));
        assert_eq!(found.await.unwrap(), [Some(updated.clone())]);
        assert_eq!(store.list_user_devices(ann.id).await.unwrap(), std::slice::from_ref(&updated));
        let snapshot = store.snapshot(Subject::Device(device.key), Window::ALL).await.unwrap();
        assert!(snapshot.devices.iter().all(|found| found.device == updated), "{snapshot:?}");
        updated.expected_interval
    };
    let set = |expected_interval| DeviceChange {
        expected_interval: Some(expected_interval),
        ..DeviceChange::default()
    };
    let named = || DeviceChange { name: Some(Some(device_name("n"))), ..DeviceChange::default() };
    for expected in [Some(interval(1)), Some(longest)] {
        assert_eq!(update(set(expected)).await, expected);
        assert_eq!(update(named()).await, expected);
    }
    assert_eq!(update(set(None)).await, None);
    assert_eq!(update(named()).await, None);
}

pub async fn a_device_can_change_its_owner(store: Opened) {
    let (ann, bob) = (user(&store, "ann").await, user(&store, "bob").await);
    let device = owned_device(&store, "d", &ann).await;
    store.append(&[given(&device, 1, 1)]).await.unwrap();
    let change = DeviceChange { user_id: Some(Some(bob.id)), ..DeviceChange::default() };
    let device =
        store.update_device(&Author::SERVICE, Visibility::All, device.key, None, change).await.unwrap();
    assert_eq!(store.list_user_devices(ann.id).await.unwrap(), []);
    assert_eq!(store.list_user_devices(bob.id).await.unwrap(), std::slice::from_ref(&device));
    store.delete_user(&Author::SERVICE, Visibility::All, ann.id, None).await.unwrap();
    assert_eq!(all_readings(&store, device.key).await.len(), 1);
}

pub async fn a_missing_device_is_reported_before_a_missing_owner(store: Opened) {
    let gone = device(&store, "gone").await;
    store.delete_device(&Author::SERVICE, Visibility::All, gone.key, None).await.unwrap();
    let nobodys = DeviceChange { user_id: Some(UNKNOWN_OWNER), ..DeviceChange::default() };
    refused!(
        store.update_device(&Author::SERVICE, Visibility::All, gone.key, None, nobodys.clone()),
        DeviceMissing
    );
    let stays = device(&store, "stays").await;
    refused!(store.update_device(&Author::SERVICE, Visibility::All, stays.key, None, nobodys), UserMissing);
}

pub async fn a_refused_update_of_a_device_changes_nothing(store: Opened) {
    let ann = user(&store, "ann").await;
    let device = owned_device(&store, "d", &ann).await;
    let change = DeviceChange {
        name: Some(Some(device_name("new"))),
        user_id: Some(UNKNOWN_OWNER),
        ..DeviceChange::default()
    };
    refused!(store.update_device(&Author::SERVICE, Visibility::All, device.key, None, change), UserMissing);
    assert_eq!(store.list_devices(Visibility::All, ListPage::FIRST).await.unwrap(), [device]);
}

pub async fn a_deleted_device_is_missing(store: Opened) {
    let gone = device(&store, "gone").await;
    let stays = device(&store, "stays").await;
    store.delete_device(&Author::SERVICE, Visibility::All, gone.key, None).await.unwrap();
    refused!(store.delete_device(&Author::SERVICE, Visibility::All, gone.key, None), DeviceMissing);
    refused!(
        store.update_device(&Author::SERVICE, Visibility::All, gone.key, None, DeviceChange::default()),
        DeviceMissing
    );
    refused!(store.append(&[given(&gone, 1, 1)]), DeviceMissing);
    refused!(store.snapshot(Subject::Device(gone.key), Window::ALL), DeviceMissing);
    assert_eq!(store.find_devices(Visibility::All, &[gone.device_id]).await.unwrap(), [None]);
    assert_eq!(store.list_devices(Visibility::All, ListPage::FIRST).await.unwrap(), [stays]);
}

pub async fn deleting_a_device_deletes_only_its_own_readings(store: Opened) {
    let ann = user(&store, "ann").await;
    let gone = owned_device(&store, "gone", &ann).await;
    let stays = owned_device(&store, "stays", &ann).await;
    store.append(&[given(&gone, 1, 1), given(&stays, 1, 2)]).await.unwrap();
    store.delete_device(&Author::SERVICE, Visibility::All, gone.key, None).await.unwrap();
    assert_eq!(all_readings(&store, gone.key).await, []);
    assert_eq!(store.find_reading(gone.key, at(1)).await.unwrap(), None);
    assert_eq!(all_readings(&store, stays.key).await.len(), 1);
    assert_eq!(store.list_user_devices(ann.id).await.unwrap(), [stays]);
    assert!(store.find_user(Visibility::All, ann.id).await.unwrap().is_some());
}

pub async fn a_recreated_device_id_has_no_old_readings(store: Opened) {
    let first = device(&store, "d").await;
    store.append(&[given(&first, 1, 1)]).await.unwrap();
    store.delete_device(&Author::SERVICE, Visibility::All, first.key, None).await.unwrap();
    let second = device(&store, "d").await;
    assert_eq!(all_readings(&store, second.key).await, []);
    assert_eq!(all_readings(&store, first.key).await, []);
}

pub async fn missing_devices_are_created_at_once(store: Opened) {
    let ann = user(&store, "ann").await;
    let kept = owned_device(&store, "b", &ann).await;
    store
        .create_missing_devices(&Author::SERVICE, None, &["c", "b", "a", "c"].map(device_id), None)
        .await
        .unwrap();
    store.create_missing_devices(&Author::SERVICE, None, &["a", "d"].map(device_id), None).await.unwrap();
    store.create_missing_devices(&Author::SERVICE, None, &[], None).await.unwrap();
    store
        .create_missing_devices(&Author::SERVICE, UNKNOWN_OWNER, &["a", "d"].map(device_id), None)
        .await
        .unwrap();
    refused!(
        store.create_missing_devices(&Author::SERVICE, UNKNOWN_OWNER, &["a", "e"].map(device_id), None),
        UserMissing
    );
    store
        .create_missing_devices(&Author::SERVICE, Some(ann.id), &["a", "o"].map(device_id), None)
        .await
        .unwrap();
    let found = store.find_devices(Visibility::All, &["a", "b", "c", "d", "o"].map(device_id)).await.unwrap();
    let found: Vec<_> = found.into_iter().map(Option::unwrap).collect();
    assert_eq!(found[1], kept);
    assert_eq!((found[0].user_id, found[4].user_id), (None, Some(ann.id)));
    assert!(found.iter().all(|device| device.name.is_none() && device.created_at.is_some()));
    assert_eq!(store.list_devices(Visibility::All, ListPage::FIRST).await.unwrap().len(), 5);
}

/// The callers name the same devices in different orders.
pub async fn concurrent_callers_create_missing_devices_once(store: Opened) {
    let answers = concurrently(CALLERS, |caller| {
        let store = Arc::clone(&store);
        let mut ids: Vec<_> = (0..40).map(|n| device_id(&format!("d{n}"))).collect();
        ids.rotate_left(caller);
        if caller % 2 == 0 {
            ids.reverse();
        }
        async move { store.create_missing_devices(&Author::SERVICE, None, &ids, None).await }
    });
    assert!(answers.await.iter().all(Result::is_ok));
    assert_eq!(store.list_devices(Visibility::All, ListPage::FIRST).await.unwrap().len(), 40);
}
