//! The promise of a store, kept by the statements of the other modules: which of them reads, which one writes.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use device_stats_domain::limits::{GROUP_SEGMENTS_MAX, STORE_PIECES_FEW, STORE_READERS_AT_ONCE};
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
use rusqlite::Connection;

use crate::accounts::devices;
use crate::accounts::users;
use crate::database::connections::Connections;
use crate::database::errors::store_error;
use crate::database::open;
use crate::hot::{Hot, TimeAndId, View};
use crate::readings::append;
use crate::readings::ids;
use crate::readings::keyed;
use crate::segments::catalogue;
use crate::segments::group_commit::Arrivals;
use crate::segments::pieces;
use crate::segments::replace;
use crate::snapshots;

/// A store in a file.
///
/// After an I/O error of a commit it answers every call that writes, and [`Store::ping`], with
/// [`StoreError::Unavailable`] until the file has been opened anew.
#[derive(Debug)]
pub struct SqliteStore {
    pub(crate) connections: Connections,
    hot: Arc<Hot>,
    arrivals: Arrivals,
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
        let hot = Hot::default();
        // What may take a second is done before anybody waits for it; who needs it finds the same error.
        if let Err(error) = open::read(path, |connection| hot.view(connection)) {
            tracing::error!(error = &error as &dyn std::error::Error, "the hot readings cannot be read");
        }
        let hot = Arc::new(hot);
        let arrivals = Arrivals::over(&connections, &hot);
        Ok(Self { connections, hot, arrivals })
    }

    /// Runs `call` in a read transaction with the hot readings of its moment.
    async fn read_hot_too<T, F>(&self, call: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection, &View) -> Result<T, StoreError> + Send + 'static,
    {
        let hot = Arc::clone(&self.hot);
        self.connections.read(move |connection| call(connection, &hot.view(connection)?)).await
    }

    /// Runs `call` in a write transaction with the hot readings of its moment.
    async fn write_hot_too<T, F>(&self, call: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection, &View) -> Result<T, StoreError> + Send + 'static,
    {
        let hot = Arc::clone(&self.hot);
        self.connections.write(move |connection| call(connection, &hot.view(connection)?)).await
    }
}

#[async_trait]
impl Store for SqliteStore {
    fn appends_at_once(&self) -> usize {
        1
    }

    fn seals_at_once(&self) -> usize {
        GROUP_SEGMENTS_MAX / 2
    }

    fn exchange(&self) -> Option<Arc<dyn Exchange>> {
        None
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.connections.check_disk()?;
        let ask = |connection: &Connection| connection.query_row("SELECT 1", [], |_| Ok(()));
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
        self.write_hot_too(move |connection, hot| users::delete(connection, hot, id)).await
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
        self.write_hot_too(move |connection, hot| devices::delete(connection, hot, device)).await
    }

    async fn reserve_reading_ids(&self, count: u32) -> Result<Range<i64>, StoreError> {
        self.connections.write(move |connection| ids::reserve(connection, count)).await
    }

    async fn append(&self, readings: &[NewReading]) -> Result<Vec<Appended>, StoreError> {
        let readings = readings.to_vec();
        self.write_hot_too(move |connection, hot| append::append(connection, hot, &readings)).await
    }

    async fn append_once(&self, requests: &[KeyedReadings], now: Timestamp) -> Result<Vec<Once>, StoreError> {
        let requests = requests.to_vec();
        self.write_hot_too(move |connection, hot| keyed::append_once(connection, hot, &requests, now)).await
    }

    async fn snapshot(&self, subject: Subject, window: Window) -> Result<Snapshot, StoreError> {
        self.read_hot_too(move |connection, hot| snapshots::take(connection, hot, subject, window)).await
    }

    async fn newest(&self, device: DeviceKey, window: Window, count: u64) -> Result<Newest, StoreError> {
        self.read_hot_too(move |connection, hot| snapshots::newest(connection, hot, device, window, count))
            .await
    }

    async fn read_pieces(&self, pieces: &[PieceKey]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let read = |pieces: &[PieceKey]| {
            let pieces = pieces.to_vec();
            move |connection: &Connection| pieces::read(connection, &pieces)
        };
        if pieces.len() <= STORE_PIECES_FEW {
            return self.connections.read_here(read(pieces)).await;
        }
        let parts = pieces.chunks(pieces.len().div_ceil(STORE_READERS_AT_ONCE));
        let parts = parts.map(|part| self.connections.read(read(part)));
        Ok(try_join_all(parts).await?.concat())
    }

    async fn list_hot(&self) -> Result<Vec<HotDevice>, StoreError> {
        self.read_hot_too(|_, hot| Ok(hot.list())).await
    }

    async fn read_hot(&self, device: DeviceKey, count: u32) -> Result<Vec<Row>, StoreError> {
        self.read_hot_too(move |_, hot| Ok(hot.earliest(device, count))).await
    }

    async fn list_segments(&self, device: DeviceKey) -> Result<Vec<SegmentEntry>, StoreError> {
        self.connections.read(move |connection| catalogue::touching(connection, device, Window::ALL)).await
    }

    async fn seal(&self, device: DeviceKey, rows: &[Row], segment: &Segment) -> Result<Replaced, StoreError> {
        let rows: Vec<TimeAndId> = rows.iter().map(|row| (row.time_us, row.id)).collect();
        self.arrivals.take_in(device, segment.clone(), Some(rows)).await
    }

    async fn merge(
        &self,
        device: DeviceKey,
        merged: &[SegmentId],
        segment: &Segment,
    ) -> Result<Replaced, StoreError> {
        let (merged, segment, head) = (merged.to_vec(), segment.clone(), replace::open(segment)?);
        self.connections
            .write(move |connection| replace::merge(connection, device, &merged, &segment, &head))
            .await
    }

    async fn append_segment(&self, device: DeviceKey, segment: &Segment) -> Result<Replaced, StoreError> {
        self.arrivals.take_in(device, segment.clone(), None).await
    }
}
