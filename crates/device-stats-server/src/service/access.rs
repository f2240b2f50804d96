//! The one door to users and devices: nothing is found, listed, changed or fed but through here, and the door is told
//! who asks and what for. Today everybody may do everything; whoever may not see a thing will be told it is missing.

use std::ops::Deref;

use device_stats_domain::{Device, DeviceId, Page, User, UserId};
use device_stats_store::StoreError;

use super::Service;

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
pub struct Authorized<T>(T);

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
        let found = self.devices(who, std::slice::from_ref(id), action).await?;
        found.into_iter().next().flatten().ok_or(StoreError::DeviceMissing)
    }

    /// The devices of those ids, in the order asked for; `None` for each that is missing.
    pub(super) async fn devices(
        &self,
        who: Principal,
        ids: &[DeviceId],
        action: Action,
    ) -> Result<Vec<Option<Authorized<Device>>>, StoreError> {
        who.check(action)?;
        let found = self.store.find_devices(ids).await?;
        Ok(found.into_iter().map(|device| device.map(Authorized)).collect())
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
    pub(super) fn may_create<T>(who: Principal, new: T) -> Result<Authorized<T>, StoreError> {
        who.check(Action::Manage)?;
        Ok(Authorized(new))
    }
}
