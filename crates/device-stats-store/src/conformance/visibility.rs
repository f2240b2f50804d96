//! Cases about the users and devices that a caller may see.

use device_stats_domain::{
    Author, Device, DeviceChange, DeviceFilter, DeviceKey, User, UserChange, UserFilter, UserId, Window,
};

use super::oracle::Oracle;
use super::samples::{
    Opened, device, device_id, device_name, given, owned_device, page, stored, user, username,
};
use crate::{Deleted, StoreError, UserState, Visibility};

/// Two users, each with devices, and a device without an owner.
struct Accounts {
    users: Vec<User>,
    devices: Vec<Device>,
}

impl Accounts {
    async fn create(store: &Opened) -> Self {
        let (ann, bob) = (user(store, "ann").await, user(store, "bob").await);
        let mut devices = Vec::new();
        // The devices of the users alternate.
        for (id, owner) in [("a-1", &ann), ("b-1", &bob), ("a-2", &ann), ("b-2", &bob)] {
            devices.push(owned_device(store, id, owner).await);
        }
        devices.insert(2, device(store, "free").await);
        devices.sort_by_key(|device| device.key);
        Self { users: vec![ann, bob], devices }
    }

    /// Returns every kind of visibility, also of a user and a device that do not exist.
    fn visibilities(&self) -> Vec<Visibility> {
        let users = self.users.iter().map(|user| user.id).chain([UserId(i64::MAX)]);
        let devices = self.devices.iter().map(|device| device.key).chain([DeviceKey(i64::MAX)]);
        let own = users.map(Visibility::User).chain(devices.map(Visibility::Device));
        [Visibility::All].into_iter().chain(own).collect()
    }

    fn devices_of(&self, user: &User) -> Vec<Device> {
        self.devices.iter().filter(|device| device.user_id == Some(user.id)).cloned().collect()
    }

    /// Asserts that nothing has changed.
    async fn assert_unchanged(&self, store: &Opened) {
        assert_eq!(store.list_users(Visibility::All, page(0, 100)).await.unwrap(), self.users);
        assert_eq!(store.list_devices(Visibility::All, page(0, 100)).await.unwrap(), self.devices);
    }
}

pub async fn a_caller_finds_and_lists_only_what_it_may_see(store: Opened) {
    let accounts = Accounts::create(&store).await;
    let all_ids: Vec<_> = accounts.devices.iter().map(|device| device.device_id.clone()).collect();
    for visible in accounts.visibilities() {
        let mut users = Vec::new();
        for user in &accounts.users {
            let expected = visible.includes_user(user).then(|| user.clone());
            assert_eq!(store.find_user(visible, user.id).await.unwrap(), expected, "{visible:?}");
            users.extend(expected);
        }
        let is_visible = |device: &&Device| visible.includes_device(device);
        let found: Vec<_> = accounts.devices.iter().map(|device| Some(device).filter(is_visible)).collect();
        let devices: Vec<Device> = found.iter().copied().flatten().cloned().collect();
        let found: Vec<_> = found.into_iter().map(Option::<&Device>::cloned).collect();
        assert_eq!(store.find_devices(visible, &all_ids).await.unwrap(), found, "{visible:?}");
        for (skip, limit) in [(0, 100), (0, 1), (1, 1), (1, 100), (2, 2)] {
            let pages = (
                store.list_users(visible, page(skip, limit)).await.unwrap(),
                store.list_devices(visible, page(skip, limit)).await.unwrap(),
            );
            let skip = usize::try_from(skip).unwrap();
            let expected = (part(&users, skip, limit), part(&devices, skip, limit));
            assert_eq!(pages, expected, "{visible:?} {skip} {limit}");
        }
        for owner in [None, Some(accounts.users[0].id), Some(accounts.users[1].id)] {
            let filter = DeviceFilter { user_id: owner, ..DeviceFilter::default() };
            let first = accounts.devices[0].key;
            let listed = store.list_devices_after(visible, first, &filter, 2).await.unwrap();
            let expected = devices.iter().filter(|device| device.key > first);
            let expected: Vec<_> =
                expected.filter(|device| owner.is_none() || device.user_id == owner).take(2).collect();
            assert_eq!(listed.iter().collect::<Vec<_>>(), expected, "{visible:?} {owner:?}");
        }
        let listed = store.list_users_after(visible, UserId(0), &UserFilter::default(), 100).await.unwrap();
        assert_eq!(listed, users, "{visible:?}");
        let bob = UserFilter { username: Some(username("bob")), text: None };
        let listed = store.list_users_after(visible, UserId(0), &bob, 100).await.unwrap();
        let bobs = users.iter().filter(|user| user.username == username("bob"));
        assert_eq!(listed.iter().collect::<Vec<_>>(), bobs.collect::<Vec<_>>(), "{visible:?}");
    }
}

