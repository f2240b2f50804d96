//! Cases in which a device or user is deleted during writes to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use device_stats_domain::{Author, Device, DeviceKey, ListPage, Window};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::callers::{CALLERS, concurrently};
use super::oracle::Oracle;
use super::samples::{Opened, all_readings, at, device, given, new_device, owned_device, server_timed, user};
use crate::{StoreError, Subject, Visibility};

/// A deletion during the appends of several callers.
#[derive(Debug)]
struct Deletion {
    devices: [Device; 2],
    is_done: AtomicBool,
}

/// Appends to both devices until they are missing; sends a message when the first call is stored.
async fn append_until_missing(
    store: Opened,
    deletion: Arc<Deletion>,
    caller: i64,
    has_stored: mpsc::Sender<()>,
) {
    for round in 0_i64.. {
        let us = round * 100 + caller;
        let call = [given(&deletion.devices[0], us, 1), server_timed(&deletion.devices[1], us, 2)];
        let is_deleted = deletion.is_done.load(Ordering::SeqCst);
        match store.append(&call).await {
            Ok(outcome) if !is_deleted => assert_eq!(outcome.len(), 2),
            Err(StoreError::DeviceMissing) if round > 0 => return,
            answer => panic!("{answer:?}, deleted: {is_deleted}"),
        }
        if round == 0 {
            has_stored.send(()).await.unwrap();
        }
        // A store in memory never waits, so this loop would block its thread.
        tokio::task::yield_now().await;
    }
}

async fn assert_nothing_is_left(store: &Opened, key: DeviceKey) {
    assert_eq!(all_readings(store, key).await, []);
    assert_eq!(store.find_reading(key, at(0)).await.unwrap(), None);
    refused!(store.snapshot(Subject::Device(key), Window::ALL), DeviceMissing);
}

/// Starts callers that append to two devices until they are missing, and runs `delete` after each caller has
/// stored a call.
async fn delete_under_appends<F>(store: &Opened, devices: [Device; 2], delete: impl FnOnce() -> F)
where
    F: Future<Output = Result<(), StoreError>>,
{
    let deletion = Arc::new(Deletion { devices, is_done: AtomicBool::new(false) });
    let (has_stored, mut first_calls) = mpsc::channel(8);
    let mut callers = JoinSet::new();
    for caller in 0..8 {
        let (store, deletion) = (Arc::clone(store), Arc::clone(&deletion));
        callers.spawn(append_until_missing(store, deletion, caller, has_stored.clone()));
    }
    drop(has_stored);
    for _ in 0..8 {
        first_calls.recv().await.expect("a caller ended before it stored anything");
    }
    delete().await.unwrap();
    deletion.is_done.store(true, Ordering::SeqCst);
    callers.join_all().await;
}

pub async fn nothing_is_left_of_a_device_deleted_under_appends(store: Opened) {
    let devices = [device(&store, "a").await, device(&store, "b").await];
    let [a, b] = [devices[0].key, devices[1].key];
    delete_under_appends(&store, devices, || store.delete_device(&Author::SERVICE, Visibility::All, b, None))
        .await;
    assert_nothing_is_left(&store, b).await;
    assert!(all_readings(&store, a).await.len() >= 8);
}

pub async fn nothing_is_left_of_a_user_deleted_under_appends(store: Opened) {
    let ann = user(&store, "ann").await;
    let devices = [owned_device(&store, "a", &ann).await, owned_device(&store, "b", &ann).await];
    let keys = [devices[0].key, devices[1].key];
    delete_under_appends(&store, devices, || {
        store.delete_user(&Author::SERVICE, Visibility::All, ann.id, None)
    })
    .await;
    for key in keys {
        assert_nothing_is_left(&store, key).await;
    }
    assert_eq!(store.list_devices(Visibility::All, ListPage::FIRST).await.unwrap(), []);
}

pub async fn no_device_outlives_the_owner_deleted_under_it(store: Opened) {
    for round in 0..5 {
        let ann = user(&store, "ann").await;
        let answers = concurrently(CALLERS, |n| {
            let (store, owner) = (Arc::clone(&store), ann.id);
            let new = new_device(&format!("r{round}d{n}"), Some(owner));
            async move {
                match n {
                    0 => store.delete_user(&Author::SERVICE, Visibility::All, owner, None).await,
                    _ => store.create_device(&Author::SERVICE, new, None).await.map(|_| ()),
                }
            }
        });
        for (n, answer) in answers.await.into_iter().enumerate() {
            match answer {
                Ok(()) => {}
                Err(StoreError::UserMissing) if n > 0 => {}
                Err(error) => panic!("{error:?}"),
            }
        }
        assert_eq!(store.list_user_devices(ann.id).await.unwrap(), []);
        assert_eq!(store.list_devices(Visibility::All, ListPage::FIRST).await.unwrap(), []);
    }
}
