//! The connections of a store: one connection writes, several connections read. After a failed sync, the
//! store writes nothing more.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use deadpool_sqlite::{BuildError, Config, Hook, HookError, Pool, Runtime};
use device_stats_store::StoreError;
use device_stats_store::limits::{STORE_CONNECT_TIMEOUT, STORE_CONNECTIONS_MAX, STORE_WAIT_TIMEOUT};
use rusqlite::{Connection, TransactionBehavior};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::block_in_place;

use crate::database::errors::{commit_error, interact_error, is_io_error, pool_error, store_error};
use crate::database::uri::uri;

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
}

impl Connections {
    /// Creates the pools for an existing database. A connection is opened when it is first needed.
    pub(crate) fn new(path: &Path) -> Result<Self, BuildError> {
        Ok(Self {
            writer: pool(uri(path, "rw"), 1, prepare_writer)?,
            readers: pool(uri(path, "ro"), STORE_CONNECTIONS_MAX, prepare_reader)?,
            disk: Arc::default(),
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
        let connection = self.writer.get().await.map_err(pool_error)?;
        let disk = Arc::clone(&self.disk);
        let answer = connection.interact(move |connection| {
            // The disk may have failed while this call waited for the connection.
            disk.check()?;
            // Takes the write lock at once: SQLite can refuse it to a transaction that has read already.
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate);
            let transaction = transaction.map_err(store_error)?;
            let answer = call(&transaction)?;
            transaction.commit().map_err(|error| disk.note_commit(error))?;
            Ok(answer)
        });
        answer.await.map_err(|error| interact_error(&error))?
    }

    /// Fails if the disk has failed a commit.
    pub(crate) fn check_disk(&self) -> Result<(), StoreError> {
        self.disk.check()
    }
}

/// The state of the disk. After a failed sync, the kernel can mark pages as clean although it has not written
/// them. A later sync then succeeds without writing them. So after an I/O error during a commit, the store
/// writes nothing more. Opening the database again recovers it.
#[derive(Debug, Default)]
struct Disk {
    has_failed: AtomicBool,
}

impl Disk {
    fn check(&self) -> Result<(), StoreError> {
        if self.has_failed.load(Ordering::Acquire) {
            Err(StoreError::Unavailable("writing is disabled after an I/O error; restart to recover".into()))
        } else {
            Ok(())
        }
    }

    /// Converts an error of `COMMIT`; an I/O error disables writing.
    fn note_commit(&self, error: rusqlite::Error) -> StoreError {
        if is_io_error(&error) {
            self.has_failed.store(true, Ordering::Release);
            tracing::error!(%error, "the disk failed a commit; writing is disabled until a restart");
        }
        commit_error(error)
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

/// Settings of every connection that writes, including a migrating one.
pub(crate) fn make_durable(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)
}

#[cfg(test)]
mod tests {
    use rusqlite::ffi;

    use super::*;

    #[test]
    fn an_io_error_of_a_commit_stops_the_writer() {
        let failure = |code| rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
        let disk = Disk::default();
        for harmless in [ffi::SQLITE_FULL, ffi::SQLITE_BUSY] {
            disk.note_commit(failure(harmless));
            assert!(disk.check().is_ok());
        }
        assert!(matches!(disk.note_commit(failure(ffi::SQLITE_IOERR_FSYNC)), StoreError::OutcomeUnknown(_)));
        assert!(matches!(disk.check(), Err(StoreError::Unavailable(_))));
    }
}
