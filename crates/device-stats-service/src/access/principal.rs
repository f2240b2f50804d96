//! The one door to users and devices: nothing is found, listed, changed or fed but through here, and the door is told
//! who asks and what for. Today everybody may do everything; whoever may not see a thing will be told it is missing.

use std::ops::Deref;

use device_stats_domain::limits::KNOWN_DEVICES_MAX;
use device_stats_domain::{Device, DeviceId, DeviceKey, Page, User, UserId};
use device_stats_store::StoreError;
use quick_cache::sync::Cache;

use crate::Service;

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Principal {
    /// Anyone who reaches the service.
    Anyone,
}

/// What something is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// To see it, its readings, or what is computed from them.
    Read,
    /// To create, change or delete it.
    Manage,
    /// To append readings.
    Ingest,
}

/// A user or a device that the principal may do with what was asked. Only the door makes one.
#[derive(Clone, Debug)]
pub struct Authorized<T>(pub(super) T);

impl<T> Authorized<T> {
    /// The user or device alone.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Deref for Authorized<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// The keys of devices for which readings came. A key is never given twice, so what is remembered of a device that has
/// been deleted meanwhile, here or by another node, leads to no other one: the store finds it missing.
pub(crate) struct KnownDevices(Cache<DeviceId, DeviceKey>);

impl Default for KnownDevices {
    fn default() -> Self {
        Self(Cache::new(KNOWN_DEVICES_MAX))
    }
}

impl KnownDevices {
    /// Has the store asked again for these.
    pub(crate) fn forget<'i>(&self, ids: impl IntoIterator<Item = &'i DeviceId>) {
        for id in ids {
            self.0.remove(id);
        }
    }
}

impl Principal {
    /// Whether the principal may do that to things that do not exist yet, or to all there are.
    #[expect(clippy::unnecessary_wraps, reason = "whoever may do less than everything will be refused here")]
    fn check(self, action: Action) -> Result<(), StoreError> {
        match (self, action) {
            (Self::Anyone, Action::Read | Action::Manage | Action::Ingest) => Ok(()),
        }
    }
}

impl Service {
    /// The user of that id.
    ///
    /// # Errors
    /// [`StoreError::UserMissing`], also for a user the principal may not do that with.
    pub async fn user(
        &self,
        who: Principal,
        id: UserId,
        action: Action,
    ) -> Result<Authorized<User>, StoreError> {
        who.check(action)?;
        self.store.find_user(id).await?.map(Authorized).ok_or(StoreError::UserMissing)
    }

    /// The device of that id.
    ///
    /// # Errors
    /// [`StoreError::DeviceMissing`], also for a device the principal may not do that with.
    pub async fn device(
        &self,
        who: Principal,
        id: &DeviceId,
        action: Action,
    ) -> Result<Authorized<Device>, StoreError> {
        who.check(action)?;
        let found = self.store.find_devices(std::slice::from_ref(id)).await?;
        found.into_iter().next().flatten().map(Authorized).ok_or(StoreError::DeviceMissing)
    }

    /// The keys of the devices of those ids for which the principal may append readings, in the order asked for; `None`
    /// for each that is missing. One that is known here may be gone.
    pub(crate) async fn keys_to_ingest(
        &self,
        who: Principal,
        ids: &[DeviceId],
    ) -> Result<Vec<Option<DeviceKey>>, StoreError> {
        who.check(Action::Ingest)?;
        let KnownDevices(known) = &*self.known_devices;
        let mut keys: Vec<Option<DeviceKey>> = ids.iter().map(|id| known.get(id)).collect();
        let unknown = ids.iter().zip(&keys).filter(|(_, key)| key.is_none());
        let unknown: Vec<DeviceId> = unknown.map(|(id, _)| id.clone()).collect();
        if unknown.is_empty() {
            return Ok(keys);
        }
        let found = self.store.find_devices(&unknown).await?;
        for (key, found) in keys.iter_mut().filter(|key| key.is_none()).zip(found) {
            *key = found.map(|device| {
                known.insert(device.device_id, device.key);
                device.key
            });
        }
        Ok(keys)
    }

    /// A page of the users the principal may see, by ascending id.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn list_users(&self, who: Principal, page: Page) -> Result<Vec<User>, StoreError> {
        who.check(Action::Read)?;
        self.store.list_users(page).await
    }

    /// A page of the devices the principal may see, by ascending key.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn list_devices(&self, who: Principal, page: Page) -> Result<Vec<Device>, StoreError> {
        who.check(Action::Read)?;
        self.store.list_devices(page).await
    }

    /// The right to register a user or a device.
    pub(crate) fn may_create<T>(who: Principal, new: T) -> Result<Authorized<T>, StoreError> {
        who.check(Action::Manage)?;
        Ok(Authorized(new))
    }
}