fn part<T: Clone>(all: &[T], skip: usize, limit: u32) -> Vec<T> {
    all.iter().skip(skip).take(limit as usize).cloned().collect()
}

pub async fn a_caller_changes_and_deletes_nothing_that_it_may_not_see(store: Opened) {
    let accounts = Accounts::create(&store).await;
    let kept = given(&accounts.devices[0], 1, 1);
    store.append(&[kept]).await.unwrap();
    for visible in accounts.visibilities() {
        for user in accounts.users.iter().filter(|user| !visible.includes_user(user)) {
            let state = UserState { user: user.clone(), devices: accounts.devices_of(user) };
            let outdated = UserState { devices: Vec::new(), ..state.clone() };
            // The errors of an outdated state and of a taken name would show that the user exists.
            for (expected, name) in [(None, "other"), (Some(&state), "bob"), (Some(&outdated), "ann")] {
                let change = UserChange { username: Some(username(name)), email: None };
                refused!(
                    store.update_user(&Author::SERVICE, visible, user.id, expected, change),
                    UserMissing
                );
                refused!(store.delete_user(&Author::SERVICE, visible, user.id, expected), UserMissing);
            }
        }
        for device in accounts.devices.iter().filter(|device| !visible.includes_device(device)) {
            let outdated = Device { name: Some(device_name("old")), ..device.clone() };
            let unknown = Some(UserId(i64::MAX));
            for (expected, owner) in [(None, None), (Some(device), unknown), (Some(&outdated), unknown)] {
                let change = DeviceChange {
                    name: Some(Some(device_name("other"))),
                    user_id: Some(owner),
                    ..DeviceChange::default()
                };
                refused!(
                    store.update_device(&Author::SERVICE, visible, device.key, expected, change),
                    DeviceMissing
                );
                refused!(store.delete_device(&Author::SERVICE, visible, device.key, expected), DeviceMissing);
            }
            refused!(
                store.delete_readings(&Author::SERVICE, visible, device.key, Window::ALL, &[]),
                DeviceMissing
            );
        }
    }
    accounts.assert_unchanged(&store).await;
    let device = &accounts.devices[0];
    let readings = store.list_readings(device.key, Window::ALL, page(0, 10)).await.unwrap();
    assert_eq!(readings, [stored(device, 1, 1)]);
}

