//! Operations on users.

use std::sync::Arc;

use device_stats_domain::{Device, ListPage, NewUser, User, UserChange, UserFilter, UserId};
use device_stats_store::{StoreError, UserState};

use super::principal::{Action, Authorized, Principal};
use super::selection::CursorPage;
use crate::error::ServiceError;
use crate::service::{Service, ServiceParts};

impl Service {
    /// Creates a user.
    ///
    /// # Errors
    /// [`StoreError::EmailTaken`], [`StoreError::UsernameTaken`].
    pub async fn create_user(&self, principal: Principal, user: NewUser) -> Result<User, ServiceError> {
        principal.check(Action::Manage)?;
        self.complete(|parts| async move { parts.store.create_user(user).await }).await
    }

    /// Finds a user.
    ///
    /// # Errors
    /// [`StoreError::UserMissing`], also if the principal may not perform the action on the user.
    pub async fn find_user(
        &self,
        principal: Principal,
        id: UserId,
        action: Action,
    ) -> Result<Authorized<User>, StoreError> {
        principal.check(action)?;
        self.parts.store.find_user(id).await?.map(Authorized::new).ok_or(StoreError::UserMissing)
    }

    /// Returns a page of the users that the principal may see, by ascending id.
    ///
    /// # Errors
    /// The errors of the store.
    pub async fn list_users(&self, principal: Principal, page: ListPage) -> Result<Vec<User>, StoreError> {
        principal.check(Action::Read)?;
        self.parts.store.list_users(page).await
    }

    /// Returns a page of the users that meet conditions and that the principal may see, by ascending id,
    /// beginning after the id `after`.
    ///
    /// # Errors
    /// The errors of the store.
    pub async fn list_users_after(
        &self,
        principal: Principal,
        after: UserId,
        filter: &UserFilter,
        limit: u32,
    ) -> Result<CursorPage<User>, StoreError> {
        principal.check(Action::Read)?;
        let users = self.parts.store.list_users_after(after, filter, limit.saturating_add(1)).await?;
        Ok(CursorPage::from_longer(users, limit))
    }

    /// Returns all devices of a user, by ascending key.
    ///
    /// # Errors
    /// The errors of the store.
    pub async fn list_user_devices(&self, user: &Authorized<User>) -> Result<Vec<Device>, StoreError> {
        self.parts.store.list_user_devices(user.id).await
    }

    /// Changes a user. With `expected`, does so only if the user and its devices still equal it.
    ///
    /// # Errors
    /// [`StoreError::Changed`], [`StoreError::EmailTaken`], [`StoreError::UsernameTaken`];
    /// [`StoreError::UserMissing`] if the user was deleted meanwhile.
    pub async fn update_user(
        &self,
        user: &Authorized<User>,
        expected: Option<&UserState>,
        change: UserChange,
    ) -> Result<User, ServiceError> {
        let (id, expected) = (user.id, expected.cloned());
        let update = move |parts: Arc<ServiceParts>| async move {
            parts.store.update_user(id, expected.as_ref(), change).await
        };
        self.complete(update).await
    }

    /// Deletes a user with all devices and their readings. With `expected`, does so only if the user and its
    /// devices still equal it.
    ///
    /// # Errors
    /// [`StoreError::Changed`]; [`StoreError::UserMissing`] if the user was deleted meanwhile.
    pub async fn delete_user(
        &self,
        user: &Authorized<User>,
        expected: Option<&UserState>,
    ) -> Result<(), ServiceError> {
        let (id, expected) = (user.id, expected.cloned());
        let delete = move |parts: Arc<ServiceParts>| async move {
            let deleted = parts.store.delete_user(id, expected.as_ref()).await;
            // Also after an error, because the outcome may be unknown.
            parts.has_deleted.notify_one();
            deleted
        };
        self.complete(delete).await
    }
}
