//! The state of the disk. After a failed sync, the kernel can mark pages as clean although it has not written
//! them. A later sync then succeeds without writing them. So after an I/O error during a commit or a
//! checkpoint, the store writes nothing more. Opening the database again recovers it.

use std::sync::atomic::{AtomicBool, Ordering};

use device_stats_store::StoreError;
use rusqlite::Connection;

use crate::database::checkpoint::set_checkpoint_on_close;
use crate::database::errors::{commit_error, is_io_error, store_error};

/// Whether the disk has failed.
#[derive(Debug, Default)]
pub(crate) struct Disk {
    has_failed: AtomicBool,
}

impl Disk {
    /// Fails if the disk has failed.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        if self.has_failed.load(Ordering::Acquire) {
            Err(StoreError::Unavailable("writing is disabled after an I/O error; restart to recover".into()))
        } else {
            Ok(())
        }
    }

    /// Converts an error of `COMMIT`; an I/O error disables writing.
    pub(crate) fn note_commit(&self, connection: &Connection, error: rusqlite::Error) -> StoreError {
        self.note(connection, &error, "commit");
        commit_error(error)
    }

    /// Converts an error of a checkpoint; an I/O error disables writing. The changes that were to be moved
    /// are still in the write-ahead log.
    pub(crate) fn note_checkpoint(&self, connection: &Connection, error: rusqlite::Error) -> StoreError {
        self.note(connection, &error, "checkpoint");
        store_error(error)
    }

    fn note(&self, connection: &Connection, error: &rusqlite::Error, action: &str) {
        if is_io_error(error) {
            self.has_failed.store(true, Ordering::Release);
            tracing::error!(%error, action, "the disk failed; writing is disabled until a restart");
            // Closing the connection must not write either.
            if let Err(error) = set_checkpoint_on_close(connection, false) {
                tracing::error!(%error, "the checkpoint of a closing connection cannot be disabled");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::config::DbConfig;
    use rusqlite::ffi;

    use super::*;

    fn failure(code: i32) -> rusqlite::Error {
        rusqlite::Error::SqliteFailure(ffi::Error::new(code), None)
    }

    fn is_closed_silently(connection: &Connection) -> bool {
        connection.db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE).unwrap()
    }

    #[test]
    fn an_io_error_of_a_commit_stops_the_writer() {
        let (disk, connection) = (Disk::default(), Connection::open_in_memory().unwrap());
        for harmless in [ffi::SQLITE_FULL, ffi::SQLITE_BUSY] {
            disk.note_commit(&connection, failure(harmless));
            assert!(disk.check().is_ok() && !is_closed_silently(&connection));
        }
        let error = disk.note_commit(&connection, failure(ffi::SQLITE_IOERR_FSYNC));
        assert!(matches!(error, StoreError::OutcomeUnknown(_)));
        assert!(matches!(disk.check(), Err(StoreError::Unavailable(_))));
        assert!(is_closed_silently(&connection));
    }

    #[test]
    fn an_io_error_of_a_checkpoint_stops_the_writer() {
        let (disk, connection) = (Disk::default(), Connection::open_in_memory().unwrap());
        let full = disk.note_checkpoint(&connection, failure(ffi::SQLITE_FULL));
        assert!(matches!(full, StoreError::OutOfSpace(_)) && disk.check().is_ok());
        // No call asked for the checkpoint, so no outcome is unknown.
        let error = disk.note_checkpoint(&connection, failure(ffi::SQLITE_IOERR_WRITE));
        assert!(matches!(error, StoreError::Unavailable(_)) && disk.check().is_err());
        assert!(is_closed_silently(&connection));
    }
}
