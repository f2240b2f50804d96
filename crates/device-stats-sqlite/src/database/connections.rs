//! The connections of a store: one connection writes, several connections read. After a failed sync, the
//! store writes nothing more.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use deadpool_sqlite::{BuildError, Config, Hook, HookError, Pool, Runtime};
use device_stats_store::StoreError;
use device_stats_store::limits::{STORE_CONNECT_TIMEOUT, STORE_CONNECTIONS_MAX, STORE_WAIT_TIMEOUT};
use rusqlite::{Connection, TransactionBehavior};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::block_in_place;
use tokio::time::Instant;

use crate::database::checkpoint::disable_automatic;
use crate::database::disk::Disk;
use crate::database::errors::{interact_error, pool_error, store_error};
use crate::database::upkeep::state::Upkeep;
use crate::database::uri::uri;

/// Page cache of the writing connection, in KiB. If the changes of a call do not fit, SQLite writes some of
/// them to the write-ahead log before the commit.
const WRITER_CACHE_KIB: i64 = 32 * 1024;
/// Size to which the write-ahead log is truncated after a checkpoint, in bytes.
const LOG_BYTES_KEPT: i64 = 64 * 1024 * 1024;
/// Maximum number of prepared statements that a connection keeps; more than the store has.
const STATEMENTS_MAX: usize = 128;

/// The connections of one store. Cheap to clone; clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Connections {
    writer: Pool,
    readers: Pool,
    /// Maximum time that a call waits until it can write.
    write_wait: Duration,
    pub(super) disk: Arc<Disk>,
    pub(super) upkeep: Arc<Upkeep>,
}

impl Connections {
    /// Creates the pools for an existing database. A connection is opened when it is first needed. A writing
    /// call waits up to `write_wait` until it can write, and a reading call up to [`STORE_WAIT_TIMEOUT`].
    pub(crate) fn new(path: &Path, write_wait: Duration) -> Result<Self, BuildError> {
        Ok(Self {
            writer: pool(uri(path, "rw"), 1, write_wait, prepare_writer)?,
            readers: pool(uri(path, "ro"), STORE_CONNECTIONS_MAX, STORE_WAIT_TIMEOUT, prepare_reader)?,
            write_wait,
            disk: Arc::default(),
            upkeep: Arc::default(),
        })
    }

    /// Runs `call` in a read transaction, which sees the database at one moment.
    pub(crate) async fn read<T, F>(&self, call: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let connection = self.readers.get().await.map_err(pool_error)?;
        let answer = connection.interact(move |connection| in_transaction(connection, call));
        answer.await.map_err(|error| interact_error(&error))?
    }

    /// Runs `call` like [`Self::read`], but on the calling thread. For frequent small reads, whose pages are
    /// usually in memory, this is faster than a switch to another thread. During the read, `block_in_place`
    /// lets other threads run the tasks of this one.
    pub(crate) async fn read_here<T, F>(&self, call: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        if Handle::current().runtime_flavor() == RuntimeFlavor::CurrentThread {
            return self.read(call).await;
        }
        let connection = self.readers.get().await.map_err(pool_error)?;
        block_in_place(|| {
            let mut connection =
                connection.lock().map_err(|_| StoreError::Broken("a call of the store panicked".into()))?;
            in_transaction(&mut connection, call)
        })
    }

    /// Runs `call` in a write transaction, and returns when it is committed and synced. If `call` fails,
    /// nothing is done.
    pub(crate) async fn write<T, F>(&self, call: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        self.disk.check()?;
        let connections = self.clone();
        self.on_writer(move |connection| {
            let disk = &connections.disk;
            // The disk may have failed while this call waited for the connection.
            disk.check()?;
            // Takes the write lock at once: SQLite can refuse it to a transaction that has read already.
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate);
            let transaction = transaction.map_err(store_error)?;
            let answer = call(&transaction)?;
            transaction.commit().map_err(|error| disk.note_commit(connection, error))?;
            connections.begin_upkeep_if_due(connection);
            Ok(answer)
        })
        .await
    }

    /// Runs `call` with the writing connection, outside a transaction.
    pub(super) async fn on_writer<T, F>(&self, call: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let begun = Instant::now();
        let connection = self.writer.get().await.map_err(pool_error)?;
        // The rest of the time is for the write lock, which another process may hold.
        let wait = self.write_wait.saturating_sub(begun.elapsed());
        let answer = connection.interact(move |connection| {
            connection.busy_timeout(wait).map_err(store_error)?;
            call(connection)
        });
        answer.await.map_err(|error| interact_error(&error))?
    }

    /// Fails if the disk has failed a commit or a checkpoint.
    pub(crate) fn check_disk(&self) -> Result<(), StoreError> {
        self.disk.check()
    }
}

fn in_transaction<T>(
    connection: &mut Connection,
    call: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let transaction = connection.transaction().map_err(store_error)?;
    call(&transaction)
}

fn pool(
    uri: String,
    connections_max: usize,
    wait: Duration,
    prepare: fn(&mut Connection) -> rusqlite::Result<()>,
) -> Result<Pool, BuildError> {
    let Ok(builder) = Config::new(uri).builder(Runtime::Tokio1);
    builder
        .max_size(connections_max)
        .wait_timeout(Some(wait))
        .create_timeout(Some(STORE_CONNECT_TIMEOUT))
        .recycle_timeout(Some(STORE_WAIT_TIMEOUT))
        .post_create(Hook::async_fn(move |connection, _| {
            Box::pin(async move {
                match connection.interact(prepare).await {
                    Ok(prepared) => prepared.map_err(HookError::Backend),
                    Err(error) => Err(HookError::message(error.to_string())),
                }
            })
        }))
        .build()
}

fn prepare_writer(connection: &mut Connection) -> rusqlite::Result<()> {
    make_durable(connection)?;
    connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
    // This pragma returns a row; the others return none.
    connection.pragma_update_and_check(None, "journal_size_limit", LOG_BYTES_KEPT, |_| Ok(()))?;
    prepare_reader(connection)
}

fn prepare_reader(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(STORE_WAIT_TIMEOUT)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    Ok(())
}

/// Settings of every connection that writes, including a migrating one. A connection that only reads runs no
/// checkpoints.
pub(crate) fn make_durable(connection: &Connection) -> rusqlite::Result<()> {
    disable_automatic(connection)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)
}
