//! Operations on devices, and the right to append readings to them.

use std::sync::Arc;

use device_stats_domain::{Device, DeviceChange, DeviceId, DeviceKey, ListPage, NewDevice};
use device_stats_store::StoreError;

use super::action::{Action, Administer, Ingest, Manage, Read};
use super::principal::{Authorized, Granted};
use crate::error::ServiceError;
use crate::service::{Service, ServiceParts};

/// The key of a device to which a principal may append readings. Only [`Service::keys_to_ingest`] creates it,
/// so an append without this lookup does not compile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct IngestKey(DeviceKey);

impl IngestKey {
    /// Returns the key without the right.
    pub(crate) fn device(self) -> DeviceKey {
        self.0
    }

    /// Creates a key without a lookup.
    #[cfg(test)]
    pub(crate) fn without_lookup(key: DeviceKey) -> Self {
        Self(key)
    }
}

impl Service {
    /// Creates a device. A device that a user creates belongs to this user.
    ///
    /// # Errors
    /// [`StoreError::DeviceIdTaken`], also if the principal may not see the device with this id;
    /// [`ServiceError::OwnerMissing`], also if the principal may not see the owner;
    /// [`StoreError::TooManyOwnedDevices`] if the principal is a user with the maximum number of devices.
    pub async fn create_device(
        &self,
        granted: Granted<Manage>,
        device: NewDevice,
    ) -> Result<Device, ServiceError> {
        let owner = device.user_id.or_else(|| granted.principal().default_owner());
        let device = NewDevice { user_id: granted.visible().hide_owner(owner), ..device };
        let (author, owned_max) = (granted.author(), self.owned_devices_max(granted));
        let create = move |parts: Arc<ServiceParts>| async move {
            parts.store.create_device(&author, device, owned_max).await
        };
        self.complete(create).await.map_err(owner_missing)
    }

    /// Creates each of these devices that does not exist. They belong to the user that creates them, or have
    /// no owner.
    ///
    /// # Errors
    /// [`ServiceError::OwnerMissing`] if the user was deleted meanwhile;
    /// [`StoreError::TooManyOwnedDevices`]; the errors of the store.
    pub(crate) async fn create_missing_devices(
        &self,
        granted: Granted<Manage>,
        ids: Vec<DeviceId>,
    ) -> Result<(), ServiceError> {
        let owner = granted.principal().default_owner();
        let (author, owned_max) = (granted.author(), self.owned_devices_max(granted));
        let create = move |parts: Arc<ServiceParts>| async move {
            parts.store.create_missing_devices(&author, owner, &ids, owned_max).await
        };
        self.complete(create).await.map_err(owner_missing)
    }

    /// Returns the number of devices up to which a principal creates devices for their owner; `None` for no
    /// limit. Administrators have none, so neither has a service that is open for everybody.
    fn owned_devices_max(&self, granted: Granted<Manage>) -> Option<u32> {
        self.parts.devices_per_user_max.filter(|_| !granted.sees_all())
    }

    /// Finds a device.
    ///
    /// # Errors
    /// [`StoreError::DeviceMissing`], also if the principal may not see the device.
    pub async fn find_device<A: Action>(
        &self,
        granted: Granted<A>,
        id: &DeviceId,
    ) -> Result<Authorized<Device, A>, StoreError> {
        let found = self.parts.store.find_devices(granted.visible(), std::slice::from_ref(id)).await?;
        let found = found.into_iter().next().flatten().ok_or(StoreError::DeviceMissing)?;
        Ok(granted.authorize(found))
    }

    /// Returns a page of the devices that the principal may see, by ascending key.
    ///
    /// # Errors
    /// The errors of the store.
    pub async fn list_devices(
        &self,
        granted: Granted<Read>,
        page: ListPage,
    ) -> Result<Vec<Device>, StoreError> {
        self.parts.store.list_devices(granted.visible(), page).await
    }

    /// Changes a device. With `expected`, does so only if the device still equals it.
    ///
    /// # Errors
    /// [`ServiceError::Forbidden`] if the owner changes and the principal is not an administrator;
    /// [`StoreError::Changed`], [`ServiceError::OwnerMissing`]; [`StoreError::DeviceMissing`] if the device
    /// was deleted meanwhile, or got another owner, so that the principal does not see it.
    pub async fn update_device(
        &self,
        device: &Authorized<Device, Manage>,
        expected: Option<&Device>,
        mut change: DeviceChange,
    ) -> Result<Device, ServiceError> {
        if let Some(owner) = change.user_id
            && let Err(forbidden) = device.granted().principal().grant::<Administer>()
        {
            if owner != device.user_id {
                return Err(forbidden.into());
            }
            // The owner stays as it is. If it changes meanwhile, the store does not find the device.
            change.user_id = None;
        }
        let (author, visible) = (device.granted().author(), device.granted().visible());
        let expected = expected.cloned();
        let (key, device_id) = (device.key, device.device_id.clone());
        let update = move |parts: Arc<ServiceParts>| async move {
            let updated = parts.store.update_device(&author, visible, key, expected.as_ref(), change).await;
            // Also after an error, because the outcome may be unknown.
            parts.known_devices.forget([&device_id]);
            updated
        };
        self.complete(update).await.map_err(owner_missing)
    }

    /// Deletes a device with its readings: no request finds them any more. [`purging`](crate::purging) frees
    /// their space afterwards. With `expected`, deletes the device only if it still equals `expected`.
    ///
    /// # Errors
    /// [`StoreError::Changed`]; [`StoreError::DeviceMissing`] if the device was deleted meanwhile, or got
    /// another owner, so that the principal does not see it.
    pub async fn delete_device(
        &self,
        device: &Authorized<Device, Manage>,
        expected: Option<&Device>,
    ) -> Result<(), ServiceError> {
        let (author, visible) = (device.granted().author(), device.granted().visible());
        let expected = expected.cloned();
        let (key, device_id) = (device.key, device.device_id.clone());
        let delete = move |parts: Arc<ServiceParts>| async move {
            let deleted = parts.store.delete_device(&author, visible, key, expected.as_ref()).await;
            // Also after an error, because the outcome may be unknown.
            parts.known_devices.forget([&device_id]);
            parts.has_deleted.notify_one();
            deleted
        };
        self.complete(delete).await
    }

    /// Returns the keys of the devices to which the principal may append readings, in the order of `ids`;
    /// `None` for each missing device. A device may have been deleted since its key was cached. `restores` is
    /// [`ReadingStore::restores`](device_stats_store::ReadingStore::restores), read before this call.
    pub(crate) async fn keys_to_ingest(
        &self,
        granted: Granted<Ingest>,
        ids: &[DeviceId],
        restores: u64,
    ) -> Result<Vec<Option<IngestKey>>, StoreError> {
        let store = self.parts.store.as_ref();
        let keys = self.parts.known_devices.find_keys(store, granted.visible(), ids, restores).await?;
        Ok(keys.into_iter().map(|key| key.map(IngestKey)).collect())
    }
}

/// Reports the missing user of a device as its missing owner.
fn owner_missing(error: ServiceError) -> ServiceError {
    match error {
        ServiceError::Store(StoreError::UserMissing) => ServiceError::OwnerMissing,
        other => other,
    }
}
