//! The promise of a store, kept by the statements of the other modules.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use device_stats_domain::limits::{
    STORE_APPENDS_AT_ONCE, STORE_PIECES_FEW, STORE_READERS_AT_ONCE, STORE_SEALS_AT_ONCE,
};
use device_stats_domain::{
    Device, DeviceChange, DeviceId, DeviceKey, NewDevice, NewReading, NewUser, Page, Timestamp, User,
    UserChange, UserId, Window,
};
use device_stats_segment::{Row, Segment};
use device_stats_store::{
    Appended, Exchange, HotDevice, KeyedReadings, Newest, Once, PieceKey, Replaced, SchemaError,
    SegmentEntry, SegmentId, Snapshot, Store, StoreError, Subject,
};
use futures_util::future::try_join_all;

use crate::accounts::devices;
use crate::accounts::users;
use crate::database::config::PostgresConfig;
use crate::database::connections::{Connections, Limit, call};
use crate::database::open;
use crate::exchange::Nodes;
use crate::readings::append;
use crate::readings::hot;
use crate::readings::keyed;
use crate::segments::catalogue;
use crate::segments::pieces;
use crate::segments::replace;
use crate::snapshots;

/// A store in a PostgreSQL database, which several nodes may share.
///
/// While the database is away, calls fail with [`StoreError::Unavailable`]; when it is back, the next call works.
pub struct PostgresStore {
    connections: Connections,
    nodes: Arc<Nodes>,
    shown: String,
}

impl PostgresStore {
    /// Opens the database. With `migrate` its schema is brought up to date where needed, as
    /// [`migrate`](crate::migrate()) does; without, that is required.
    ///
    /// # Errors
    /// [`SchemaError::Older`] only without `migrate`, [`SchemaError::Failed`] only with it, the other ones either way.
    pub async fn open(config: &PostgresConfig, migrate: bool) -> Result<Self, SchemaError> {
        if migrate {
            for name in open::migrate(config).await? {
                tracing::info!(name, "applied a migration");
            }
        } else {
            open::require(config).await?;
        }
        let connections = Connections::to(config)?;
        let nodes = Arc::new(Nodes { config: config.clone(), connections: connections.clone() });
        Ok(Self { connections, nodes, shown: config.to_string() })
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PostgresStore").field(&self.shown).finish()
    }
}

impl PostgresStore {
    /// Reads pieces on one connection.
    async fn read_part(&self, pieces: &[PieceKey]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        call!(self.connections, Limit::Reads, |client| pieces::read(client, pieces))
    }
}

#[async_trait]
impl Store for PostgresStore {
    fn appends_at_once(&self) -> usize {
        STORE_APPENDS_AT_ONCE
    }

    fn seals_at_once(&self) -> usize {
        STORE_SEALS_AT_ONCE
    }

    fn exchange(&self) -> Option<Arc<dyn Exchange>> {
        Some(Arc::clone(&self.nodes) as Arc<dyn Exchange>)
    }

    async fn ping(&self) -> Result<(), StoreError> {
        call!(self.connections, Limit::Reads, |client| client.batch_execute("SELECT 1"))
    }

    async fn create_user(&self, user: NewUser) -> Result<User, StoreError> {
        call!(self.connections, Limit::Writes, |client| users::create(client, &user))
    }

    async fn find_user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        call!(self.connections, Limit::Reads, |client| users::find(client, id))
    }

    async fn list_users(&self, page: Page) -> Result<Vec<User>, StoreError> {
        call!(self.connections, Limit::Reads, |client| users::list(client, page))
    }

    async fn update_user(&self, id: UserId, change: UserChange) -> Result<User, StoreError> {
        call!(self.connections, Limit::Writes, |client| users::update(client, id, &change))
    }

    async fn delete_user(&self, id: UserId) -> Result<(), StoreError> {
        call!(self.connections, Limit::None, |client| users::delete(client, id))
    }

    async fn create_device(&self, device: NewDevice) -> Result<Device, StoreError> {
        call!(self.connections, Limit::Writes, |client| devices::create(client, &device))
    }

    async fn find_devices(&self, device_ids: &[DeviceId]) -> Result<Vec<Option<Device>>, StoreError> {
        call!(self.connections, Limit::Reads, |client| devices::find(client, device_ids))
    }

    async fn list_devices(&self, page: Page) -> Result<Vec<Device>, StoreError> {
        call!(self.connections, Limit::Reads, |client| devices::list(client, page))
    }

    async fn list_devices_of(&self, user: UserId) -> Result<Vec<Device>, StoreError> {
        call!(self.connections, Limit::Reads, |client| devices::list_of(client, user))
    }

    async fn update_device(&self, device: DeviceKey, change: DeviceChange) -> Result<Device, StoreError> {
        call!(self.connections, Limit::Writes, |client| devices::update(client, device, &change))
    }

    async fn delete_device(&self, device: DeviceKey) -> Result<(), StoreError> {
        call!(self.connections, Limit::None, |client| devices::delete(client, device))
    }

    async fn reserve_reading_ids(&self, count: u32) -> Result<Range<i64>, StoreError> {
        call!(self.connections, Limit::Writes, |client| hot::reserve_ids(client, count))
    }

    async fn append(&self, readings: &[NewReading]) -> Result<Vec<Appended>, StoreError> {
        call!(self.connections, Limit::Writes, |client| append::append(client, readings))
    }

    async fn append_once(&self, requests: &[KeyedReadings], now: Timestamp) -> Result<Vec<Once>, StoreError> {
        call!(self.connections, Limit::Writes, |client| keyed::append_once(client, requests, now))
    }

    async fn snapshot(&self, subject: Subject, window: Window) -> Result<Snapshot, StoreError> {
        call!(self.connections, Limit::Reads, |client| snapshots::take(client, subject, window))
    }

    async fn newest(&self, device: DeviceKey, window: Window, count: u64) -> Result<Newest, StoreError> {
        call!(self.connections, Limit::Reads, |client| snapshots::newest(client, device, window, count))
    }

    async fn read_pieces(&self, pieces: &[PieceKey]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        if pieces.len() <= STORE_PIECES_FEW {
            return self.read_part(pieces).await;
        }
        let parts = pieces.chunks(pieces.len().div_ceil(STORE_READERS_AT_ONCE));
        Ok(try_join_all(parts.map(|part| self.read_part(part))).await?.concat())
    }

    async fn list_hot(&self) -> Result<Vec<HotDevice>, StoreError> {
        call!(self.connections, Limit::Reads, |client| hot::list_hot(client))
    }

    async fn read_hot(&self, device: DeviceKey, count: u32) -> Result<Vec<Row>, StoreError> {
        call!(self.connections, Limit::Reads, |client| hot::read_hot(client, device, count))
    }

    async fn list_segments(&self, device: DeviceKey) -> Result<Vec<SegmentEntry>, StoreError> {
        call!(self.connections, Limit::Reads, |client| catalogue::list(client, device))
    }

    async fn seal(&self, device: DeviceKey, rows: &[Row], segment: &Segment) -> Result<Replaced, StoreError> {
        call!(self.connections, Limit::Seals, |client| replace::seal(client, device, rows, segment))
    }

    async fn merge(
        &self,
        device: DeviceKey,
        merged: &[SegmentId],
        segment: &Segment,
    ) -> Result<Replaced, StoreError> {
        call!(self.connections, Limit::Seals, |client| replace::merge(client, device, merged, segment))
    }

    async fn append_segment(&self, device: DeviceKey, segment: &Segment) -> Result<Replaced, StoreError> {
        call!(self.connections, Limit::Writes, |client| replace::append(client, device, segment))
    }
}
