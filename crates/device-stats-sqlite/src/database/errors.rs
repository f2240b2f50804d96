//! Converts errors of SQLite to errors of the store. Conflicts of names and owners are converted in
//! `accounts`, where the inserted values are known.

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
            // The file system was remounted read-only after a fault.
            | ErrorCode::ReadOnly
            | ErrorCode::OutOfMemory
            | ErrorCode::OperationInterrupted,
        ) => StoreError::Unavailable(error.into()),
        _ => StoreError::Broken(error.into()),
    }
}

/// Converts an error of `COMMIT`. After a full disk or a lock, it is certain that nothing was committed.
/// After any other error, the outcome is unknown. SQLite reports a full disk if it cannot write the last page
/// of the log, and only that page completes a commit.
pub(crate) fn commit_error(error: Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StoreError::OutOfSpace(error.into()),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Unavailable(error.into()),
        _ => StoreError::OutcomeUnknown(error.into()),
    }
}

/// Returns whether the disk failed. The state of written data is then unknown.
pub(crate) fn is_io_error(error: &Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::SystemIoFailure)
}

/// Returns whether a row references a missing row.
pub(crate) fn is_missing_parent(error: &Error) -> bool {
    error.sqlite_error().is_some_and(|cause| cause.extended_code == ffi::SQLITE_CONSTRAINT_FOREIGNKEY)
}

/// Converts an error of the connection pool.
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
