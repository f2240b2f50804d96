//! Cases about changes that require the current state, and about times of creation.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use device_stats_domain::{Author, Device, DeviceChange, Timestamp, User, UserChange, Window};

use super::callers::{CALLERS, assert_one_winner, concurrently};
use super::samples::{
    Opened, all_readings, device, device_id, device_name, email, given, owned_device, user, username,
};
use crate::{StoreError, Subject, UserState, Visibility};

fn named(name: &str) -> DeviceChange {
    DeviceChange { name: Some(Some(device_name(name))), ..DeviceChange::default() }
}

fn renamed(name: &str) -> UserChange {
    UserChange { username: Some(username(name)), email: None }
}

fn state(user: &User, devices: &[Device]) -> UserState {
    UserState { user: user.clone(), devices: devices.to_vec() }
}

pub async fn an_unchanged_device_is_changed_and_deleted(store: Opened) {
    let seen = device(&store, "d").await;
    store.append(&[given(&seen, 1, 1)]).await.unwrap();
    let changed = store
        .update_device(&Author::SERVICE, Visibility::All, seen.key, Some(&seen), named("n"))
        .await
        .unwrap();
    assert_eq!(changed, Device { name: Some(device_name("n")), ..seen.clone() });
    refused!(
        store.update_device(&Author::SERVICE, Visibility::All, seen.key, Some(&seen), named("m")),
        Changed
    );
    refused!(store.delete_device(&Author::SERVICE, Visibility::All, seen.key, Some(&seen)), Changed);
    assert_eq!(
        store.find_devices(Visibility::All, &[device_id("d")]).await.unwrap(),
        [Some(changed.clone())]
    );
    assert_eq!(all_readings(&store, seen.key).await.len(), 1);
    store.delete_device(&Author::SERVICE, Visibility::All, changed.key, Some(&changed)).await.unwrap();
    refused!(
        store.update_device(&Author::SERVICE, Visibility::All, changed.key, Some(&changed), named("m")),
        DeviceMissing
    );
    refused!(
        store.delete_device(&Author::SERVICE, Visibility::All, changed.key, Some(&changed)),
        DeviceMissing
    );
    assert_eq!(all_readings(&store, seen.key).await, []);
}

pub async fn an_unchanged_user_is_changed_and_deleted(store: Opened) {
    let seen = user(&store, "ann").await;
    let devices = [owned_device(&store, "d", &seen).await];
    store.append(&[given(&devices[0], 1, 1)]).await.unwrap();
    let changed = store
        .update_user(
            &Author::SERVICE,
            Visibility::All,
            seen.id,
            Some(&state(&seen, &devices)),
            renamed("bob"),
        )
        .await
        .unwrap();
    assert_eq!(changed, User { username: username("bob"), ..seen.clone() });
    refused!(
        store.update_user(
            &Author::SERVICE,
            Visibility::All,
            seen.id,
            Some(&state(&seen, &devices)),
            renamed("eve")
        ),
        Changed
    );
    refused!(
        store.delete_user(&Author::SERVICE, Visibility::All, seen.id, Some(&state(&seen, &devices))),
        Changed
    );
    assert_eq!(store.find_user(Visibility::All, seen.id).await.unwrap(), Some(changed.clone()));
    store
        .delete_user(&Author::SERVICE, Visibility::All, changed.id, Some(&state(&changed, &devices)))
        .await
        .unwrap();
    refused!(
        store.update_user(
            &Author::SERVICE,
            Visibility::All,
            changed.id,
            Some(&state(&changed, &devices)),
            renamed("eve")
        ),
        UserMissing
    );
    refused!(
        store.delete_user(&Author::SERVICE, Visibility::All, changed.id, Some(&state(&changed, &devices))),
        UserMissing
    );
    assert_eq!(store.find_devices(Visibility::All, &[device_id("d")]).await.unwrap(), [None]);
    assert_eq!(all_readings(&store, devices[0].key).await, []);
}

pub async fn a_user_with_other_devices_has_changed(store: Opened) {
    let ann = user(&store, "ann").await;
    let first = owned_device(&store, "a", &ann).await;
    let second = owned_device(&store, "b", &ann).await;
    let seen = [first.clone(), second.clone()];
    for other in [&seen[..1], &seen[1..], &[], &[second.clone(), first.clone()][..]] {
        refused!(
            store.update_user(
                &Author::SERVICE,
                Visibility::All,
                ann.id,
                Some(&state(&ann, other)),
                renamed("n")
            ),
            Changed
        );
        refused!(
            store.delete_user(&Author::SERVICE, Visibility::All, ann.id, Some(&state(&ann, other))),
            Changed
        );
    }
    let renamed_device =
        store.update_device(&Author::SERVICE, Visibility::All, second.key, None, named("n")).await.unwrap();
    refused!(
        store.delete_user(&Author::SERVICE, Visibility::All, ann.id, Some(&state(&ann, &seen))),
        Changed
    );
    store
        .update_user(
            &Author::SERVICE,
            Visibility::All,
            ann.id,
            Some(&state(&ann, &[first, renamed_device])),
            renamed("n"),
        )
        .await
        .unwrap();
}

