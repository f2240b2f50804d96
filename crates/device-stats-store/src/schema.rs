//! Schema versions, and why a store cannot be opened on a database.

use crate::error::Cause;

/// Why a store cannot be opened or migrated.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// A newer version of the service has migrated the database.
    #[error(
        "the database has schema version {found}, but this binary knows only versions up to {known}: use a newer device-stats"
    )]
    Newer {
        /// Version of the database.
        found: i64,
        /// Latest version that this binary knows.
        known: i64,
    },
    /// The database needs migrations, and the caller did not allow them.
    #[error(
        "the database has schema version {found}, and this binary needs {known}: run `device-stats migrate`"
    )]
    Older {
        /// Version of the database; 0 if it is empty.
        found: i64,
        /// Version that this binary needs.
        known: i64,
    },
    /// An applied migration differs from this binary's migration of the same version.
    #[error("the database was migrated by a program other than device-stats")]
    Divergent(#[source] Cause),
    /// This is not a database, or it belongs to another program. It has not been changed.
    #[error("this is not a database of device-stats")]
    Foreign(#[source] Cause),
    /// The database is damaged. It has not been changed.
    #[error("the database is damaged; restore a backup")]
    Damaged(#[source] Cause),
    /// The database cannot be reached.
    #[error("the database cannot be reached")]
    Unavailable(#[source] Cause),
    /// The database cannot be used with these settings of the connection, and waiting does not help.
    #[error("the database cannot be used over this connection")]
    Unsuitable(#[source] Cause),
    /// A migration failed and has been rolled back.
    #[error("a migration failed")]
    Failed(#[source] Cause),
}

/// One version of a schema: known to a binary, or applied to a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaVersion {
    /// Version number; 1 and up.
    pub version: i64,
    /// Name of the migration.
    pub name: String,
    /// Checksum of the migration.
    pub checksum: String,
}

impl SchemaError {
    /// Compares the version of a database with the latest known version.
    ///
    /// # Errors
    /// [`SchemaError::Newer`] and [`SchemaError::Older`] if they differ.
    pub fn compare(found: i64, known: i64) -> Result<(), Self> {
        match found.cmp(&known) {
            std::cmp::Ordering::Less => Err(Self::Older { found, known }),
            std::cmp::Ordering::Equal => Ok(()),
            std::cmp::Ordering::Greater => Err(Self::Newer { found, known }),
        }
    }

    /// Compares the applied with the known versions, and returns the version of the database, 0 if it is
    /// empty.
    ///
    /// # Errors
    /// [`SchemaError::Newer`], and [`SchemaError::Divergent`] if an applied version differs from the known
    /// one.
    pub fn check(applied: &[SchemaVersion], known: &[SchemaVersion]) -> Result<i64, Self> {
        let latest = |versions: &[SchemaVersion]| versions.iter().map(|one| one.version).max().unwrap_or(0);
        let (found, latest_known) = (latest(applied), latest(known));
        if found > latest_known {
            return Err(Self::Newer { found, known: latest_known });
        }
        match applied.iter().find(|applied| !known.contains(applied)) {
            Some(other) => {
                let what = format!("version {} differs from this binary's", other.version);
                Err(Self::Divergent(what.into()))
            }
            None => Ok(found),
        }
    }
}
