//! What an error of PostgreSQL means to a caller of the store. Whether a name was taken or an owner is missing is
//! decided where the statement is, since only there it is known what the statement wanted.

use std::error::Error as _;

use device_stats_store::StoreError;
use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

/// What `append_untouched` fails with.
const OVERTAKEN: &str = "OV001";

/// Why a call of the store failed, before it is decided whether it is made again.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A call made again would fail again.
    Final(StoreError),
    /// Others have changed meanwhile what the call had looked at. Nothing has been done.
    Overtaken,
    /// The database failed before anything was committed.
    Before(Error),
    /// The database failed while it may have committed: at `COMMIT`, or at a statement that is its own transaction.
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
                StoreError::Unavailable("others change the same readings all the time".into())
            }
            Failure::Before(error) => store_error(error),
            Failure::Committing(error) => commit_error(error),
        }
    }
}

/// The meaning of an error that has left nothing behind.
pub(crate) fn store_error(error: Error) -> StoreError {
    let code = error.code().map(SqlState::code);
    match code {
        Some(code) if code == SqlState::DISK_FULL.code() => StoreError::OutOfSpace(error.into()),
        Some(code) if may_pass(code) => StoreError::Unavailable(error.into()),
        None if is_lost(&error) => StoreError::Unavailable(error.into()),
        _ => StoreError::Broken(error.into()),
    }
}

/// The meaning of an error while it was committed. What the server refused is rolled back, and a server that ends a
/// connection with a word of its own does so before it commits. Without a word nothing is known; nor is it with the word
/// of something before the server (class 08), or of one that crashes.
fn commit_error(error: Error) -> StoreError {
    match error.code().map(SqlState::code) {
        Some(code) if !code.starts_with("08") && code != SqlState::CRASH_SHUTDOWN.code() => {
            store_error(error)
        }
        _ => StoreError::OutcomeUnknown(error.into()),
    }
}

/// Whether a later call may succeed: the server is stopping, starting or without capacity; somebody held a lock too
/// long; the statement took too long; the server has become one that only reads.
fn may_pass(code: &str) -> bool {
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
        .any(|passing| passing.code() == code)
}

/// Whether the transaction lost against another one, and may win if it is run again.
pub(crate) fn is_conflict(error: &Error) -> bool {
    let conflicts = [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED];
    error.code().is_some_and(|code| conflicts.contains(code))
}

/// Whether the connection is gone.
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

/// Whether the server has said that it ended the connection, and thereby the statement: nothing was committed.
pub(crate) fn is_ended(error: &Error) -> bool {
    error.code() == Some(&SqlState::ADMIN_SHUTDOWN)
}

/// Whether the database has undone an append, because a segment or another reading was in its way.
pub(crate) fn is_overtaken(error: &Error) -> bool {
    error.code().is_some_and(|code| code.code() == OVERTAKEN)
}

/// Whether a statement waited too long, for a lock or altogether.
pub(crate) fn is_timeout(error: &Error) -> bool {
    [SqlState::LOCK_NOT_AVAILABLE, SqlState::QUERY_CANCELED].iter().any(|late| error.code() == Some(late))
}

/// Whether a row refers, or was to refer, to one that does not exist.
pub(crate) fn is_missing_parent(error: &Error) -> bool {
    error.code() == Some(&SqlState::FOREIGN_KEY_VIOLATION)
}

/// Whether a row was refused by the unique constraint of that name.
pub(crate) fn is_taken(error: &Error, constraint: &str) -> bool {
    error.code() == Some(&SqlState::UNIQUE_VIOLATION)
        && error.as_db_error().and_then(|error| error.constraint()) == Some(constraint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_by_itself_may_pass() {
        for code in ["08006", "53300", "53200", "57P01", "57P02", "57P03", "57014", "55P03", "40001", "40P01"]
        {
            assert!(may_pass(code), "{code}");
        }
        for code in ["42P01", "42601", "22003", "23505", "23503", "XX001", "57000"] {
            assert!(!may_pass(code), "{code}");
        }
    }
}
