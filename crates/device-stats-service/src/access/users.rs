//! Registering, changing and deleting users.

use device_stats_domain::{Device, NewUser, User, UserChange};
use device_stats_store::StoreError;

use crate::{Authorized, Principal, Service};

impl Service {
    /// Registers a user.
    ///
    /// # Errors
    /// [`StoreError::EmailTaken`], [`StoreError::UsernameTaken`].
    pub async fn create_user(&self, who: Principal, user: NewUser) -> Result<User, StoreError> {
        self.store.create_user(Self::may_create(who, user)?.into_inner()).await
    }

    /// All devices of a user, by ascending key.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn devices_of(&self, user: &Authorized<User>) -> Result<Vec<Device>, StoreError> {
        self.store.list_user_devices(user.id).await
    }

    /// Changes a user.
    ///
    /// # Errors
    /// [`StoreError::EmailTaken`], [`StoreError::UsernameTaken`]; [`StoreError::UserMissing`] after a race.
    pub async fn update_user(&self, user: &Authorized<User>, change: UserChange) -> Result<User, StoreError> {
        self.store.update_user(user.id, change).await
    }

    /// Deletes a user with all devices and their readings.
    ///
    /// # Errors
    /// [`StoreError::UserMissing`] after a race.
    pub async fn delete_user(&self, user: &Authorized<User>) -> Result<(), StoreError> {
        self.store.delete_user(user.id).await
    }
}
