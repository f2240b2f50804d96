//! Cases about the limit on the devices of a user.

use std::sync::Arc;

use device_stats_domain::{Author, DeviceId, ListPage, UserId};

use super::callers::{CALLERS, concurrently};
use super::samples::{Opened, device, device_id, new_device, owned_device, user};
use crate::{StoreError, Visibility};

/// Number of devices that the cases allow.
const MAX: Option<u32> = Some(3);

async fn count(store: &Opened, owner: UserId) -> usize {
    store.list_user_devices(owner).await.unwrap().len()
}

fn ids<const N: usize>(ids: [&str; N]) -> [DeviceId; N] {
    ids.map(device_id)
}

pub async fn a_user_gets_devices_up_to_the_limit(store: Opened) {
    let (ann, bob) = (user(&store, "ann").await, user(&store, "bob").await);
    device(&store, "free").await;
    for n in 0..3 {
        store.create_device(&Author::SERVICE, new_device(&format!("a{n}"), Some(ann.id)), MAX).await.unwrap();
    }
    let refused = store.create_device(&Author::SERVICE, new_device("a3", Some(ann.id)), MAX).await;
    assert!(matches!(refused, Err(StoreError::TooManyOwnedDevices { devices_max: 3 })), "{refused:?}");
    assert_eq!(store.list_devices(Visibility::All, ListPage::FIRST).await.unwrap().len(), 4);
    // A refusal leaves the id free, and the reasons have an order.
    refused!(store.create_device(&Author::SERVICE, new_device("a0", Some(ann.id)), MAX), DeviceIdTaken);
    refused!(
        store.create_device(&Author::SERVICE, new_device("a3", Some(UserId(i64::MAX))), MAX),
        UserMissing
    );
    store.create_device(&Author::SERVICE, new_device("a3", Some(bob.id)), MAX).await.unwrap();
    store.create_device(&Author::SERVICE, new_device("a4", None), MAX).await.unwrap();
    // Other callers have other limits, or none.
    store.create_device(&Author::SERVICE, new_device("a5", Some(ann.id)), Some(4)).await.unwrap();
    store.create_device(&Author::SERVICE, new_device("a6", Some(ann.id)), None).await.unwrap();
    // Now ann has five devices, and must delete three of them before one can be created.
    let devices = store.list_user_devices(ann.id).await.unwrap();
    for device in &devices[..2] {
        refused!(
            store.create_device(&Author::SERVICE, new_device("a7", Some(ann.id)), MAX),
            TooManyOwnedDevices
        );
        store.delete_device(&Author::SERVICE, Visibility::All, device.key, None).await.unwrap();
    }
    refused!(store.create_device(&Author::SERVICE, new_device("a7", Some(ann.id)), MAX), TooManyOwnedDevices);
    store.delete_device(&Author::SERVICE, Visibility::All, devices[2].key, None).await.unwrap();
    store.create_device(&Author::SERVICE, new_device("a7", Some(ann.id)), MAX).await.unwrap();
    assert_eq!((count(&store, ann.id).await, count(&store, bob.id).await), (3, 1));
}

