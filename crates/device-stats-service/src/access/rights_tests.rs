//! Tests of the rights of users and devices, over the model.

use std::sync::Arc;

use device_stats_domain::{
    Author, Axes, Device, DeviceChange, DeviceFilter, DeviceId, DeviceKey, Email, Finite, IdempotencyKey,
    Identity, ListPage, Measurement, NewDevice, NewUser, Scope, Scopes, User, UserId, Username,
};
use device_stats_store::{Model, StoreError, Visibility};

use super::*;
use crate::error::ServiceError;
use crate::ingest::MissingDevices;
use crate::service::Service;
use crate::testing::{granted, service_over};

/// Two users with a device each, and a device without an owner.
struct Fleet {
    service: Service,
    ann: User,
    bob: User,
    anns: Device,
    bobs: Device,
    free: Device,
}

impl Fleet {
    async fn create() -> Self {
        let service = service_over(Arc::new(Model::default()));
        let user = async |name: &str| {
            let email = Email::parse(&format!("{name}@example.com")).unwrap();
            let user = NewUser { username: Username::new(name).unwrap(), email };
            service.create_user(granted(), user).await.unwrap()
        };
        let (ann, bob) = (user("ann").await, user("bob").await);
        let device = async |id: &str, owner| service.create_device(granted(), new(id, owner)).await.unwrap();
        let anns = device("a", Some(ann.id)).await;
        let bobs = device("b", Some(bob.id)).await;
        let free = device("f", None).await;
        Self { service, ann, bob, anns, bobs, free }
    }

    fn user(&self) -> Principal {
        Principal::new(Identity::User(self.ann.id), Scopes::ALL)
    }

    fn device(&self) -> Principal {
        Principal::new(Identity::Device(self.anns.key), Scopes::ALL)
    }
}

fn new(id: &str, owner: Option<UserId>) -> NewDevice {
    NewDevice { user_id: owner, ..NewDevice::new(DeviceId::new(id).unwrap()) }
}

pub(super) fn measurement() -> Measurement {
    let zero = Finite::new(0.0).unwrap();
    Measurement { time: None, values: Axes { x: zero, y: zero, z: zero } }
}

#[tokio::test]
async fn a_principal_finds_and_lists_only_what_it_sees() {
    let fleet = Fleet::create().await;
    let service = &fleet.service;
    for (principal, users, devices) in [
        (Principal::ANYONE, vec![&fleet.ann, &fleet.bob], vec![&fleet.anns, &fleet.bobs, &fleet.free]),
        (fleet.user(), vec![&fleet.ann], vec![&fleet.anns]),
        (fleet.device(), vec![], vec![&fleet.anns]),
    ] {
        let read = principal.grant::<Read>().unwrap();
        for user in [&fleet.ann, &fleet.bob] {
            assert_eq!(service.find_user(read, user.id).await.is_ok(), users.contains(&user));
        }
        for device in [&fleet.anns, &fleet.bobs, &fleet.free] {
            let found = service.find_device(read, &device.device_id).await;
            assert_eq!(found.is_ok(), devices.contains(&device), "{principal:?}");
        }
        let listed = service.list_devices(read, ListPage::FIRST).await.unwrap();
        assert_eq!(listed.iter().collect::<Vec<_>>(), devices, "{principal:?}");
        let listed = service.list_devices_after(read, DeviceKey(0), &DeviceFilter::default(), 10).await;
        assert_eq!(listed.unwrap().entries.iter().collect::<Vec<_>>(), devices, "{principal:?}");
    }
    // A filter by another user fails as for a missing user.
    let read = fleet.user().grant().unwrap();
    for owner in [fleet.bob.id, UserId(99)] {
        let filter = DeviceFilter { user_id: Some(owner), ..DeviceFilter::default() };
        let listed = service.list_devices_after(read, DeviceKey(0), &filter, 10).await;
        assert!(matches!(listed, Err(StoreError::UserMissing)), "{listed:?}");
    }
    // So do chosen devices.
    let ids = |ids: &[&str]| ids.iter().map(|id| DeviceId::new(*id).unwrap()).collect::<Vec<_>>();
    let chosen = service.select_devices(read, &DeviceSelection::Listed(ids(&["a", "b", "x"]))).await;
    let missing = match chosen {
        Err(ServiceError::DevicesMissing(missing)) => missing,
        other => panic!("{other:?}"),
    };
    assert_eq!(missing, ids(&["b", "x"]));
}

