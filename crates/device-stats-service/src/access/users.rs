//! Operations on users.

use std::sync::Arc;

use device_stats_domain::{Device, ListPage, NewUser, User, UserChange, UserFilter, UserId, Username};
use device_stats_store::{StoreError, UserState};

use super::action::{Action, Administer, Manage};
use super::principal::{Authorized, Granted};
use super::selection::CursorPage;
use crate::error::ServiceError;
use crate::service::{Service, ServiceParts};

impl Service {
    /// Creates a user.
    ///
    /// # Errors
    /// [`StoreError::EmailTaken`], [`StoreError::UsernameTaken`].
    pub async fn create_user(
        &self,
        granted: Granted<Administer>,
        user: NewUser,
    ) -> Result<User, ServiceError> {
        let author = granted.author();
        self.complete(move |parts| async move { parts.store.create_user(&author, user).await }).await
    }

    /// Finds a user.
    ///
    /// # Errors
    /// [`StoreError::UserMissing`], also if the principal may not see the user.
    pub async fn find_user<A: Action>(
        &self,
        granted: Granted<A>,
        id: UserId,
    ) -> Result<Authorized<User, A>, StoreError> {
        let found = self.parts.store.find_user(granted.visible(), id).await?;
        Ok(granted.authorize(found.ok_or(StoreError::UserMissing)?))
    }

    /// Returns the id of the user with a name; `None` if there is none.
    ///
    /// # Errors
    /// The errors of the store.
    pub async fn find_user_by_name(
        &self,
        granted: Granted<Administer>,
        username: Username,
    ) -> Result<Option<UserId>, StoreError> {
        let filter = UserFilter { username: Some(username), text: None };
        let found = self.parts.store.list_users_after(granted.visible(), UserId(0), &filter, 1).await?;
        Ok(found.first().map(|user| user.id))
    }

    /// Returns a page of the users, by ascending id.
    ///
    /// # Errors
    /// The errors of the store.
    pub async fn list_users(
        &self,
        granted: Granted<Administer>,
        page: ListPage,
    ) -> Result<Vec<User>, StoreError> {
        self.parts.store.list_users(granted.visible(), page).await
    }

    /// Returns a page of the users that meet conditions, by ascending id, beginning after the id `after`.
    ///
    /// # Errors
    /// The errors of the store.
    pub async fn list_users_after(
        &self,
        granted: Granted<Administer>,
        after: UserId,
        filter: &UserFilter,
        limit: u32,
    ) -> Result<CursorPage<User>, StoreError> {
        let (store, limit_and_one) = (&self.parts.store, limit.saturating_add(1));
        let users = store.list_users_after(granted.visible(), after, filter, limit_and_one).await?;
        Ok(CursorPage::from_longer(users, limit))
    }

    /// Returns all devices of a user, by ascending key.
    ///
    /// # Errors
    /// The errors of the store.
    pub async fn list_user_devices<A: Action>(
        &self,
        user: &Authorized<User, A>,
    ) -> Result<Vec<Device>, StoreError> {
        self.parts.store.list_user_devices(user.id).await
    }

    /// Changes a user. With `expected`, does so only if the user and its devices still equal it.
    ///
    /// # Errors
    /// [`StoreError::Changed`], [`StoreError::EmailTaken`], [`StoreError::UsernameTaken`];
    /// [`StoreError::UserMissing`] if the user was deleted meanwhile.
    pub async fn update_user(
        &self,
        user: &Authorized<User, Manage>,
        expected: Option<&UserState>,
        change: UserChange,
    ) -> Result<User, ServiceError> {
        let (author, visible) = (user.granted().author(), user.granted().visible());
        let (id, expected) = (user.id, expected.cloned());
        let update = move |parts: Arc<ServiceParts>| async move {
            parts.store.update_user(&author, visible, id, expected.as_ref(), change).await
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
        user: &Authorized<User, Administer>,
        expected: Option<&UserState>,
    ) -> Result<(), ServiceError> {
        let (author, visible) = (user.granted().author(), user.granted().visible());
        let (id, expected) = (user.id, expected.cloned());
        let delete = move |parts: Arc<ServiceParts>| async move {
            let deleted = parts.store.delete_user(&author, visible, id, expected.as_ref()).await;
            // Also after an error, because the outcome may be unknown.
            parts.has_deleted.notify_one();
            deleted
        };
        self.complete(delete).await
    }
}
