//! Users and devices: each call is a transaction. The modules have the statements.

pub(crate) mod devices;
pub(crate) mod purge;
pub(crate) mod users;

use std::time::{SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use device_stats_domain::{
    AuditEvent, Author, Device, DeviceChange, DeviceFilter, DeviceId, DeviceKey, ListPage, NewDevice,
    NewUser, Timestamp, TokenId, User, UserChange, UserFilter, UserId,
};
use device_stats_store::{AccountStore, Purged, StoreError, UserState, Visibility};
use rusqlite::Connection;

use crate::audit;
use crate::hot::HotView;
use crate::store::SqliteStore;
use crate::tokens;

/// Returns the current time, in microseconds since 1970 UTC.
pub(crate) fn now_us() -> i64 {
    Timestamp::from_duration(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()).micros()
}

#[async_trait]
impl AccountStore for SqliteStore {
    async fn create_user(&self, author: &Author, user: NewUser) -> Result<User, StoreError> {
        let author = *author;
        let create = move |connection: &Connection| {
            let created = users::create(connection, &user)?;
            audit::note(connection, &author, &[AuditEvent::create_user(&created)])?;
            Ok(created)
        };
        self.connections.write(create).await
    }

    async fn find_user(&self, visible: Visibility, id: UserId) -> Result<Option<User>, StoreError> {
        self.connections.read(move |connection| users::find(connection, visible, id)).await
    }

    async fn list_users(&self, visible: Visibility, page: ListPage) -> Result<Vec<User>, StoreError> {
        self.connections.read(move |connection| users::list(connection, visible, page)).await
    }

    async fn list_users_after(
        &self,
        visible: Visibility,
        after: UserId,
        filter: &UserFilter,
        limit: u32,
    ) -> Result<Vec<User>, StoreError> {
        let filter = filter.clone();
        self.connections
            .read(move |connection| users::list_after(connection, visible, after, &filter, limit))
            .await
    }

    async fn update_user(
        &self,
        author: &Author,
        visible: Visibility,
        id: UserId,
        expected: Option<&UserState>,
        change: UserChange,
    ) -> Result<User, StoreError> {
        let (author, expected) = (*author, expected.cloned());
        let update = move |connection: &Connection| {
            users::check(connection, visible, id, expected.as_ref())?;
            let before = users::find(connection, visible, id)?.ok_or(StoreError::UserMissing)?;
            let updated = users::update(connection, visible, id, &change)?;
            audit::note(connection, &author, &AuditEvent::update_user(&before, &updated))?;
            Ok(updated)
        };
        self.connections.write(update).await
    }

    async fn delete_user(
        &self,
        author: &Author,
        visible: Visibility,
        id: UserId,
        expected: Option<&UserState>,
    ) -> Result<(), StoreError> {
        let (author, expected) = (*author, expected.cloned());
        let delete = move |connection: &Connection, hot: &HotView| {
            users::check(connection, visible, id, expected.as_ref())?;
            users::delete(connection, hot, &author, visible, id)
        };
        self.write_with_hot(delete).await
    }

    async fn create_device(
        &self,
        author: &Author,
        device: NewDevice,
        owned_max: Option<u32>,
    ) -> Result<Device, StoreError> {
        let author = *author;
        let create = move |connection: &Connection| {
            let created = devices::create(connection, &device)?;
            devices::check_owned(connection, device.user_id, owned_max)?;
            audit::note(connection, &author, &[AuditEvent::create_device(&created)])?;
            Ok(created)
        };
        self.connections.write(create).await
    }

    async fn create_missing_devices(
        &self,
        author: &Author,
        owner: Option<UserId>,
        device_ids: &[DeviceId],
        owned_max: Option<u32>,
    ) -> Result<(), StoreError> {
        let (author, device_ids) = (*author, device_ids.to_vec());
        let create = move |connection: &Connection| {
            let created = devices::create_missing(connection, owner, &device_ids, owned_max)?;
            let events: Vec<_> = created.iter().map(AuditEvent::create_device).collect();
            audit::note(connection, &author, &events)
        };
        self.connections.write(create).await
    }

    async fn find_devices(
        &self,
        visible: Visibility,
        device_ids: &[DeviceId],
    ) -> Result<Vec<Option<Device>>, StoreError> {
        let device_ids = device_ids.to_vec();
        self.connections.read(move |connection| devices::find(connection, visible, &device_ids)).await
    }

    async fn list_devices(&self, visible: Visibility, page: ListPage) -> Result<Vec<Device>, StoreError> {
        self.connections.read(move |connection| devices::list(connection, visible, page)).await
    }

    async fn list_devices_after(
        &self,
        visible: Visibility,
        after: DeviceKey,
        filter: &DeviceFilter,
        limit: u32,
    ) -> Result<Vec<Device>, StoreError> {
        let filter = filter.clone();
        self.connections
            .read(move |connection| devices::list_after(connection, visible, after, &filter, limit))
            .await
    }

    async fn list_user_devices(&self, user: UserId) -> Result<Vec<Device>, StoreError> {
        self.connections.read(move |connection| devices::list_by_user(connection, user)).await
    }

    async fn update_device(
        &self,
        author: &Author,
        visible: Visibility,
        device: DeviceKey,
        expected: Option<&Device>,
        change: DeviceChange,
    ) -> Result<Device, StoreError> {
        let (author, expected) = (*author, expected.cloned());
        let update = move |connection: &Connection| {
            let before = devices::check(connection, visible, device, expected.as_ref())?;
            let updated = devices::update(connection, visible, device, &change)?;
            audit::note(connection, &author, &AuditEvent::update_device(&before, &updated))?;
            Ok(updated)
        };
        self.connections.write(update).await
    }

    async fn delete_device(
        &self,
        author: &Author,
        visible: Visibility,
        device: DeviceKey,
        expected: Option<&Device>,
    ) -> Result<(), StoreError> {
        let (author, expected) = (*author, expected.cloned());
        let delete = move |connection: &Connection, hot: &HotView| {
            devices::check(connection, visible, device, expected.as_ref())?;
            let tokens = tokens::list(connection, Visibility::Device(device), TokenId(0), u32::MAX)?;
            let deleted = devices::delete(connection, hot, visible, device)?;
            audit::note(connection, &author, &AuditEvent::delete_device(&deleted, &tokens))
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
