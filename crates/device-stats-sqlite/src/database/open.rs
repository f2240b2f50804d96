//! Opening and migrating a database file. Several processes can do this at the same time; a lock on a file
//! beside the database serializes them.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use device_stats_store::limits::STORE_CONNECT_TIMEOUT;
use device_stats_store::{Retry, SchemaError, StoreError};
use rusqlite::Connection;

use crate::database::checkpoint::{checkpoint_at_start, set_checkpoint_on_close};
use crate::database::connections::make_durable;
use crate::database::errors::store_error;
use crate::database::free_pages;
use crate::database::migrations::{apply, check, require_latest, schema_error};
use crate::database::uri::uri;
use crate::journal;

/// Page size of a new database, in bytes. A page is about as large as a segment's block. With smaller pages,
/// a block would be a chain of pages, and SQLite would read each page to find the next one.
const PAGE_BYTES: i64 = 16 * 1024;

/// The last schema version in which hot readings are rows of a table.
const BEFORE_JOURNAL: i64 = 2;

/// Migrates the database at `path` to the schema of this binary, and returns the names of the migrations that
/// it applied. Creates the file and its parent directories if they are missing. Either all missing migrations
/// are applied or none. If several processes call this function, each migration is applied once. The hot
/// readings of an older schema are moved into the journal before the function returns. In the end, a
/// checkpoint empties the write-ahead log, unless another process uses the database or the disk is full.
///
/// Blocks while another process migrates the database.
///
/// # Errors
/// Every [`SchemaError`] except [`SchemaError::Older`].
pub fn migrate(path: &Path) -> Result<Vec<String>, SchemaError> {
    create_parents(path).map_err(|error| SchemaError::Unavailable(error.into()))?;
    let _lock = lock(path).map_err(|error| SchemaError::Unavailable(error.into()))?;
    let mut connection = connect(path, "rwc")?;
    // The check comes before the first write, so a newer database, or a database of another program, stays
    // unchanged.
    if check(&connection)? == 0 {
        // Both have an effect only in a new database. In an existing one, the second would be a write.
        connection.pragma_update(None, "page_size", PAGE_BYTES).map_err(schema_error)?;
        free_pages::enable_return(&connection).map_err(schema_error)?;
    }
    use_log(&connection)?;
    let applied = apply(&mut connection)?;
    journal::adopt(&mut connection).map_err(|error| match error.retry() {
        Retry::Pointless => SchemaError::Failed(error.into()),
        Retry::Safe | Retry::IfRepeatable => SchemaError::Unavailable(error.into()),
    })?;
    checkpoint_at_start(&connection).map_err(schema_error)?;
    Ok(applied)
}

/// Checks that the database at `path` has the schema of this binary; applies no migration and creates no
/// file. Runs the same checkpoint as [`migrate`].
///
/// # Errors
/// Every [`SchemaError`] except [`SchemaError::Failed`].
pub(crate) fn require(path: &Path) -> Result<(), SchemaError> {
    if !path.try_exists().map_err(|error| SchemaError::Unavailable(error.into()))? {
        return require_latest(0);
    }
    let connection = connect(path, "rw")?;
    let found = check(&connection)?;
    let has_rows = journal::has_rows(&connection).map_err(|error| SchemaError::Unavailable(error.into()))?;
    // If there are rows, a migration was interrupted before it moved them into the journal. It counts as not
    // applied.
    require_latest(if has_rows { found.min(BEFORE_JOURNAL) } else { found })?;
    use_log(&connection)?;
    checkpoint_at_start(&connection).map_err(schema_error)
}

/// Runs `read` in one transaction of a new connection.
pub(crate) fn read<T>(
    path: &Path,
    read: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let mut connection = Connection::open(uri(path, "ro")).map_err(store_error)?;
    connection.busy_timeout(STORE_CONNECT_TIMEOUT).map_err(store_error)?;
    read(&*connection.transaction().map_err(store_error)?)
}

/// Opens a connection for a migration or a check. Mode `rwc` creates the file, mode `rw` does not.
fn connect(path: &Path, mode: &str) -> Result<Connection, SchemaError> {
    let connection = Connection::open(uri(path, mode)).map_err(schema_error)?;
    connection.busy_timeout(STORE_CONNECT_TIMEOUT).map_err(schema_error)?;
    make_durable(&connection).map_err(schema_error)?;
    // SQLite would discard the error of this checkpoint.
    set_checkpoint_on_close(&connection, false).map_err(schema_error)?;
    Ok(connection)
}

/// Enables the write-ahead log. The setting is stored in the file, so only the first call writes.
fn use_log(connection: &Connection) -> Result<(), SchemaError> {
    let mode: String = connection
        .pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))
        .map_err(schema_error)?;
    if mode == "wal" {
        Ok(())
    } else {
        Err(SchemaError::Unavailable(
            format!("the file system does not support a write-ahead log, only {mode:?}").into(),
        ))
    }
}

/// Creates the missing parent directories of `path`. Syncs the parent of each new directory, so that the new
/// directories survive a loss of power.
fn create_parents(path: &Path) -> io::Result<()> {
    let mut missing = Vec::new();
    let mut existing = None;
    for directory in path.ancestors().skip(1) {
        let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
        if directory.try_exists()? {
            existing = Some(directory);
            break;
        }
        missing.push(directory);
    }
    let Some(innermost) = missing.first() else { return Ok(()) };
    fs::create_dir_all(innermost)?;
    for directory in missing.iter().skip(1).copied().chain(existing) {
        File::open(directory)?.sync_all()?;
    }
    Ok(())
}

/// Waits until no other process migrates the database. The lock ends when the file is dropped or the process
/// dies.
fn lock(path: &Path) -> io::Result<File> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let lock = File::options().create(true).truncate(false).write(true).open(PathBuf::from(name))?;
    lock.lock()?;
    Ok(lock)
}
