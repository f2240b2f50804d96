//! The promise of a store, kept by the statements of the other modules: which of them reads, which one writes.

use std::ops::Range;
use std::path::Path;

use async_trait::async_trait;
use device_stats_domain::{
    Device, DeviceChange, DeviceId, DeviceKey, NewDevice, NewReading, NewUser, Page, Reading, Timestamp,
    User, UserChange, UserId, Window,
};
use device_stats_store::{Appended, SchemaError, Snapshot, Store, StoreError, Subject};

use crate::connections::Connections;
use crate::errors::store_error;
use crate::{devices, open, readings, snapshots, users};

/// A store in a file.
///
/// After an I/O error of a commit it answers every call that writes, and [`Store::ping`], with
/// [`StoreError::Unavailable`] until the file has been opened anew.
#[derive(Debug)]
pub struct SqliteStore {
    pub(crate) connections: Connections,
}

impl SqliteStore {
    /// Opens the database at `path`. With `migrate` the file is created and its schema brought up to date where needed,
    /// as [`migrate`](crate::migrate()) does; without, both are required.
    ///
    /// Blocks while another process migrates the database. The store is to be dropped inside a tokio runtime.
    ///
    /// # Errors
    /// [`SchemaError::Older`] only without `migrate`, [`SchemaError::Failed`] only with it, the other ones either way.
    pub fn open(path: &Path, migrate: bool) -> Result<Self, SchemaError> {
        if migrate {
            for name in open::migrate(path)? {
                tracing::info!(name, "applied a migration");
            }
        } else {
            open::require(path)?;
        }
        let connections = Connections::to(path).map_err(|error| SchemaError::Unavailable(error.into()))?;
        Ok(Self { connections })
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn ping(&self) -> Result<(), StoreError> {
        self.connections.check_disk()?;
        let ask = |connection: &rusqlite::Connection| connection.query_row("SELECT 1", [], |_| Ok(()));
        self.connections.read(move |connection| ask(connection).map_err(store_error)).await
    }

    async fn create_user(&self, user: NewUser) -> Result<User, StoreError> {
        self.connections.write(move |connection| users::create(connection, &user)).await
    }

    async fn find_user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        self.connections.read(move |connection| users::find(connection, id)).await
    }

    async fn list_users(&self, page: Page) -> Result<Vec<User>, StoreError> {
        self.connections.read(move |connection| users::list(connection, page)).await
    }

    async fn update_user(&self, id: UserId, change: UserChange) -> Result<User, StoreError> {
        self.connections.write(move |connection| users::update(connection, id, &change)).await
    }

    async fn delete_user(&self, id: UserId) -> Result<(), StoreError> {
        self.connections.write(move |connection| users::delete(connection, id)).await
    }

    async fn create_device(&self, device: NewDevice) -> Result<Device, StoreError> {
        self.connections.write(move |connection| devices::create(connection, &device)).await
    }

    async fn find_devices(&self, device_ids: &[DeviceId]) -> Result<Vec<Option<Device>>, StoreError> {
        let device_ids = device_ids.to_vec();
        self.connections.read(move |connection| devices::find(connection, &device_ids)).await
    }

    async fn list_devices(&self, page: Page) -> Result<Vec<Device>, StoreError> {
        self.connections.read(move |connection| devices::list(connection, page)).await
    }

    async fn list_devices_of(&self, user: UserId) -> Result<Vec<Device>, StoreError> {
        self.connections.read(move |connection| devices::list_of(connection, user)).await
    }

    async fn update_device(&self, device: DeviceKey, change: DeviceChange) -> Result<Device, StoreError> {
        self.connections.write(move |connection| devices::update(connection, device, &change)).await
    }

    async fn delete_device(&self, device: DeviceKey) -> Result<(), StoreError> {
        self.connections.write(move |connection| devices::delete(connection, device)).await
    }

    async fn reserve_reading_ids(&self, count: u32) -> Result<Range<i64>, StoreError> {
        self.connections.write(move |connection| readings::reserve_ids(connection, count)).await
    }

    async fn append(&self, readings: &[NewReading]) -> Result<Vec<Appended>, StoreError> {
        let readings = readings.to_vec();
        self.connections.write(move |connection| readings::append(connection, &readings)).await
    }

    async fn find_reading(&self, device: DeviceKey, time: Timestamp) -> Result<Option<Reading>, StoreError> {
        self.connections.read(move |connection| readings::find(connection, device, time)).await
    }

    async fn list_readings(
        &self,
        device: DeviceKey,
        window: Window,
        page: Page,
    ) -> Result<Vec<Reading>, StoreError> {
        self.connections.read(move |connection| readings::list(connection, device, window, page)).await
    }

    async fn snapshot(&self, subject: Subject, window: Window) -> Result<Snapshot, StoreError> {
        self.connections.read(move |connection| snapshots::take(connection, subject, window)).await
    }
}
