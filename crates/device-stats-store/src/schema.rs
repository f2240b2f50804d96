//! What can be wrong with the schema of a database, before a store is opened on it.

use crate::error::Cause;

/// Why a store cannot be opened, or its schema not be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// A newer version of the service has migrated the database.
    #[error(
        "the database has schema version {found}, but this binary knows only versions up to {known}: use a newer device-stats"
    )]
    Newer {
        /// Version of the database.
        found: i64,
        /// Latest version this binary knows.
        known: i64,
    },
    /// The database waits for migrations that were not to be applied now.
    #[error(
        "the database has schema version {found}, and this binary needs {known}: run `device-stats migrate`"
    )]
    Older {
        /// Version of the database; 0 where it is empty.
        found: i64,
        /// Version this binary needs.
        known: i64,
    },
    /// A migration that was applied differs from the one this binary knows by that version.
    #[error("the database was migrated by something else than device-stats")]
    Divergent(#[source] Cause),
    /// This is no database at all, or one that holds something else; it has been left alone.
    #[error("this is not a database of device-stats")]
    Foreign(#[source] Cause),
    /// The database cannot be reached now.
    #[error("the database cannot be reached")]
    Unavailable(#[source] Cause),
    /// A migration failed; it has been rolled back.
    #[error("a migration failed")]
    Failed(#[source] Cause),
}

impl SchemaError {
    /// Compares the version of a database with the latest one known.
    ///
    /// # Errors
    /// [`SchemaError::Newer`] and [`SchemaError::Older`] where they differ.
    pub fn compare(found: i64, known: i64) -> Result<(), Self> {
        match found.cmp(&known) {
            std::cmp::Ordering::Less => Err(Self::Older { found, known }),
            std::cmp::Ordering::Equal => Ok(()),
            std::cmp::Ordering::Greater => Err(Self::Newer { found, known }),
        }
    }
}