pub async fn a_caller_changes_and_deletes_what_it_may_see(store: Opened) {
    for n in 0..2 {
        let accounts = Accounts::create(&store).await;
        let (ann, hers) = (&accounts.users[0], accounts.devices_of(&accounts.users[0]));
        let visible = Visibility::User(ann.id);
        let change = || DeviceChange { name: Some(Some(device_name("new"))), ..DeviceChange::default() };
        let mut changed = hers.clone();
        for device in &mut changed {
            let expected = Some(&*device).filter(|_| n == 0);
            *device =
                store.update_device(&Author::SERVICE, visible, device.key, expected, change()).await.unwrap();
            assert_eq!(device.name, Some(device_name("new")));
        }
        let state = UserState { user: ann.clone(), devices: changed.clone() };
        let rename = UserChange { username: Some(username("anna")), email: None };
        let renamed = store
            .update_user(&Author::SERVICE, visible, ann.id, Some(&state).filter(|_| n == 0), rename)
            .await;
        let renamed = renamed.unwrap();
        let removed = changed.remove(0);
        store.append(&[given(&removed, 1, 1)]).await.unwrap();
        for (visible, readings) in [(visible, 1), (Visibility::Device(removed.key), 0)] {
            let deleted = store
                .delete_readings(&Author::SERVICE, visible, removed.key, Window::ALL, &[])
                .await
                .unwrap();
            assert_eq!(deleted, Deleted::Done(readings));
        }
        store
            .delete_device(&Author::SERVICE, visible, removed.key, Some(&removed).filter(|_| n == 0))
            .await
            .unwrap();
        let own = Visibility::Device(changed[0].key);
        let own = store.update_device(&Author::SERVICE, own, changed[0].key, None, change()).await.unwrap();
        let state = UserState { user: renamed, devices: vec![own] };
        store.delete_user(&Author::SERVICE, visible, ann.id, Some(&state).filter(|_| n == 0)).await.unwrap();
        assert_eq!(store.find_user(Visibility::All, ann.id).await.unwrap(), None);
        for rest in store.list_users(Visibility::All, page(0, 100)).await.unwrap() {
            store.delete_user(&Author::SERVICE, Visibility::All, rest.id, None).await.unwrap();
        }
        for rest in store.list_devices(Visibility::All, page(0, 100)).await.unwrap() {
            store.delete_device(&Author::SERVICE, Visibility::All, rest.key, None).await.unwrap();
        }
    }
}

/// A device can get another owner after its old owner has found it.
pub async fn a_device_of_another_owner_is_missing_for_the_old_one(store: Opened) {
    let (ann, bob) = (user(&store, "ann").await, user(&store, "bob").await);
    let moved = owned_device(&store, "d", &ann).await;
    let change = DeviceChange { user_id: Some(Some(bob.id)), ..DeviceChange::default() };
    let moved =
        store.update_device(&Author::SERVICE, Visibility::All, moved.key, None, change).await.unwrap();
    let visible = Visibility::User(ann.id);
    assert_eq!(store.find_devices(visible, &[device_id("d")]).await.unwrap(), [None]);
    for expected in [None, Some(&moved)] {
        let rename = DeviceChange { name: Some(None), ..DeviceChange::default() };
        refused!(store.update_device(&Author::SERVICE, visible, moved.key, expected, rename), DeviceMissing);
        refused!(store.delete_device(&Author::SERVICE, visible, moved.key, expected), DeviceMissing);
    }
    // An owner may give its device away, if the service lets it.
    let give = DeviceChange { user_id: Some(Some(ann.id)), ..DeviceChange::default() };
    store.update_device(&Author::SERVICE, Visibility::User(bob.id), moved.key, None, give).await.unwrap();
}

pub async fn a_taken_value_is_refused_although_it_may_not_be_seen(store: Opened) {
    let (ann, bob) = (user(&store, "ann").await, user(&store, "bob").await);
    let taken = UserChange { username: Some(bob.username), email: None };
    let visible = Visibility::User(ann.id);
    refused!(store.update_user(&Author::SERVICE, visible, ann.id, None, taken), UsernameTaken);
    let taken = UserChange { username: None, email: Some(bob.email) };
    let state = UserState { user: ann.clone(), devices: Vec::new() };
    refused!(store.update_user(&Author::SERVICE, visible, ann.id, Some(&state), taken), EmailTaken);
    let found = store.find_user(visible, ann.id).await;
    assert!(matches!(found, Ok::<_, StoreError>(Some(found)) if found == ann));
}
