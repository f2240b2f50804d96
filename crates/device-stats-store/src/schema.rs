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

/// One version of a schema, as a binary knows it or a database says it has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaVersion {
    /// Its number; 1 and up.
    pub version: i64,
    /// Its name.
    pub name: String,
    /// What tells it from another one of that number and name.
    pub checksum: String,
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

    /// Compares what a database says it has with what a binary knows, and returns the version of the database, 0 where
    /// it is empty.
    ///
    /// # Errors
    /// [`SchemaError::Newer`], and [`SchemaError::Divergent`] where a version is known differently.
    pub fn check(applied: &[SchemaVersion], known: &[SchemaVersion]) -> Result<i64, Self> {
        let latest = |versions: &[SchemaVersion]| versions.iter().map(|it| it.version).max().unwrap_or(0);
        let (found, latest_known) = (latest(applied), latest(known));
        if found > latest_known {
            return Err(Self::Newer { found, known: latest_known });
        }
        match applied.iter().find(|applied| !known.contains(applied)) {
            Some(other) => {
                let what = format!("version {} is another one than this binary's", other.version);
                Err(Self::Divergent(what.into()))
            }
            None => Ok(found),
        }
    }
}
