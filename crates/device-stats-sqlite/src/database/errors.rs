//! Errors of SQLite as errors of the store. The modules of users and devices convert conflicts of names and
//! owners, since only they know the inserted values.

use deadpool_sqlite::{HookError, InteractError, PoolError};
use device_stats_store::StoreError;
use rusqlite::{Error, ErrorCode, ffi};

/// Converts an error before a commit: nothing has been done.
pub(crate) fn store_error(error: Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StoreError::OutOfSpace(error.into()),
        Some(
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::CannotOpen
            | ErrorCode::SystemIoFailure
            // A file system that was remounted read-only after a fault.
            | ErrorCode::ReadOnly
            | ErrorCode::OutOfMemory
            | ErrorCode::OperationInterrupted,
        ) => StoreError::Unavailable(error.into()),
        _ => StoreError::Broken(error.into()),
    }
}

/// Converts an error of `COMMIT`. Only after a full disk or a lock nothing has been done for sure: SQLite
/// reports a full disk when it could not write the last page of the log, which completes a commit.
pub(crate) fn commit_error(error: Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StoreError::OutOfSpace(error.into()),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Unavailable(error.into()),
        _ => StoreError::OutcomeUnknown(error.into()),
    }
}

/// Whether the disk failed, so that the state of written data is unknown.
pub(crate) fn is_io_error(error: &Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::SystemIoFailure)
}

/// Whether a row references a missing row.
pub(crate) fn is_missing_parent(error: &Error) -> bool {
    error.sqlite_error().is_some_and(|cause| cause.extended_code == ffi::SQLITE_CONSTRAINT_FOREIGNKEY)
}

/// Converts an error of getting a connection.
pub(crate) fn pool_error(error: PoolError) -> StoreError {
    match error {
        PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)) => {
            store_error(error)
        }
        other => StoreError::Unavailable(other.into()),
    }
}

/// Converts an error of a call that did not finish on its thread; its transaction has been rolled back.
pub(crate) fn interact_error(error: &InteractError) -> StoreError {
    match error {
        InteractError::Panic(_) => StoreError::Broken("a call of the store panicked".into()),
        InteractError::Cancelled => StoreError::Unavailable("the runtime is shutting down".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(extended_code: i32) -> Error {
        Error::SqliteFailure(ffi::Error::new(extended_code), None)
    }

    #[test]
    fn a_full_disk_is_out_of_space_before_and_during_a_commit() {
        assert!(matches!(store_error(failure(ffi::SQLITE_FULL)), StoreError::OutOfSpace(_)));
        assert!(matches!(commit_error(failure(ffi::SQLITE_FULL)), StoreError::OutOfSpace(_)));
    }

    #[test]
    fn temporary_errors_are_unavailable() {
        for code in [
            ffi::SQLITE_BUSY,
            ffi::SQLITE_BUSY_SNAPSHOT,
            ffi::SQLITE_LOCKED,
            ffi::SQLITE_CANTOPEN,
            ffi::SQLITE_IOERR,
            ffi::SQLITE_IOERR_READ,
            ffi::SQLITE_READONLY,
            ffi::SQLITE_NOMEM,
        ] {
            assert!(matches!(store_error(failure(code)), StoreError::Unavailable(_)), "{code}");
        }
    }

    #[test]
    fn permanent_errors_are_broken() {
        for code in [ffi::SQLITE_CORRUPT, ffi::SQLITE_NOTADB, ffi::SQLITE_ERROR, ffi::SQLITE_MISUSE] {
            assert!(matches!(store_error(failure(code)), StoreError::Broken(_)), "{code}");
        }
        assert!(matches!(store_error(Error::QueryReturnedNoRows), StoreError::Broken(_)));
    }

    #[test]
    fn the_outcome_is_unknown_after_an_io_error_of_a_commit() {
        for code in [ffi::SQLITE_IOERR, ffi::SQLITE_IOERR_FSYNC, ffi::SQLITE_IOERR_WRITE, ffi::SQLITE_NOMEM] {
            assert!(matches!(commit_error(failure(code)), StoreError::OutcomeUnknown(_)), "{code}");
        }
        assert!(is_io_error(&failure(ffi::SQLITE_IOERR_FSYNC)));
        assert!(!is_io_error(&failure(ffi::SQLITE_FULL)));
    }

    #[test]
    fn only_a_foreign_key_violation_is_a_missing_parent() {
        assert!(is_missing_parent(&failure(ffi::SQLITE_CONSTRAINT_FOREIGNKEY)));
        assert!(!is_missing_parent(&failure(ffi::SQLITE_CONSTRAINT_UNIQUE)));
    }
}