pub async fn missing_devices_above_the_limit_are_not_created(store: Opened) {
    let (ann, bob) = (user(&store, "ann").await, user(&store, "bob").await);
    owned_device(&store, "b", &bob).await;
    owned_device(&store, "a0", &ann).await;
    let create =
        async |ids: &[DeviceId]| store.create_missing_devices(&Author::SERVICE, Some(ann.id), ids, MAX).await;
    let refused = create(&ids(["a1", "a2", "a3"])).await;
    assert!(matches!(refused, Err(StoreError::TooManyOwnedDevices { devices_max: 3 })), "{refused:?}");
    assert_eq!(count(&store, ann.id).await, 1, "all or none");
    // Existing devices and repeated ids do not count.
    create(&ids(["a2", "b", "a1", "a0", "a1"])).await.unwrap();
    assert_eq!(count(&store, ann.id).await, 3);
    refused!(create(&ids(["a0", "a3"])), TooManyOwnedDevices);
    create(&ids(["a0", "a1", "b"])).await.unwrap();
    let unknown = Some(UserId(i64::MAX));
    refused!(store.create_missing_devices(&Author::SERVICE, unknown, &ids(["a3"]), MAX), UserMissing);
    // Devices without an owner have no limit.
    store.create_missing_devices(&Author::SERVICE, None, &ids(["c", "d", "e", "f"]), MAX).await.unwrap();
    store.create_missing_devices(&Author::SERVICE, Some(ann.id), &ids(["a3"]), None).await.unwrap();
    // A caller with too many devices can still send readings of existing ones.
    create(&ids(["a0", "a3"])).await.unwrap();
    assert_eq!((count(&store, ann.id).await, count(&store, bob.id).await), (4, 1));
}

pub async fn concurrent_callers_do_not_exceed_the_limit_on_devices(store: Opened) {
    let ann = user(&store, "ann").await;
    owned_device(&store, "first", &ann).await;
    let answers = concurrently(CALLERS, |caller| {
        let (store, owner) = (Arc::clone(&store), Some(ann.id));
        async move {
            if caller % 2 == 0 {
                store
                    .create_device(&Author::SERVICE, new_device(&format!("d{caller}"), owner), MAX)
                    .await
                    .map(|_| ())
            } else {
                store
                    .create_missing_devices(&Author::SERVICE, owner, &[device_id(&format!("d{caller}"))], MAX)
                    .await
            }
        }
    });
    let (created, refused): (Vec<_>, Vec<_>) = answers.await.into_iter().partition(Result::is_ok);
    assert_eq!(created.len(), 2);
    let is_expected = |answer: &_| matches!(answer, Err(StoreError::TooManyOwnedDevices { devices_max: 3 }));
    assert!(refused.iter().all(is_expected), "{refused:?}");
    assert_eq!(count(&store, ann.id).await, 3);
}

/// Each caller creates devices of two users in an order of its own, and one caller deletes a user in between.
/// All callers together ask for more devices than the two users may have.
pub async fn a_limit_on_devices_does_not_deadlock_with_deletions(store: Opened) {
    const IDS: usize = 18;
    const OWNED_MAX: u32 = 6;
    let (ann, bob) = (user(&store, "ann").await, user(&store, "bob").await);
    let refused = concurrently(CALLERS, |caller| {
        let (store, owners) = (Arc::clone(&store), [ann.id, bob.id]);
        async move {
            let mut refused = 0;
            for round in 0..4 {
                let owner = owners[(caller + round) % 2];
                let mut ids: Vec<_> = (0..OWNED_MAX as usize)
                    .map(|n| device_id(&format!("{}", (3 * caller + n) % IDS)))
                    .collect();
                ids.rotate_left(caller % 6);
                match store.create_missing_devices(&Author::SERVICE, Some(owner), &ids, Some(OWNED_MAX)).await
                {
                    Ok(()) | Err(StoreError::UserMissing) => {}
                    Err(StoreError::TooManyOwnedDevices { devices_max: OWNED_MAX }) => refused += 1,
                    Err(error) => panic!("{error:?}"),
                }
                if caller == 0 && round == 2 {
                    store.delete_user(&Author::SERVICE, Visibility::All, owners[0], None).await.unwrap();
                }
            }
            refused
        }
    })
    .await;
    assert!(refused.iter().sum::<u32>() > 0, "the limit was never reached");
    let devices = store.list_devices(Visibility::All, ListPage::FIRST).await.unwrap();
    assert!(devices.iter().all(|device| device.user_id == Some(bob.id)), "{devices:?}");
    let owned = count(&store, bob.id).await;
    assert!(0 < owned && owned <= OWNED_MAX as usize, "{owned}");
}
