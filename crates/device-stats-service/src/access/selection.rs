//! Devices that a request chooses, and lists of devices by cursor.

use std::collections::BTreeSet;

use device_stats_domain::{Device, DeviceFilter, DeviceId, DeviceKey};
use device_stats_store::StoreError;

use super::action::Read;
use super::principal::Granted;
use crate::error::ServiceError;
use crate::limits::CHOSEN_DEVICES_MAX;
use crate::service::Service;

/// The devices that a request chooses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeviceSelection {
    /// The devices with these ids.
    Listed(Vec<DeviceId>),
    /// The devices that meet these conditions.
    Matching(DeviceFilter),
}

/// A page of a list by cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CursorPage<T> {
    /// The entries, by ascending id or key.
    pub entries: Vec<T>,
    /// Whether there are entries after the last one.
    pub has_more: bool,
}

impl<T> CursorPage<T> {
    /// Makes a page of up to `limit` entries from a list that has one more entry if there is another page.
    pub(crate) fn from_longer(mut entries: Vec<T>, limit: u32) -> Self {
        let has_more = entries.len() > limit as usize;
        entries.truncate(limit as usize);
        Self { entries, has_more }
    }
}

impl Service {
    /// Returns a page of the devices that meet conditions and that the principal may see, by ascending key,
    /// beginning after the key `after`.
    ///
    /// # Errors
    /// [`StoreError::UserMissing`] if the owner in the conditions does not exist, or the principal may not
    /// see it.
    pub async fn list_devices_after(
        &self,
        granted: Granted<Read>,
        after: DeviceKey,
        filter: &DeviceFilter,
        limit: u32,
    ) -> Result<CursorPage<Device>, StoreError> {
        let devices = self
            .parts
            .store
            .list_devices_after(granted.visible(), after, filter, limit.saturating_add(1))
            .await?;
        if let (true, Some(owner)) = (devices.is_empty(), filter.user_id)
            && !granted.principal().is_device()
        {
            self.find_user(granted, owner).await?;
        }
        Ok(CursorPage::from_longer(devices, limit))
    }

    /// Returns all devices of a selection, by ascending key.
    ///
    /// # Errors
    /// [`ServiceError::DevicesMissing`] names the devices of a list that do not exist; it is empty if no
    /// device meets the conditions. [`StoreError::UserMissing`] if the owner in the conditions does not
    /// exist. [`ServiceError::TooManyDevices`].
    pub(crate) async fn select_devices(
        &self,
        granted: Granted<Read>,
        selection: &DeviceSelection,
    ) -> Result<Vec<Device>, ServiceError> {
        match selection {
            DeviceSelection::Listed(ids) => self.find_listed(granted, ids).await,
            DeviceSelection::Matching(filter) => {
                let all = self.list_devices_after(granted, DeviceKey(0), filter, CHOSEN_DEVICES_MAX).await?;
                match all {
                    CursorPage { has_more: true, .. } => Err(ServiceError::TooManyDevices),
                    CursorPage { entries, .. } if entries.is_empty() => {
                        Err(ServiceError::DevicesMissing(Vec::new()))
                    }
                    CursorPage { entries, .. } => Ok(entries),
                }
            }
        }
    }

    async fn find_listed(
        &self,
        granted: Granted<Read>,
        ids: &[DeviceId],
    ) -> Result<Vec<Device>, ServiceError> {
        let ids: Vec<DeviceId> = ids.iter().collect::<BTreeSet<_>>().into_iter().cloned().collect();
        let found = self.parts.store.find_devices(granted.visible(), &ids).await?;
        let missing = ids.iter().zip(&found).filter(|(_, device)| device.is_none());
        let missing: Vec<DeviceId> = missing.map(|(id, _)| id.clone()).collect();
        if !missing.is_empty() {
            return Err(ServiceError::DevicesMissing(missing));
        }
        let mut devices: Vec<Device> = found.into_iter().flatten().collect();
        devices.sort_unstable_by_key(|device| device.key);
        Ok(devices)
    }
}
