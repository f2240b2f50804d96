//! What an error of SQLite means to a caller of the store. Whether a name was taken or an owner is missing is decided
//! where the statement is, since only there it is known what the statement wanted.

use deadpool_sqlite::{HookError, InteractError, PoolError};
use device_stats_store::StoreError;
use rusqlite::{Error, ErrorCode, ffi};

/// The meaning of an error before a commit: nothing has been done.
pub(crate) fn store_error(error: Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StoreError::OutOfSpace(error.into()),
        Some(
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::CannotOpen
            | ErrorCode::SystemIoFailure
            // What the file system says of a disk that it has remounted after a fault.
            | ErrorCode::ReadOnly
            | ErrorCode::OutOfMemory
            | ErrorCode::OperationInterrupted,
        ) => StoreError::Unavailable(error.into()),
        _ => StoreError::Broken(error.into()),
    }
}

/// The meaning of an error of `COMMIT`. Only a full disk and a lock are known to leave nothing behind: SQLite reports a
/// full disk when the last page of the log, which makes it a commit, could not be written.
pub(crate) fn commit_error(error: Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StoreError::OutOfSpace(error.into()),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Unavailable(error.into()),
        _ => StoreError::OutcomeUnknown(error.into()),
    }
}

/// Whether the disk failed, so that nothing can be said of what it was given to keep.
pub(crate) fn is_io_error(error: &Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::SystemIoFailure)
}

/// Whether a row refers to one that does not exist.
pub(crate) fn is_missing_parent(error: &Error) -> bool {
    error.sqlite_error().is_some_and(|cause| cause.extended_code == ffi::SQLITE_CONSTRAINT_FOREIGNKEY)
}

/// The meaning of a connection that could not be had.
pub(crate) fn pool_error(error: PoolError) -> StoreError {
    match error {
        PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)) => {
            store_error(error)
        }
        other => StoreError::Unavailable(other.into()),
    }
}

/// The meaning of a call that did not come to its end on its thread; its transaction has been rolled back.
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
    fn a_full_disk_is_out_of_space_whenever_it_is_noticed() {
        assert!(matches!(store_error(failure(ffi::SQLITE_FULL)), StoreError::OutOfSpace(_)));
        assert!(matches!(commit_error(failure(ffi::SQLITE_FULL)), StoreError::OutOfSpace(_)));
    }

    #[test]
    fn what_may_pass_is_unavailable() {
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
    fn what_will_not_pass_is_broken() {
        for code in [ffi::SQLITE_CORRUPT, ffi::SQLITE_NOTADB, ffi::SQLITE_ERROR, ffi::SQLITE_MISUSE] {
            assert!(matches!(store_error(failure(code)), StoreError::Broken(_)), "{code}");
        }
        assert!(matches!(store_error(Error::QueryReturnedNoRows), StoreError::Broken(_)));
    }

    #[test]
    fn after_an_io_error_of_a_commit_the_outcome_is_unknown() {
        for code in [ffi::SQLITE_IOERR, ffi::SQLITE_IOERR_FSYNC, ffi::SQLITE_IOERR_WRITE, ffi::SQLITE_NOMEM] {
            assert!(matches!(commit_error(failure(code)), StoreError::OutcomeUnknown(_)), "{code}");
        }
        assert!(is_io_error(&failure(ffi::SQLITE_IOERR_FSYNC)));
        assert!(!is_io_error(&failure(ffi::SQLITE_FULL)));
    }

    #[test]
    fn only_a_foreign_key_tells_of_a_missing_row() {
        assert!(is_missing_parent(&failure(ffi::SQLITE_CONSTRAINT_FOREIGNKEY)));
        assert!(!is_missing_parent(&failure(ffi::SQLITE_CONSTRAINT_UNIQUE)));
    }
}
