//! Registering, changing and deleting devices.

use device_stats_domain::{Device, DeviceChange, NewDevice};
use device_stats_store::StoreError;

use crate::{Authorized, Principal, Service, ServiceError};

impl Service {
    /// Registers a device.
    ///
    /// # Errors
    /// [`StoreError::DeviceIdTaken`], [`ServiceError::OwnerMissing`].
    pub async fn create_device(&self, who: Principal, device: NewDevice) -> Result<Device, ServiceError> {
        self.store.create_device(Self::may_create(who, device)?.into_inner()).await.map_err(of_owner)
    }

    /// Changes a device.
    ///
    /// # Errors
    /// [`ServiceError::OwnerMissing`]; [`StoreError::DeviceMissing`] after a race.
    pub async fn update_device(
        &self,
        device: &Authorized<Device>,
        change: DeviceChange,
    ) -> Result<Device, ServiceError> {
        self.store.update_device(device.key, change).await.map_err(of_owner)
    }

    /// Deletes a device with its readings.
    ///
    /// # Errors
    /// [`StoreError::DeviceMissing`] after a race.
    pub async fn delete_device(&self, device: &Authorized<Device>) -> Result<(), StoreError> {
        self.store.delete_device(device.key).await
    }
}

/// Where a device is written, the user who may be missing is its owner.
fn of_owner(error: StoreError) -> ServiceError {
    match error {
        StoreError::UserMissing => ServiceError::OwnerMissing,
        other => other.into(),
    }
}
