//! Operations on devices, and the right to append readings to them.

use std::sync::Arc;

use device_stats_domain::{Device, DeviceChange, DeviceId, DeviceKey, ListPage, NewDevice};
use device_stats_store::StoreError;

use super::principal::{Action, Authorized, Principal};
use crate::error::ServiceError;
use crate::service::{Service, ServiceParts};

impl Service {
    /// Creates a device.
    ///
    /// # Errors
    /// [`StoreError::DeviceIdTaken`], [`ServiceError::OwnerMissing`].
    pub async fn create_device(
        &self,
        principal: Principal,
        device: NewDevice,
    ) -> Result<Device, ServiceError> {
        principal.check(Action::Manage)?;
        let created = self.complete(|parts| async move { parts.store.create_device(device).await });
        created.await.map_err(owner_missing)
    }

    /// Creates each of these devices that does not exist, without an owner.
    ///
    /// # Errors
    /// The errors of the store.
    pub(crate) async fn create_missing_devices(
        &self,
        principal: Principal,
        ids: Vec<DeviceId>,
    ) -> Result<(), ServiceError> {
        principal.check(Action::Manage)?;
        self.complete(|parts| async move { parts.store.create_missing_devices(&ids).await }).await
    }

    /// Finds a device.
    ///
    /// # Errors
    /// [`StoreError::DeviceMissing`], also if the principal may not perform the action on the device.
    pub async fn find_device(
        &self,
        principal: Principal,
        id: &DeviceId,
        action: Action,
    ) -> Result<Authorized<Device>, StoreError> {
        principal.check(action)?;
        let found = self.parts.store.find_devices(std::slice::from_ref(id)).await?;
        found.into_iter().next().flatten().map(Authorized::new).ok_or(StoreError::DeviceMissing)
    }

    /// Returns a page of the devices that the principal may see, by ascending key.
    ///
    /// # Errors
    /// The errors of the store.
    pub async fn list_devices(
        &self,
        principal: Principal,
        page: ListPage,
    ) -> Result<Vec<Device>, StoreError> {
        principal.check(Action::Read)?;
        self.parts.store.list_devices(page).await
    }

    /// Changes a device. With `expected`, does so only if the device still equals it.
    ///
    /// # Errors
    /// [`StoreError::Changed`], [`ServiceError::OwnerMissing`]; [`StoreError::DeviceMissing`] if the device
    /// was deleted meanwhile.
    pub async fn update_device(
        &self,
        device: &Authorized<Device>,
        expected: Option<&Device>,
        change: DeviceChange,
    ) -> Result<Device, ServiceError> {
        let (key, expected) = (device.key, expected.cloned());
        let updated = self.complete(move |parts| async move {
            parts.store.update_device(key, expected.as_ref(), change).await
        });
        updated.await.map_err(owner_missing)
    }

    /// Deletes a device with its readings: no request finds them any more. [`purging`](crate::purging) frees
    /// their space afterwards. With `expected`, deletes the device only if it still equals `expected`.
    ///
    /// # Errors
    /// [`StoreError::Changed`]; [`StoreError::DeviceMissing`] if the device was deleted meanwhile.
    pub async fn delete_device(
        &self,
        device: &Authorized<Device>,
        expected: Option<&Device>,
    ) -> Result<(), ServiceError> {
        let (key, expected) = (device.key, expected.cloned());
        let delete = move |parts: Arc<ServiceParts>| async move {
            let deleted = parts.store.delete_device(key, expected.as_ref()).await;
            // Also after an error, because the outcome may be unknown.
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
        principal: Principal,
        ids: &[DeviceId],
        restores: u64,
    ) -> Result<Vec<Option<DeviceKey>>, StoreError> {
        principal.check(Action::Ingest)?;
        self.parts.known_devices.find_keys(self.parts.store.as_ref(), ids, restores).await
    }
}

/// Reports the missing user of a device as its missing owner.
fn owner_missing(error: ServiceError) -> ServiceError {
    match error {
        ServiceError::Store(StoreError::UserMissing) => ServiceError::OwnerMissing,
        other => other,
    }
}