pub async fn a_refused_change_of_an_unchanged_user_or_device_changes_nothing(store: Opened) {
    let (ann, bob) = (user(&store, "ann").await, user(&store, "bob").await);
    let device = device(&store, "d").await;
    for change in [
        UserChange { username: None, email: Some(email("bob")) },
        UserChange { username: Some(username("bob")), email: Some(email("bob")) },
    ] {
        refused!(
            store.update_user(&Author::SERVICE, Visibility::All, ann.id, Some(&state(&ann, &[])), change),
            EmailTaken
        );
    }
    refused!(
        store.update_user(&Author::SERVICE, Visibility::All, ann.id, Some(&state(&ann, &[])), renamed("bob")),
        UsernameTaken
    );
    store.delete_user(&Author::SERVICE, Visibility::All, bob.id, None).await.unwrap();
    let change = DeviceChange { name: Some(None), user_id: Some(Some(bob.id)), ..DeviceChange::default() };
    refused!(
        store.update_device(&Author::SERVICE, Visibility::All, device.key, Some(&device), change),
        UserMissing
    );
    assert_eq!(store.find_user(Visibility::All, ann.id).await.unwrap(), Some(ann));
    assert_eq!(store.find_devices(Visibility::All, &[device_id("d")]).await.unwrap(), [Some(device)]);
}

/// Of several callers that have seen the same state, one succeeds.
pub async fn one_caller_changes_a_device_that_all_have_seen(store: Opened) {
    for round in 0..10 {
        let seen = device(&store, &format!("d{round}")).await;
        let answers = concurrently(CALLERS, |n| {
            let (store, seen) = (Arc::clone(&store), seen.clone());
            async move {
                store
                    .update_device(
                        &Author::SERVICE,
                        Visibility::All,
                        seen.key,
                        Some(&seen),
                        named(&format!("n{n}")),
                    )
                    .await
            }
        });
        assert_one_winner(answers.await, |error| matches!(error, StoreError::Changed));
    }
}

pub async fn one_caller_changes_a_user_that_all_have_seen(store: Opened) {
    for round in 0..10 {
        let seen = user(&store, &format!("u{round}")).await;
        let answers = concurrently(CALLERS, |n| {
            let (store, seen) = (Arc::clone(&store), seen.clone());
            async move {
                store
                    .update_user(
                        &Author::SERVICE,
                        Visibility::All,
                        seen.id,
                        Some(&state(&seen, &[])),
                        renamed(&format!("n{round}-{n}")),
                    )
                    .await
            }
        });
        assert_one_winner(answers.await, |error| matches!(error, StoreError::Changed));
    }
}

fn now() -> Timestamp {
    Timestamp::from_duration(SystemTime::now().duration_since(UNIX_EPOCH).unwrap())
}

/// The clock of the store can differ from that of the test, but not by an hour.
pub async fn the_time_of_creation_is_kept(store: Opened) {
    let (ann, before) = (user(&store, "ann").await, now().micros());
    let first = owned_device(&store, "d", &ann).await;
    for created_at in [ann.created_at, first.created_at] {
        assert!(created_at.unwrap().micros().abs_diff(before) < 3_600_000_000, "{created_at:?}");
    }
    let changed =
        store.update_device(&Author::SERVICE, Visibility::All, first.key, None, named("n")).await.unwrap();
    assert_eq!(changed.created_at, first.created_at);
    let found = store.find_devices(Visibility::All, &[device_id("d")]).await.unwrap();
    assert_eq!(found, [Some(changed.clone())]);
    assert_eq!(store.list_user_devices(ann.id).await.unwrap(), std::slice::from_ref(&changed));
    let snapshot = store.snapshot(Subject::User(ann.id), Window::ALL).await.unwrap();
    assert!(snapshot.devices.iter().all(|one| one.device == changed), "{snapshot:?}");
    let changed =
        store.update_user(&Author::SERVICE, Visibility::All, ann.id, None, renamed("bob")).await.unwrap();
    assert_eq!(changed.created_at, ann.created_at);
    assert_eq!(store.find_user(Visibility::All, ann.id).await.unwrap(), Some(changed));
}