#[tokio::test]
async fn a_user_creates_devices_only_for_itself() {
    let fleet = Fleet::create().await;
    let manage = fleet.user().grant().unwrap();
    for (id, owner) in [("new-1", None), ("new-2", Some(fleet.ann.id))] {
        let created = fleet.service.create_device(manage, new(id, owner)).await.unwrap();
        assert_eq!(created.user_id, Some(fleet.ann.id));
    }
    for owner in [fleet.bob.id, UserId(99)] {
        let refused = fleet.service.create_device(manage, new("new-3", Some(owner))).await;
        assert!(matches!(refused, Err(ServiceError::OwnerMissing)), "{refused:?}");
        // The order of the checks is the same for both.
        let refused = fleet.service.create_device(manage, new("b", Some(owner))).await;
        assert!(matches!(refused, Err(ServiceError::Store(StoreError::DeviceIdTaken))), "{refused:?}");
    }
}

#[tokio::test]
async fn only_an_administrator_changes_an_owner() {
    let fleet = Fleet::create().await;
    let service = &fleet.service;
    let device = service.find_device(fleet.user().grant().unwrap(), &fleet.anns.device_id).await.unwrap();
    for owner in [None, Some(fleet.bob.id), Some(UserId(99))] {
        let change = DeviceChange { user_id: Some(owner), ..DeviceChange::default() };
        let refused = service.update_device(&device, None, change).await;
        let forbidden = matches!(refused, Err(ServiceError::Forbidden(Forbidden::NotAdministrator)));
        assert!(forbidden, "{refused:?}");
    }
    let same = DeviceChange { user_id: Some(Some(fleet.ann.id)), ..DeviceChange::default() };
    service.update_device(&device, None, same).await.unwrap();
    let administrator = |scopes: &[Scope]| {
        Principal::new(Identity::Administrator, scopes.iter().copied().collect()).grant().unwrap()
    };
    let move_to_bob = || DeviceChange { user_id: Some(Some(fleet.bob.id)), ..DeviceChange::default() };
    let found = service.find_device(administrator(&[Scope::Manage]), &fleet.anns.device_id).await.unwrap();
    let refused = service.update_device(&found, None, move_to_bob()).await;
    assert!(matches!(refused, Err(ServiceError::Forbidden(Forbidden::Scope(Scope::Admin)))), "{refused:?}");
    let both = administrator(&[Scope::Manage, Scope::Admin]);
    let found = service.find_device(both, &fleet.anns.device_id).await.unwrap();
    service.update_device(&found, None, move_to_bob()).await.unwrap();
    // The old owner found the device before, and may not change it any more.
    let rename = DeviceChange { name: Some(None), ..DeviceChange::default() };
    let refused = service.update_device(&device, None, rename).await;
    assert!(matches!(refused, Err(ServiceError::Store(StoreError::DeviceMissing))), "{refused:?}");
    let refused = service.delete_device(&device, None).await;
    assert!(matches!(refused, Err(ServiceError::Store(StoreError::DeviceMissing))), "{refused:?}");
}

#[tokio::test]
async fn a_principal_appends_only_to_what_it_sees() {
    let fleet = Fleet::create().await;
    let service = &fleet.service;
    for principal in [fleet.user(), fleet.device()] {
        let ingest = principal.grant().unwrap();
        // The cache of devices must not change the answers.
        for device in [&fleet.anns, &fleet.bobs, &fleet.free] {
            service.append_reading(granted(), &device.device_id, measurement(), None).await.unwrap();
            let appended = service.append_reading(ingest, &device.device_id, measurement(), None).await;
            assert_eq!(appended.is_ok(), *device == fleet.anns, "{principal:?} {appended:?}");
        }
        let rows = |ids: &[&str]| {
            ids.iter().map(|id| (DeviceId::new(*id).unwrap(), measurement())).collect::<Vec<_>>()
        };
        for id in ["b", "x"] {
            let mut permit = service.body_permit();
            let batch = rows(&["a", id]);
            let refused =
                service.append_mixed_batch(ingest, batch, MissingDevices::Refuse, None, &mut permit).await;
            let unknown = vec![(1, DeviceId::new(id).unwrap())];
            let is_unknown = matches!(&refused, Err(ServiceError::UnknownDevices(rows)) if *rows == unknown);
            assert!(is_unknown, "{refused:?}");
            let batch = rows(&["a", id]);
            let (stored, skipped) = service
                .append_mixed_batch(ingest, batch, MissingDevices::Skip, None, &mut permit)
                .await
                .unwrap();
            assert_eq!((stored.accepted, skipped), (1, unknown));
        }
    }
}

