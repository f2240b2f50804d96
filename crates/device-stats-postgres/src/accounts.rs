//! Users and devices: each call has a connection and a time limit. The modules have the statements.

pub(crate) mod devices;
pub(crate) mod purge;
pub(crate) mod users;

use async_trait::async_trait;
use device_stats_domain::{
    Author, Device, DeviceChange, DeviceFilter, DeviceId, DeviceKey, ListPage, NewDevice, NewUser, User,
    UserChange, UserFilter, UserId,
};
use device_stats_store::{AccountStore, Purged, StoreError, UserState, Visibility};

use crate::database::connections::{TimeLimit, call};
use crate::store::PostgresStore;

#[async_trait]
impl AccountStore for PostgresStore {
    async fn create_user(&self, author: &Author, user: NewUser) -> Result<User, StoreError> {
        call!(self.connections, TimeLimit::Writes, |client| users::create(client, author, &user))
    }

    async fn find_user(&self, visible: Visibility, id: UserId) -> Result<Option<User>, StoreError> {
        call!(self.connections, TimeLimit::Reads, |client| users::find(client, visible, id))
    }

    async fn list_users(&self, visible: Visibility, page: ListPage) -> Result<Vec<User>, StoreError> {
        call!(self.connections, TimeLimit::Reads, |client| users::list(client, visible, page))
    }

    async fn list_users_after(
        &self,
        visible: Visibility,
        after: UserId,
        filter: &UserFilter,
        limit: u32,
    ) -> Result<Vec<User>, StoreError> {
        call!(self.connections, TimeLimit::Reads, |client| users::list_after(
            client, visible, after, filter, limit
        ))
    }

    async fn update_user(
        &self,
        author: &Author,
        visible: Visibility,
        id: UserId,
        expected: Option<&UserState>,
        change: UserChange,
    ) -> Result<User, StoreError> {
        call!(self.connections, TimeLimit::Writes, |client| users::update(
            client, author, visible, id, expected, &change
        ))
    }

    async fn delete_user(
        &self,
        author: &Author,
        visible: Visibility,
        id: UserId,
        expected: Option<&UserState>,
    ) -> Result<(), StoreError> {
        call!(self.connections, TimeLimit::Seals, |client| users::delete(
            client, author, visible, id, expected
        ))
    }

    async fn create_device(
        &self,
        author: &Author,
        device: NewDevice,
        owned_max: Option<u32>,
    ) -> Result<Device, StoreError> {
        call!(self.connections, TimeLimit::Writes, |client| devices::create(
            client, author, &device, owned_max
        ))
    }

    async fn create_missing_devices(
        &self,
        author: &Author,
        owner: Option<UserId>,
        device_ids: &[DeviceId],
        owned_max: Option<u32>,
    ) -> Result<(), StoreError> {
        call!(self.connections, TimeLimit::Writes, |client| devices::create_missing(
            client, author, owner, device_ids, owned_max
        ))
    }

    async fn find_devices(
        &self,
        visible: Visibility,
        device_ids: &[DeviceId],
    ) -> Result<Vec<Option<Device>>, StoreError> {
        call!(self.connections, TimeLimit::Reads, |client| devices::find(client, visible, device_ids))
    }

    async fn list_devices(&self, visible: Visibility, page: ListPage) -> Result<Vec<Device>, StoreError> {
        call!(self.connections, TimeLimit::Reads, |client| devices::list(client, visible, page))
    }

    async fn list_devices_after(
        &self,
        visible: Visibility,
        after: DeviceKey,
        filter: &DeviceFilter,
        limit: u32,
    ) -> Result<Vec<Device>, StoreError> {
        call!(self.connections, TimeLimit::Reads, |client| devices::list_after(
            client, visible, after, filter, limit
        ))
    }

    async fn list_user_devices(&self, user: UserId) -> Result<Vec<Device>, StoreError> {
        call!(self.connections, TimeLimit::Reads, |client| devices::list_by_user(client, user))
    }

    async fn update_device(
        &self,
        author: &Author,
        visible: Visibility,
        device: DeviceKey,
        expected: Option<&Device>,
        change: DeviceChange,
    ) -> Result<Device, StoreError> {
        call!(self.connections, TimeLimit::Writes, |client| devices::update(
            client, author, visible, device, expected, &change
        ))
    }

    async fn delete_device(
        &self,
        author: &Author,
        visible: Visibility,
        device: DeviceKey,
        expected: Option<&Device>,
    ) -> Result<(), StoreError> {
        call!(self.connections, TimeLimit::Writes, |client| devices::delete(
            client, author, visible, device, expected
        ))
    }

    async fn find_deleted_device(&self, after: DeviceKey) -> Result<Option<DeviceKey>, StoreError> {
        call!(self.connections, TimeLimit::Reads, |client| purge::find(client, after))
    }

    async fn purge_slice(&self, device: DeviceKey, readings_max: u32) -> Result<Purged, StoreError> {
        call!(self.connections, TimeLimit::Seals, |client| purge::purge_slice(client, device, readings_max))
    }
}
