//! Converts errors of PostgreSQL to errors of the store. Conflicts of names and owners are converted in
//! `accounts`, where the inserted values are known.

use std::error::Error as _;

use device_stats_store::StoreError;
use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

/// Error code that the database function `append_reserved` raises if another call was faster.
const OVERTAKEN: &str = "OV001";

/// Error code that the database function `require_reservation` raises if the database is an older copy.
const RESTORED: &str = "RS001";

/// Reason why a try of a call failed. It decides whether the call is retried.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A retry would fail again.
    Final(StoreError),
    /// Another call has changed the data that this one has read. Nothing has been done.
    Overtaken,
    /// The database failed before anything was committed.
    Before(Error),
    /// The database failed at a point at which it may have committed: at `COMMIT`, or at a statement that is
    /// its own transaction.
    Committing(Error),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Final(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Before(error)
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Final(error) => error,
            Failure::Overtaken => {
                StoreError::Unavailable("other calls change the same readings too often".into())
            }
            Failure::Before(error) => store_error(error),
            Failure::Committing(error) => commit_error(error),
        }
    }
}

/// Converts an error after which nothing has been done.
pub(crate) fn store_error(error: Error) -> StoreError {
    let code = error.code().map(SqlState::code);
    match code {
        Some(RESTORED) => StoreError::Restored,
        Some(code) if code == SqlState::DISK_FULL.code() => StoreError::OutOfSpace(error.into()),
        Some(code) if is_temporary(code) => StoreError::Unavailable(error.into()),
        None if is_lost(&error) => StoreError::Unavailable(error.into()),
        _ => StoreError::Broken(error.into()),
    }
}

/// Converts an error during a commit. If the server refuses a transaction, it rolls the transaction back. If
/// the server reports that it ends the connection, it has not committed either. The outcome is unknown if
/// there is no report, if the report comes from the network or a proxy (class 08), or if the server crashes.
fn commit_error(error: Error) -> StoreError {
    match error.code().map(SqlState::code) {
        Some(code) if !code.starts_with("08") && code != SqlState::CRASH_SHUTDOWN.code() => {
            store_error(error)
        }
        _ => StoreError::OutcomeUnknown(error.into()),
    }
}

/// Returns whether a later call can succeed: the server is stopping, starting or without capacity, a lock or
/// a statement took too long, or the server has become read-only.
fn is_temporary(code: &str) -> bool {
    ["08", "53", "57P"].iter().any(|class| code.starts_with(class))
        || [
            SqlState::QUERY_CANCELED,
            SqlState::LOCK_NOT_AVAILABLE,
            SqlState::T_R_SERIALIZATION_FAILURE,
            SqlState::T_R_DEADLOCK_DETECTED,
            SqlState::READ_ONLY_SQL_TRANSACTION,
            SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
        ]
        .iter()
        .any(|temporary| temporary.code() == code)
}

/// Returns whether the transaction failed because of a concurrent one. A retry can succeed.
pub(crate) fn is_conflict(error: &Error) -> bool {
    let conflicts = [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED];
    error.code().is_some_and(|code| conflicts.contains(code))
}

/// Returns whether the connection is lost.
pub(crate) fn is_lost(error: &Error) -> bool {
    match error.code() {
        Some(code) => {
            ["08", "57P"].iter().any(|class| code.code().starts_with(class))
                || *code == SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT
        }
        None => {
            error.is_closed() || error.source().is_some_and(<dyn std::error::Error>::is::<std::io::Error>)
        }
    }
}

/// Returns whether the server reported that it ended the connection and the statement: nothing was committed.
pub(crate) fn is_ended(error: &Error) -> bool {
    error.code() == Some(&SqlState::ADMIN_SHUTDOWN)
}

/// Returns whether the database rolled an append back because of a segment or another reading.
pub(crate) fn is_overtaken(error: &Error) -> bool {
    error.code().is_some_and(|code| code.code() == OVERTAKEN)
}

/// Returns whether a statement exceeded its time limit or the time limit of a lock.
pub(crate) fn is_timeout(error: &Error) -> bool {
    [SqlState::LOCK_NOT_AVAILABLE, SqlState::QUERY_CANCELED].iter().any(|late| error.code() == Some(late))
}

/// Returns whether the error, or one of its causes, is that a statement waited too long for a lock, or was
/// the victim of a deadlock.
pub(crate) fn is_lock_failure(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        let database = error.downcast_ref::<Error>();
        let code = database.and_then(Error::code);
        if code == Some(&SqlState::LOCK_NOT_AVAILABLE) || code == Some(&SqlState::T_R_DEADLOCK_DETECTED) {
            return true;
        }
        cause = error.source();
    }
    false
}

/// Returns whether a row references a missing row.
pub(crate) fn is_missing_parent(error: &Error) -> bool {
    error.code() == Some(&SqlState::FOREIGN_KEY_VIOLATION)
}

/// Returns whether the unique constraint of this name refused a row.
pub(crate) fn is_taken(error: &Error, constraint: &str) -> bool {
    error.code() == Some(&SqlState::UNIQUE_VIOLATION)
        && error.as_db_error().and_then(|error| error.constraint()) == Some(constraint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_errors_that_end_by_themselves_are_temporary() {
        for code in ["08006", "53300", "53200", "57P01", "57P02", "57P03", "57014", "55P03", "40001", "40P01"]
        {
            assert!(is_temporary(code), "{code}");
        }
        for code in ["42P01", "42601", "22003", "23505", "23503", "XX001", "57000"] {
            assert!(!is_temporary(code), "{code}");
        }
    }
}
