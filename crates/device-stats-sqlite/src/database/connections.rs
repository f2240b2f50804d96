//! The connections of a store: one that writes, several that read, and what is done about a failed disk. What a caller
//! does with a connection is the matter of the other modules.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use deadpool_sqlite::{BuildError, Config, Hook, HookError, Pool, Runtime};
use device_stats_domain::limits::{STORE_CONNECT_TIMEOUT, STORE_CONNECTIONS_MAX, STORE_WAIT_TIMEOUT};
use device_stats_store::StoreError;
use rusqlite::{Connection, TransactionBehavior};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::block_in_place;

use crate::database::errors::{commit_error, interact_error, is_io_error, pool_error, store_error};
use crate::database::uri::uri;

/// Memory of the writing connection for pages of the database, in KiB. A call that changes more spills into the log.
const WRITER_CACHE_KIB: i64 = 32 * 1024;
/// Size to which the log is cut after a checkpoint, in bytes, when a large call has made it grow.
const LOG_BYTES_KEPT: i64 = 64 * 1024 * 1024;
/// Statements a connection keeps prepared; more than there are.
const STATEMENTS_MAX: usize = 64;

/// The connections of one store. Cheap to clone; clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Connections {
    writer: Pool,
    readers: Pool,
    disk: Arc<Disk>,
}

impl Connections {
    /// Connections to a database that exists; each is opened when it is first needed.
    pub(crate) fn to(path: &Path) -> Result<Self, BuildError> {
        Ok(Self {
            writer: pool(uri(path, "rw"), 1, prepare_writer)?,
            readers: pool(uri(path, "ro"), STORE_CONNECTIONS_MAX, prepare_reader)?,
            disk: Arc::default(),
        })
    }

    /// Runs `call` in a read transaction: all it reads is of one moment.
    pub(crate) async fn read<T, F>(&self, call: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let connection = self.readers.get().await.map_err(pool_error)?;
        let answer = connection.interact(move |connection| in_transaction(connection, call));
        answer.await.map_err(|error| interact_error(&error))?
    }

    /// As [`Self::read`], but on the thread that asks, which waits for the disk meanwhile: what is asked for often and is
    /// in memory mostly is quicker read than handed to another thread and back. The runtime is told, and goes on.
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

    /// Runs `call` in a write transaction, and returns when that is committed and synced. Where `call` fails, nothing
    /// is done.
    pub(crate) async fn write<T, F>(&self, call: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        self.disk.check()?;
        let connection = self.writer.get().await.map_err(pool_error)?;
        let disk = Arc::clone(&self.disk);
        let answer = connection.interact(move |connection| {
            // A call that waited for its turn may have waited for the one that failed.
            disk.check()?;
            // At once the right to write: a transaction that asks for it after its first read may be refused it.
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate);
            let transaction = transaction.map_err(store_error)?;
            let answer = call(&transaction)?;
            transaction.commit().map_err(|error| disk.note_commit(error))?;
            Ok(answer)
        });
        answer.await.map_err(|error| interact_error(&error))?
    }

    /// Fails after the disk has failed a commit.
    pub(crate) fn check_disk(&self) -> Result<(), StoreError> {
        self.disk.check()
    }
}

/// Whether the disk is trusted. After a failed sync the system may take pages for written that never were, and a later
/// sync that succeeds says nothing of them; so after an I/O error of a commit nothing more is written until the
/// database has been opened, and thereby recovered, anew.
#[derive(Debug, Default)]
struct Disk {
    has_failed: AtomicBool,
}

impl Disk {
    fn check(&self) -> Result<(), StoreError> {
        if self.has_failed.load(Ordering::Acquire) {
            Err(StoreError::Unavailable("nothing is written after an I/O error until a restart".into()))
        } else {
            Ok(())
        }
    }

    /// Takes note of an error of `COMMIT`, and says what it means.
    fn note_commit(&self, error: rusqlite::Error) -> StoreError {
        if is_io_error(&error) {
            self.has_failed.store(true, Ordering::Release);
            tracing::error!(%error, "the disk failed a commit: nothing more is written until a restart");
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
    // The one pragma of these that answers with a row.
    connection.pragma_update_and_check(None, "journal_size_limit", LOG_BYTES_KEPT, |_| Ok(()))?;
    prepare_reader(connection)
}

fn prepare_reader(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(STORE_WAIT_TIMEOUT)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    Ok(())
}

/// What every connection that writes has to have, a migrating one too.
pub(crate) fn make_durable(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)
}

#[cfg(test)]
mod tests {
    use device_stats_domain::Page;
    use rusqlite::ffi;

    use super::*;
    use crate::SqliteStore;

    fn pragma(connection: &Connection, name: &str) -> Result<String, StoreError> {
        let value: Result<rusqlite::types::Value, _> =
            connection.pragma_query_value(None, name, |row| row.get(0));
        value.map(|value| format!("{value:?}")).map_err(store_error)
    }

    #[tokio::test]
    async fn commits_are_synced() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("a.db"), true).unwrap();
        for (name, expected) in [
            ("synchronous", "Integer(2)"),
            ("journal_mode", "Text(\"wal\")"),
            ("page_size", "Integer(16384)"),
            ("foreign_keys", "Integer(1)"),
            ("temp_store", "Integer(2)"),
            ("busy_timeout", "Integer(1000)"),
            ("cache_size", "Integer(-32768)"),
            ("journal_size_limit", "Integer(67108864)"),
        ] {
            let value = store.connections.write(move |connection| pragma(connection, name)).await.unwrap();
            assert_eq!(value, expected, "{name}");
        }
    }

    #[tokio::test]
    async fn a_reading_connection_cannot_write() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("a.db"), true).unwrap();
        let refused = store.connections.read(|connection| {
            connection.execute("DELETE FROM users", []).map_err(store_error)?;
            Ok(())
        });
        assert!(matches!(refused.await, Err(StoreError::Unavailable(_))));
    }

    #[tokio::test]
    async fn a_full_database_takes_no_more_until_there_is_room() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("a.db"), true).unwrap();
        let pages_max = async |pages: i64| {
            let set = move |connection: &Connection| {
                connection
                    .pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))
                    .map_err(store_error)
            };
            store.connections.write(set).await
        };
        let fill = async || {
            let insert =
                "INSERT INTO users (username, email) VALUES (hex(randomblob(9000)), hex(randomblob(9)))";
            let fill = move |connection: &Connection| connection.execute(insert, []).map_err(store_error);
            store.connections.write(fill).await
        };
        pages_max(1).await.unwrap();
        for _ in 0..3 {
            assert!(matches!(fill().await, Err(StoreError::OutOfSpace(_))));
        }
        store
            .connections
            .read(|connection| crate::accounts::users::list(connection, Page::FIRST))
            .await
            .unwrap();
        pages_max(1_000).await.unwrap();
        assert_eq!(fill().await.unwrap(), 1);
    }

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

    #[tokio::test]
    async fn a_call_that_panics_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("a.db"), true).unwrap();
        let panicking = store.connections.write(|connection| -> Result<(), StoreError> {
            connection.execute("UPDATE id_block SET next = 77", []).map_err(store_error)?;
            panic!("this test wants it")
        });
        assert!(matches!(panicking.await, Err(StoreError::Broken(_))));
        let ids = crate::readings::ids::reserve;
        assert_eq!(store.connections.write(move |connection| ids(connection, 1)).await.unwrap(), 1..2);
    }
}
