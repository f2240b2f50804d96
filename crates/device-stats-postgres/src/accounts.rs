//! Users and devices: each call has a connection and a time limit. The modules have the statements.

pub(crate) mod devices;
pub(crate) mod purge;
pub(crate) mod users;

use async_trait::async_trait;
use device_stats_domain::{
    Device, DeviceChange, DeviceFilter, DeviceId, DeviceKey, ListPage, NewDevice, NewUser, User, UserChange,
    UserFilter, UserId,
};
use device_stats_store::{AccountStore, Purged, StoreError};

use crate::database::connections::{TimeLimit, call};
use crate::store::PostgresStore;

#[async_trait]
impl AccountStore for PostgresStore {
    async fn create_user(&self, user: NewUser) -> Result<User, StoreError> {
        call!(self.connections, TimeLimit::Writes, |client| users::create(client, &user))
    }

    async fn find_user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        call!(self.connections, TimeLimit::Reads, |client| users::find(client, id))
    }

    async fn list_users(&self, page: ListPage) -> Result<Vec<User>, StoreError> {
        call!(self.connections, TimeLimit::Reads, |client| users::list(client, page))
    }

    async fn list_users_after(
        &self,
        after: UserId,
        filter: &UserFilter,
        limit: u32,
    ) -> Result<Vec<User>, StoreError> {
        call!(self.connections, TimeLimit::Reads, |client| users::list_after(client, after, filter, limit))
    }

    async fn update_user(&self, id: UserId, change: UserChange) -> Result<User, StoreError> {
        call!(self.connections, TimeLimit::Writes, |client| users::update(client, id, &change))
    }

    async fn update_unchanged_user(
        &self,
        seen: &User,
        devices: &[Device],
        change: UserChange,
    ) -> Result<User, StoreError> {
        call!(self.connections, TimeLimit::Writes, |client| users::update_unchanged(
            client, seen, devices, &change
        ))
    }

    async fn delete_unchanged_user(&self, seen: &User, devices: &[Device]) -> Result<(), StoreError> {
        call!(self.connections, TimeLimit::Seals, |client| users::delete_unchanged(client, seen, devices))
    }

    async fn delete_user(&self, id: UserId) -> Result<(), StoreError> {
        call!(self.connections, TimeLimit::Seals, |client| users::delete(client, id))
    }

    async fn create_device(&self, device: NewDevice) -> Result<Device, StoreError> {
        call!(self.connections, TimeLimit::Writes, |client| devices::create(client, &device))
    }

    async fn create_missing_devices(&self, device_ids: &[DeviceId]) -> Result<(), StoreError> {
        call!(self.connections, TimeLimit::Writes, |client| devices::create_missing(client, device_ids))
    }

    async fn find_devices(&self, device_ids: &[DeviceId]) -> Result<Vec<Option<Device>>, StoreError> {
        call!(self.connections, TimeLimit::Reads, |client| devices::find(client, device_ids))
    }

    async fn list_devices(&self, page: ListPage) -> Result<Vec<Device>, StoreError> {
        call!(self.connections, TimeLimit::Reads, |client| devices::list(client, page))
    }

    async fn list_devices_after(
        &self,
        after: DeviceKey,
        filter: &DeviceFilter,
        limit: u32,
    ) -> Result<Vec<Device>, StoreError> {
        call!(self.connections, TimeLimit::Reads, |client| devices::list_after(client, after, filter, limit))
    }

    async fn list_user_devices(&self, user: UserId) -> Result<Vec<Device>, StoreError> {
        call!(self.connections, TimeLimit::Reads, |client| devices::list_by_user(client, user))
    }

    async fn update_device(&self, device: DeviceKey, change: DeviceChange) -> Result<Device, StoreError> {
        call!(self.connections, TimeLimit::Writes, |client| devices::update(client, device, &change))
    }

    async fn update_unchanged_device(
        &self,
        seen: &Device,
        change: DeviceChange,
    ) -> Result<Device, StoreError> {
        call!(self.connections, TimeLimit::Writes, |client| devices::update_unchanged(client, seen, &change))
    }

    async fn delete_unchanged_device(&self, seen: &Device) -> Result<(), StoreError> {
        call!(self.connections, TimeLimit::Writes, |client| devices::delete_unchanged(client, seen))
    }

    async fn delete_device(&self, device: DeviceKey) -> Result<(), StoreError> {
        call!(self.connections, TimeLimit::Writes, |client| devices::delete(client, device))
    }

    async fn purge_slice(&self, readings_max: u32) -> Result<Purged, StoreError> {
        call!(self.connections, TimeLimit::Seals, |client| purge::purge_slice(client, readings_max))
    }
}
