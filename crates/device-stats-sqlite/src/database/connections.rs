//! The connections of a store: one connection writes, several connections read. After a failed sync, the
//! store writes nothing more.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use deadpool_sqlite::{BuildError, Config, Hook, HookError, Pool, Runtime};
use device_stats_domain::error_chain;
use device_stats_store::StoreError;
use device_stats_store::limits::{STORE_CONNECT_TIMEOUT, STORE_CONNECTIONS_MAX, STORE_WAIT_TIMEOUT};
use rusqlite::{Connection, TransactionBehavior};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::block_in_place;

use crate::database::checkpoint::{LogState, Mode, Schedule, checkpoint, disable_automatic, mode_for};
use crate::database::disk::Disk;
use crate::database::errors::{interact_error, pool_error, store_error};
use crate::database::uri::uri;
use crate::limits::RESTART_WAIT_MAX;

/// Page cache of the writing connection, in KiB. If the changes of a call do not fit, SQLite writes some of
/// them to the write-ahead log before the commit.
const WRITER_CACHE_KIB: i64 = 32 * 1024;
/// Size to which the write-ahead log is truncated after a checkpoint, in bytes.
const LOG_BYTES_KEPT: i64 = 64 * 1024 * 1024;
/// Maximum number of prepared statements that a connection keeps; more than the store has.
const STATEMENTS_MAX: usize = 64;

/// The connections of one store. Cheap to clone; clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Connections {
    writer: Pool,
    readers: Pool,
    disk: Arc<Disk>,
    checkpoints: Arc<Mutex<Schedule>>,
}

impl Connections {
    /// Creates the pools for an existing database. A connection is opened when it is first needed.
    pub(crate) fn new(path: &Path) -> Result<Self, BuildError> {
        Ok(Self {
            writer: pool(uri(path, "rw"), 1, prepare_writer)?,
            readers: pool(uri(path, "ro"), STORE_CONNECTIONS_MAX, prepare_reader)?,
            disk: Arc::default(),
            checkpoints: Arc::default(),
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
        let (disk, checkpoints) = (Arc::clone(&self.disk), Arc::clone(&self.checkpoints));
        let written = self.on_writer(move |connection| {
            // The disk may have failed while this call waited for the connection.
            disk.check()?;
            // Takes the write lock at once: SQLite can refuse it to a transaction that has read already.
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate);
            let transaction = transaction.map_err(store_error)?;
            let answer = call(&transaction)?;
            transaction.commit().map_err(|error| disk.note_commit(connection, error))?;
            // The changes are committed whatever the state of the log.
            let log = checkpoint(connection, Mode::Measure)
                .map_err(|error| disk.note_checkpoint(connection, error));
            Ok((answer, log.is_ok_and(|log| lock(&checkpoints).is_due(log.pages))))
        });
        let (answer, is_checkpoint_due) = written.await?;
        if is_checkpoint_due {
            tokio::spawn(self.clone().checkpoint_when_due());
        }
        Ok(answer)
    }

    /// Runs `call` with the writing connection, outside a transaction.
    async fn on_writer<T, F>(&self, call: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let connection = self.writer.get().await.map_err(pool_error)?;
        connection.interact(call).await.map_err(|error| interact_error(&error))?
    }

    /// Runs a checkpoint, unless another one has made it unnecessary.
    async fn checkpoint_when_due(self) {
        let checkpoints = Arc::clone(&self.checkpoints);
        let state =
            self.checkpoint(move |log| lock(&checkpoints).is_due(log.pages).then(|| mode_for(log.pages)));
        match state.await {
            Ok(LogState { is_blocked: true, pages, moved }) => {
                tracing::warn!(pages, moved, "a long read keeps the write-ahead log growing");
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(causes = error_chain(&error), "a checkpoint failed"),
        }
    }

    /// Moves all changes in the write-ahead log to the main file, and empties the log. Waits for readers.
    pub(crate) async fn empty_log(&self) -> Result<(), StoreError> {
        match self.checkpoint(|_| Some((Mode::Truncate, RESTART_WAIT_MAX))).await? {
            LogState { is_blocked: false, .. } => Ok(()),
            _ => {
                Err(StoreError::Unavailable("a read prevents the write-ahead log from being emptied".into()))
            }
        }
    }

    /// Runs the checkpoint that `choose` returns for the state of the log. Returns the new state.
    async fn checkpoint<F>(&self, choose: F) -> Result<LogState, StoreError>
    where
        F: FnOnce(LogState) -> Option<(Mode, Duration)> + Send + 'static,
    {
        let (disk, checkpoints) = (Arc::clone(&self.disk), Arc::clone(&self.checkpoints));
        self.on_writer(move |connection| {
            disk.check()?;
            let run =
                |mode| checkpoint(connection, mode).map_err(|error| disk.note_checkpoint(connection, error));
            let log = run(Mode::Measure)?;
            let Some((mode, wait)) = choose(log) else { return Ok(log) };
            connection.busy_timeout(wait).map_err(store_error)?;
            let log = run(mode);
            connection.busy_timeout(STORE_WAIT_TIMEOUT).map_err(store_error)?;
            let log = log?;
            lock(&checkpoints).note(log.pages);
            Ok(log)
        })
        .await
    }

    /// Fails if the disk has failed a commit or a checkpoint.
    pub(crate) fn check_disk(&self) -> Result<(), StoreError> {
        self.disk.check()
    }
}

fn lock(checkpoints: &Mutex<Schedule>) -> MutexGuard<'_, Schedule> {
    // No code under this lock can panic halfway through a change.
    checkpoints.lock().unwrap_or_else(PoisonError::into_inner)
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
    prepare: fn(&mut Connection) -> rusqlite::Result<()>,
) -> Result<Pool, BuildError> {
    let Ok(builder) = Config::new(uri).builder(Runtime::Tokio1);
    builder
        .max_size(connections_max)
        .wait_timeout(Some(STORE_WAIT_TIMEOUT))
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
