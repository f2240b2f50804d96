//! From the settings to an open store, or to a migrated database. A PostgreSQL that is not up yet is waited for.

use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use device_stats_domain::limits::STORE_START_TIMEOUT;
use device_stats_postgres::{InvalidPostgresUrl, PostgresConfig, PostgresStore};
use device_stats_sqlite::SqliteStore;
use device_stats_store::{SchemaError, Store};
use tokio::time::{Instant, sleep};

use crate::settings::{Database, Migrate, PostgresParts, Secret, Settings};

/// How long after a failed attempt the next one is made.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DatabaseError {
    /// The URL of a PostgreSQL is not understood.
    #[error("--database-url or DATABASE_URL is not understood")]
    Url(#[source] InvalidPostgresUrl),
    /// The database cannot be opened or migrated.
    #[error("cannot use the database {database}")]
    Schema {
        /// The database, without its password.
        database: String,
        /// What is wrong with it.
        #[source]
        source: SchemaError,
    },
}

/// A database, and how to reach it.
enum Target<'a> {
    Sqlite(&'a Path),
    Postgres(Box<PostgresConfig>),
}

/// Opens the store that the settings choose.
///
/// # Errors
/// [`DatabaseError`], for PostgreSQL that cannot be reached after [`STORE_START_TIMEOUT`].
pub(crate) async fn open(settings: &Settings) -> Result<Arc<dyn Store>, DatabaseError> {
    let migrate = settings.migrate == Migrate::OnStart;
    let opened: Result<Arc<dyn Store>, SchemaError> = match target(settings)? {
        Target::Sqlite(path) => blocking(path, move |path| SqliteStore::open(path, migrate))
            .await
            .map(|store| Arc::new(store) as Arc<dyn Store>),
        Target::Postgres(config) => when_reachable(|| PostgresStore::open(&config, migrate))
            .await
            .map(|store| Arc::new(store) as Arc<dyn Store>),
    };
    opened.map_err(|source| schema_error(settings, source))
}

/// Brings the database that the settings choose to the schema of this binary, and returns the names of the migrations
/// that were applied now.
///
/// # Errors
/// [`DatabaseError`], for PostgreSQL that cannot be reached after [`STORE_START_TIMEOUT`].
pub(crate) async fn migrate(settings: &Settings) -> Result<Vec<String>, DatabaseError> {
    let applied = match target(settings)? {
        Target::Sqlite(path) => blocking(path, device_stats_sqlite::migrate).await,
        Target::Postgres(config) => when_reachable(|| device_stats_postgres::migrate(&config)).await,
    };
    applied.map_err(|source| schema_error(settings, source))
}

fn schema_error(settings: &Settings, source: SchemaError) -> DatabaseError {
    DatabaseError::Schema { database: settings.database.to_string(), source }
}

fn target(settings: &Settings) -> Result<Target<'_>, DatabaseError> {
    let config = match &settings.database {
        Database::Sqlite(path) => return Ok(Target::Sqlite(path)),
        Database::PostgresUrl(url) => PostgresConfig::from_url(url.reveal()).map_err(DatabaseError::Url)?,
        Database::PostgresParts(PostgresParts { host, port, user, password, dbname }) => {
            let password = password.as_ref().map(Secret::reveal);
            PostgresConfig::from_parts(host, *port, user, password, dbname)
        }
    };
    Ok(Target::Postgres(Box::new(match &settings.database_ca {
        Some(file) => config.with_ca_file(file.clone()),
        None => config,
    })))
}

/// Runs what blocks where it may.
async fn blocking<T: Send + 'static>(
    path: &Path,
    work: impl FnOnce(&Path) -> Result<T, SchemaError> + Send + 'static,
) -> Result<T, SchemaError> {
    let path = path.to_owned();
    match tokio::task::spawn_blocking(move || work(&path)).await {
        Ok(result) => result,
        Err(error) => Err(SchemaError::Failed(error.into())),
    }
}

/// Tries until the database can be reached, or for [`STORE_START_TIMEOUT`].
async fn when_reachable<T, F>(attempt: impl Fn() -> F) -> Result<T, SchemaError>
where
    F: Future<Output = Result<T, SchemaError>>,
{
    let deadline = Instant::now() + STORE_START_TIMEOUT;
    loop {
        match attempt().await {
            Err(SchemaError::Unavailable(cause)) if Instant::now() + RETRY_PAUSE < deadline => {
                tracing::warn!(cause, "the database cannot be reached yet, trying again");
                sleep(RETRY_PAUSE).await;
            }
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests {
    //! Which failures are worth another attempt.

    use std::cell::Cell;

    use super::*;

    fn attempts_until(failures: u32, error: fn() -> SchemaError) -> (u32, Result<(), SchemaError>) {
        let attempts = Cell::new(0);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let result = runtime.block_on(when_reachable(|| {
            attempts.set(attempts.get() + 1);
            let result = if attempts.get() > failures { Ok(()) } else { Err(error()) };
            std::future::ready(result)
        }));
        (attempts.get(), result)
    }

    #[test]
    fn a_database_that_comes_up_is_waited_for() {
        let (attempts, result) = attempts_until(1, || SchemaError::Unavailable("refused".into()));
        assert!(result.is_ok());
        assert_eq!(attempts, 2);
    }

    #[test]
    fn what_waiting_does_not_mend_fails_at_once() {
        let (attempts, result) = attempts_until(9, || SchemaError::Newer { found: 9, known: 1 });
        assert!(matches!(result, Err(SchemaError::Newer { .. })));
        assert_eq!(attempts, 1);
    }
}
