//! The store: opens the database, and runs transactions with the hot readings of their moment.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use device_stats_store::{Exchange, SchemaError, Store, StoreError, StoreFigures, StoreHealth};
use rusqlite::Connection;

use crate::database::connections::Connections;
use crate::database::errors::store_error;
use crate::database::open;
use crate::figures::figures;
use crate::hot::{HotReadings, HotView};
use crate::limits::{STRUCTURE_FAULTS_MAX, WRITE_WAIT_TIMEOUT};
use crate::segments::group_commit::SegmentQueue;

/// A store in a file.
///
/// After an I/O error during a commit or a checkpoint, every writing call, and [`Store::ping`], fails with
/// [`StoreError::Unavailable`] until the file has been opened again.
#[derive(Debug)]
pub struct SqliteStore {
    pub(crate) connections: Connections,
    hot: Arc<HotReadings>,
    pub(crate) segment_queue: SegmentQueue,
}

impl SqliteStore {
    /// Opens the database at `path`. With `migrate` it creates the file if needed and migrates its schema, as
    /// [`migrate`](crate::migrate()) does. Without `migrate` the file must exist and have the current schema.
    ///
    /// Blocks while another process migrates the database. Drop the store inside a tokio runtime.
    ///
    /// # Errors
    /// Every [`SchemaError`]; [`SchemaError::Older`] only without `migrate`, [`SchemaError::Failed`] only
    /// with it.
    pub fn open(path: &Path, migrate: bool) -> Result<Self, SchemaError> {
        if migrate {
            for name in open::migrate(path)? {
                tracing::info!(name, "applied a migration");
            }
        } else {
            open::require(path)?;
        }
        let connections = Connections::new(path, WRITE_WAIT_TIMEOUT)
            .map_err(|error| SchemaError::Unavailable(error.into()))?;
        let hot = HotReadings::default();
        // Reading the journal can take a second, so it is done before the first call. After a failure, the
        // first call tries again and returns the error.
        if let Err(error) = open::read(path, |connection| hot.view(connection)) {
            tracing::error!(error = &error as &dyn std::error::Error, "cannot read the hot readings");
        }
        let hot = Arc::new(hot);
        let segment_queue = SegmentQueue::new(&connections, &hot);
        Ok(Self { connections, hot, segment_queue })
    }

    /// Moves all changes in the write-ahead log to the main file, and empties the log. The store does this by
    /// itself whenever the log has grown; a call is only necessary before something else uses the main file.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if a read takes too long, or after an I/O error;
    /// [`StoreError::OutOfSpace`].
    pub async fn empty_log(&self) -> Result<(), StoreError> {
        self.connections.empty_log().await
    }

    /// Runs `call` in a read transaction with the hot readings of its moment.
    pub(crate) async fn read_with_hot<T, F>(&self, call: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection, &HotView) -> Result<T, StoreError> + Send + 'static,
    {
        let hot = Arc::clone(&self.hot);
        self.connections.read(move |connection| call(connection, &hot.view(connection)?)).await
    }

    /// Runs `call` in a write transaction with the hot readings of its moment.
    pub(crate) async fn write_with_hot<T, F>(&self, call: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection, &HotView) -> Result<T, StoreError> + Send + 'static,
    {
        let hot = Arc::clone(&self.hot);
        self.connections.write(move |connection| call(connection, &hot.view(connection)?)).await
    }
}

/// Returns the faults that SQLite finds.
fn structure_faults(connection: &Connection) -> Result<Vec<String>, StoreError> {
    let mut check = connection
        .prepare(&format!("PRAGMA integrity_check({STRUCTURE_FAULTS_MAX})"))
        .map_err(store_error)?;
    let lines = check.query_map([], |row| row.get(0)).and_then(Iterator::collect);
    let lines: Vec<String> = lines.map_err(store_error)?;
    // The only line of a database without faults.
    Ok(lines.into_iter().filter(|line| line != "ok").collect())
}

#[async_trait]
impl Store for SqliteStore {
    fn exchange(&self) -> Option<Arc<dyn Exchange>> {
        None
    }

    async fn ping(&self) -> Result<StoreHealth, StoreError> {
        self.connections.check_disk()?;
        self.read_with_hot(|_, hot| Ok(StoreHealth { damaged_devices: hot.damaged_devices()? })).await
    }

    async fn figures(&self) -> Result<StoreFigures, StoreError> {
        self.connections.read(figures).await
    }

    async fn check_structure(&self) -> Result<Vec<String>, StoreError> {
        self.connections.read(structure_faults).await
    }
}
