//! Users and devices: each call is a transaction. The modules have the statements.

pub(crate) mod devices;
pub(crate) mod purge;
pub(crate) mod users;

use std::time::{SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use device_stats_domain::{
    Device, DeviceChange, DeviceFilter, DeviceId, DeviceKey, ListPage, NewDevice, NewUser, Timestamp, User,
    UserChange, UserFilter, UserId,
};
use device_stats_store::{AccountStore, Purged, StoreError, UserState};
use rusqlite::Connection;

use crate::hot::HotView;
use crate::store::SqliteStore;

/// Returns the current time, in microseconds since 1970 UTC.
fn now_us() -> i64 {
    Timestamp::from_duration(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()).micros()
}

#[async_trait]
impl AccountStore for SqliteStore {
    async fn create_user(&self, user: NewUser) -> Result<User, StoreError> {
        self.connections.write(move |connection| users::create(connection, &user)).await
    }

    async fn find_user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        self.connections.read(move |connection| users::find(connection, id)).await
    }

    async fn list_users(&self, page: ListPage) -> Result<Vec<User>, StoreError> {
        self.connections.read(move |connection| users::list(connection, page)).await
    }

    async fn list_users_after(
        &self,
        after: UserId,
        filter: &UserFilter,
        limit: u32,
    ) -> Result<Vec<User>, StoreError> {
        let filter = filter.clone();
        self.connections.read(move |connection| users::list_after(connection, after, &filter, limit)).await
    }

    async fn update_user(
        &self,
        id: UserId,
        expected: Option<&UserState>,
        change: UserChange,
    ) -> Result<User, StoreError> {
        let expected = expected.cloned();
        let update = move |connection: &Connection| {
            users::check(connection, id, expected.as_ref())?;
            users::update(connection, id, &change)
        };
        self.connections.write(update).await
    }

    async fn delete_user(&self, id: UserId, expected: Option<&UserState>) -> Result<(), StoreError> {
        let expected = expected.cloned();
        let delete = move |connection: &Connection, hot: &HotView| {
            users::check(connection, id, expected.as_ref())?;
            users::delete(connection, hot, id)
        };
        self.write_with_hot(delete).await
    }

    async fn create_device(&self, device: NewDevice) -> Result<Device, StoreError> {
        self.connections.write(move |connection| devices::create(connection, &device)).await
    }

    async fn create_missing_devices(&self, device_ids: &[DeviceId]) -> Result<(), StoreError> {
        let device_ids = device_ids.to_vec();
        self.connections.write(move |connection| devices::create_missing(connection, &device_ids)).await
    }

    async fn find_devices(&self, device_ids: &[DeviceId]) -> Result<Vec<Option<Device>>, StoreError> {
        let device_ids = device_ids.to_vec();
        self.connections.read(move |connection| devices::find(connection, &device_ids)).await
    }

    async fn list_devices(&self, page: ListPage) -> Result<Vec<Device>, StoreError> {
        self.connections.read(move |connection| devices::list(connection, page)).await
    }

    async fn list_devices_after(
        &self,
        after: DeviceKey,
        filter: &DeviceFilter,
        limit: u32,
    ) -> Result<Vec<Device>, StoreError> {
        let filter = filter.clone();
        self.connections.read(move |connection| devices::list_after(connection, after, &filter, limit)).await
    }

    async fn list_user_devices(&self, user: UserId) -> Result<Vec<Device>, StoreError> {
        self.connections.read(move |connection| devices::list_by_user(connection, user)).await
    }

    async fn update_device(
        &self,
        device: DeviceKey,
        expected: Option<&Device>,
        change: DeviceChange,
    ) -> Result<Device, StoreError> {
        let expected = expected.cloned();
        let update = move |connection: &Connection| {
            devices::check(connection, device, expected.as_ref())?;
            devices::update(connection, device, &change)
        };
        self.connections.write(update).await
    }

    async fn delete_device(&self, device: DeviceKey, expected: Option<&Device>) -> Result<(), StoreError> {
        let expected = expected.cloned();
        let delete = move |connection: &Connection, hot: &HotView| {
            devices::check(connection, device, expected.as_ref())?;
            devices::delete(connection, hot, device)
        };
        self.write_with_hot(delete).await
    }

    async fn find_deleted_device(&self, after: DeviceKey) -> Result<Option<DeviceKey>, StoreError> {
        self.connections.read(move |connection| purge::find(connection, after)).await
    }

    async fn purge_slice(&self, device: DeviceKey, readings_max: u32) -> Result<Purged, StoreError> {
        let purge = move |connection: &Connection, hot: &HotView| {
            purge::purge_slice(connection, hot, device, readings_max)
        };
        // After `Purged::All`, the pages of the device are free, and can be returned to the file system.
        self.write_with_hot(purge).await
    }
}
