//! Users and devices of a store.

mod visibility;

use async_trait::async_trait;
use device_stats_domain::{
    Author, Device, DeviceChange, DeviceFilter, DeviceId, DeviceKey, ListPage, NewDevice, NewUser, User,
    UserChange, UserFilter, UserId,
};

use crate::StoreError;

pub use visibility::{Visibility, VisibleRows};

/// A user and its devices, as a caller has read them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserState {
    /// The user.
    pub user: User,
    /// All devices of the user, by ascending key.
    pub devices: Vec<Device>,
}

/// Keeps users and devices. See [`Store`](crate::Store) for the promises and errors common to all methods.
///
/// A method with the parameter `author` writes an entry about each change to the audit log, in the same
/// transaction. The events of [`AuditEvent`](device_stats_domain::AuditEvent) say what an entry contains.
///
/// A method with the parameter `visible` treats all other users and devices as missing. Uniqueness is not
/// limited to the visible ones: a username, an email address or a device id is unique in the store.
#[async_trait]
pub trait AccountStore: Send + Sync + 'static {
    /// Creates a user with a new id, 1 and up. Ids are never reused; consecutive calls of one caller get
    /// ascending ids.
    ///
    /// # Errors
    /// [`StoreError::EmailTaken`], then [`StoreError::UsernameTaken`].
    async fn create_user(&self, author: &Author, user: NewUser) -> Result<User, StoreError>;

    /// Returns the user with this id.
    ///
    /// # Errors
    /// Only the common errors.
    async fn find_user(&self, visible: Visibility, id: UserId) -> Result<Option<User>, StoreError>;

    /// Returns a page of all users, by ascending id.
    ///
    /// # Errors
    /// Only the common errors.
    async fn list_users(&self, visible: Visibility, page: ListPage) -> Result<Vec<User>, StoreError>;

    /// Returns the first `limit` users after the id `after` that meet the conditions, by ascending id. A
    /// search for a text reads the users one by one until enough are found.
    ///
    /// # Errors
    /// Only the common errors.
    async fn list_users_after(
        &self,
        visible: Visibility,
        after: UserId,
        filter: &UserFilter,
        limit: u32,
    ) -> Result<Vec<User>, StoreError>;

    /// Changes the fields that `change` names, and returns the changed user. With `expected`, does so only if
    /// the user and its devices still equal it.
    ///
    /// # Errors
    /// [`StoreError::UserMissing`], then [`StoreError::Changed`], then [`StoreError::EmailTaken`], then
    /// [`StoreError::UsernameTaken`] if another user has the email address or username.
    async fn update_user(
        &self,
        author: &Author,
        visible: Visibility,
        id: UserId,
        expected: Option<&UserState>,
        change: UserChange,
    ) -> Result<User, StoreError>;

    /// Deletes a user, all devices of the user and all their readings, as [`Self::delete_device`] does. With
    /// `expected`, does so only if the user and its devices still equal it.
    ///
    /// # Errors
    /// [`StoreError::UserMissing`], then [`StoreError::Changed`].
    async fn delete_user(
        &self,
        author: &Author,
        visible: Visibility,
        id: UserId,
        expected: Option<&UserState>,
    ) -> Result<(), StoreError>;

    /// Creates a device with a new key, 1 and up. Keys are never reused; consecutive calls of one caller get
    /// ascending keys.
    ///
    /// # Errors
    /// [`StoreError::DeviceIdTaken`], then [`StoreError::UserMissing`] if the owner does not exist, then
    /// [`StoreError::TooManyOwnedDevices`] if the owner would have more than `owned_max` devices. Concurrent
    /// calls with `owned_max` do not exceed it together.
    async fn create_device(
        &self,
        author: &Author,
        device: NewDevice,
        owned_max: Option<u32>,
    ) -> Result<Device, StoreError>;

    /// Creates each of these devices that does not exist, without a name, with the given owner.
    ///
    /// # Errors
    /// If a device would be created: [`StoreError::UserMissing`] if the owner does not exist, then
    /// [`StoreError::TooManyOwnedDevices`] as in [`Self::create_device`]; nothing is created.
    async fn create_missing_devices(
        &self,
        author: &Author,
        owner: Option<UserId>,
        device_ids: &[DeviceId],
        owned_max: Option<u32>,
    ) -> Result<(), StoreError>;

    /// Returns the devices with these ids, in the same order; `None` for each device that does not exist.
    ///
    /// # Errors
    /// Only the common errors.
    async fn find_devices(
        &self,
        visible: Visibility,
        device_ids: &[DeviceId],
    ) -> Result<Vec<Option<Device>>, StoreError>;

    /// Returns a page of all devices, by ascending key.
    ///
    /// # Errors
    /// Only the common errors.
    async fn list_devices(&self, visible: Visibility, page: ListPage) -> Result<Vec<Device>, StoreError>;

    /// Returns the first `limit` devices after the key `after` that meet the conditions, by ascending key.
    /// With a prefix, all devices with this prefix are sorted. A search for a text reads the devices one by
    /// one until enough are found.
    ///
    /// # Errors
    /// Only the common errors.
    async fn list_devices_after(
        &self,
        visible: Visibility,
        after: DeviceKey,
        filter: &DeviceFilter,
        limit: u32,
    ) -> Result<Vec<Device>, StoreError>;

    /// Returns all devices of a user, by ascending key; none if the user does not exist.
    ///
    /// # Errors
    /// Only the common errors.
    async fn list_user_devices(&self, user: UserId) -> Result<Vec<Device>, StoreError>;

    /// Changes the fields that `change` names, and returns the changed device. With `expected`, does so only
    /// if the device still equals it.
    ///
    /// # Errors
    /// [`StoreError::DeviceMissing`], then [`StoreError::Changed`], then [`StoreError::UserMissing`] if the
    /// new owner does not exist.
    async fn update_device(
        &self,
        author: &Author,
        visible: Visibility,
        device: DeviceKey,
        expected: Option<&Device>,
        change: DeviceChange,
    ) -> Result<Device, StoreError>;

    /// Deletes a device and all its readings. With `expected`, does so only if the device still equals it.
    ///
    /// From then on, no call returns anything of the device, and its device id is free. Its readings may
    /// still take space, until [`Self::purge_slice`] has deleted them. So the time of this call does not
    /// depend on their number.
    ///
    /// # Errors
    /// [`StoreError::DeviceMissing`], then [`StoreError::Changed`].
    async fn delete_device(
        &self,
        author: &Author,
        visible: Visibility,
        device: DeviceKey,
        expected: Option<&Device>,
    ) -> Result<(), StoreError>;

    /// Returns the first deleted device after the key `after` whose data is still stored. The list of these
    /// devices is durable, so a purge continues after a restart.
    ///
    /// # Errors
    /// Only the common errors.
    async fn find_deleted_device(&self, after: DeviceKey) -> Result<Option<DeviceKey>, StoreError>;

    /// Deletes a slice of the stored data of a deleted device: up to `readings_max` hot readings, or segments
    /// with about the same number of readings and their derived segments, at most
    /// [`PURGED_SEGMENTS_MAX`](crate::limits::PURGED_SEGMENTS_MAX). A larger segment is deleted as a whole or
    /// in parts.
    ///
    /// No other call returns different answers because of this one. If several nodes call it at the same time
    /// for a device, one of them purges, and the others do nothing.
    ///
    /// # Errors
    /// Only the common errors.
    async fn purge_slice(&self, device: DeviceKey, readings_max: u32) -> Result<Purged, StoreError>;
}

/// Outcome of purging a slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purged {
    /// A part of the data of the device has been deleted. More is left.
    Part,
    /// The last data of the device has been deleted.
    All,
    /// Nothing has been deleted: no data of the device is left, the device is not deleted, or another caller
    /// is purging it.
    Nothing,
}