#[tokio::test]
async fn the_device_of_a_batch_is_checked_before_its_readings_arrive() {
    let fleet = Fleet::create().await;
    let service = &fleet.service;
    let check = async |principal: Principal, id: &DeviceId, missing: MissingDevices| {
        service.check_batch_device(principal.grant().unwrap(), id, missing).await
    };
    for id in [&fleet.bobs.device_id, &DeviceId::new("x").unwrap()] {
        for principal in [fleet.user(), fleet.device()] {
            for missing in [MissingDevices::Refuse, MissingDevices::Skip] {
                let refused = check(principal, id, missing).await;
                let is_missing = matches!(refused, Err(ServiceError::Store(StoreError::DeviceMissing)));
                assert!(is_missing, "{principal:?} {refused:?}");
            }
        }
        check(fleet.user(), id, MissingDevices::Register).await.unwrap();
        let refused = check(fleet.device(), id, MissingDevices::Register).await;
        assert!(matches!(refused, Err(ServiceError::Forbidden(Forbidden::Device))), "{refused:?}");
    }
    // The device is found in the cache, so the check costs no call of the store.
    let id = &fleet.anns.device_id;
    check(Principal::ANYONE, id, MissingDevices::Refuse).await.unwrap();
    let store = &service.parts.store;
    store.delete_device(&Author::SERVICE, Visibility::All, fleet.anns.key, None).await.unwrap();
    for principal in [Principal::ANYONE, fleet.user(), fleet.device()] {
        check(principal, id, MissingDevices::Refuse).await.unwrap();
    }
    // The append finds out that another node has deleted it.
    let (ingest, mut permit) = (fleet.user().grant().unwrap(), service.body_permit());
    let rows = vec![measurement()];
    let refused = service.append_batch(ingest, id, rows, MissingDevices::Refuse, None, &mut permit).await;
    assert!(matches!(refused, Err(ServiceError::Store(StoreError::DeviceMissing))), "{refused:?}");
}

/// A registration that could not create a device of another user would be tried for ever.
#[tokio::test]
async fn a_user_registers_missing_devices_for_itself() {
    let fleet = Fleet::create().await;
    let service = &fleet.service;
    let (ingest, register) = (fleet.user().grant().unwrap(), MissingDevices::Register);
    let mut permit = service.body_permit();
    let id = |id: &str| DeviceId::new(id).unwrap();
    let rows = |ids: &[&str]| ids.iter().map(|name| (id(name), measurement())).collect::<Vec<_>>();
    let one = vec![measurement()];
    service.append_batch(ingest, &id("new-1"), one.clone(), register, None, &mut permit).await.unwrap();
    service.append_mixed_batch(ingest, rows(&["new-2", "a"]), register, None, &mut permit).await.unwrap();
    let created = service.list_devices(fleet.user().grant().unwrap(), ListPage::FIRST).await.unwrap();
    let created: Vec<_> = created.iter().map(|device| (device.device_id.as_str(), device.user_id)).collect();
    assert_eq!(created, ["a", "new-1", "new-2"].map(|name| (name, Some(fleet.ann.id))));
    let refused = service.append_batch(ingest, &id("b"), one.clone(), register, None, &mut permit).await;
    assert!(matches!(refused, Err(ServiceError::Store(StoreError::DeviceMissing))), "{refused:?}");
    let refused = service.append_mixed_batch(ingest, rows(&["b", "a"]), register, None, &mut permit).await;
    assert!(matches!(refused, Err(ServiceError::UnknownDevices(_))), "{refused:?}");
    let device = fleet.device().grant().unwrap();
    let refused = service.append_batch(device, &id("new-3"), one, register, None, &mut permit).await;
    assert!(matches!(refused, Err(ServiceError::Forbidden(Forbidden::Device))), "{refused:?}");
}

/// A key of one client made the request of another client a repeat, or revealed that the key was used.
#[tokio::test]
async fn an_idempotency_key_belongs_to_its_principal() {
    let fleet = Fleet::create().await;
    let key = IdempotencyKey::new("k").unwrap();
    let mut ids = Vec::new();
    for principal in [fleet.user(), fleet.device(), Principal::ANYONE] {
        let ingest = principal.grant().unwrap();
        let append = async || {
            fleet.service.append_reading(ingest, &fleet.anns.device_id, measurement(), Some(&key)).await
        };
        let stored = append().await.unwrap();
        assert_eq!(append().await.unwrap(), stored);
        ids.push(stored.id);
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 3);
}
