//! Opens or migrates the database of the settings. Waits for a PostgreSQL server that is still starting.

use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use device_stats_postgres::{InvalidPostgresUrl, PostgresConfig, PostgresStore};
use device_stats_sqlite::SqliteStore;
use device_stats_store::{SchemaError, Store};
use secrecy::ExposeSecret;
use tokio::time::{Instant, sleep};

use crate::limits::STORE_START_TIMEOUT;
use crate::settings::{Database, Migrate, Settings};

/// Pause between two attempts to reach PostgreSQL.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// An error that prevents the use of a database.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DatabaseError {
    /// The URL of PostgreSQL is invalid.
    #[error("--database-url or DATABASE_URL is not a valid URL of PostgreSQL")]
    Url(#[source] InvalidPostgresUrl),
    /// The database cannot be opened or migrated.
    #[error("cannot use the database {database}")]
    Schema {
        /// URL of the database, without its password.
        database: String,
        /// The cause.
        #[source]
        source: SchemaError,
    },
}

/// The parameters of a connection.
enum Connection<'a> {
    Sqlite(&'a Path),
    Postgres(Box<PostgresConfig>),
}

/// Opens the database of the settings.
///
/// # Errors
/// [`DatabaseError`]. If PostgreSQL is unreachable, the error comes after [`STORE_START_TIMEOUT`].
pub(crate) async fn open(settings: &Settings) -> Result<Arc<dyn Store>, DatabaseError> {
    let migrate = settings.migrate == Migrate::OnStart;
    let opened: Result<Arc<dyn Store>, SchemaError> = match connection(settings)? {
        Connection::Sqlite(path) => blocking(path, move |path| SqliteStore::open(path, migrate))
            .await
            .map(|store| Arc::new(store) as Arc<dyn Store>),
        Connection::Postgres(config) => wait_until_reachable(|| PostgresStore::open(&config, migrate))
            .await
            .map(|store| Arc::new(store) as Arc<dyn Store>),
    };
    opened.map_err(|source| schema_error(settings, source))
}

/// Applies missing migrations to the database of the settings, and returns their names.
///
/// # Errors
/// [`DatabaseError`]. If PostgreSQL is unreachable, the error comes after [`STORE_START_TIMEOUT`].
pub(crate) async fn migrate(settings: &Settings) -> Result<Vec<String>, DatabaseError> {
    let applied = match connection(settings)? {
        Connection::Sqlite(path) => blocking(path, device_stats_sqlite::migrate).await,
        Connection::Postgres(config) => {
            wait_until_reachable(|| device_stats_postgres::migrate(&config)).await
        }
    };
    applied.map_err(|source| schema_error(settings, source))
}

fn schema_error(settings: &Settings, source: SchemaError) -> DatabaseError {
    DatabaseError::Schema { database: settings.database.to_string(), source }
}

fn connection(settings: &Settings) -> Result<Connection<'_>, DatabaseError> {
    let config = match &settings.database {
        Database::Sqlite(path) => return Ok(Connection::Sqlite(path)),
        Database::PostgresUrl(url) => {
            PostgresConfig::from_url(url.expose_secret()).map_err(DatabaseError::Url)?
        }
        Database::PostgresServer { host, port, user, password, dbname } => {
            let password = password.as_ref().map(ExposeSecret::expose_secret);
            PostgresConfig::from_parts(host, *port, user, password, dbname)
        }
    };
    Ok(Connection::Postgres(Box::new(match &settings.database_ca {
        Some(file) => config.with_ca_file(file.clone()),
        None => config,
    })))
}

/// Runs blocking work on a thread of its own.
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

/// Repeats an attempt while the database is unreachable, for up to [`STORE_START_TIMEOUT`].
async fn wait_until_reachable<T, F>(attempt: impl Fn() -> F) -> Result<T, SchemaError>
where
    F: Future<Output = Result<T, SchemaError>>,
{
    let deadline = Instant::now() + STORE_START_TIMEOUT;
    loop {
        match attempt().await {
            Err(SchemaError::Unavailable(cause)) if Instant::now() + RETRY_PAUSE < deadline => {
                tracing::warn!(cause, "database unreachable, trying again");
                sleep(RETRY_PAUSE).await;
            }
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn attempts_until(failures: u32, error: fn() -> SchemaError) -> (u32, Result<(), SchemaError>) {
        let attempts = Cell::new(0);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let result = runtime.block_on(wait_until_reachable(|| {
            attempts.set(attempts.get() + 1);
            let result = if attempts.get() > failures { Ok(()) } else { Err(error()) };
            std::future::ready(result)
        }));
        (attempts.get(), result)
    }

    #[test]
    fn a_starting_database_is_waited_for() {
        let (attempts, result) = attempts_until(1, || SchemaError::Unavailable("refused".into()));
        assert!(result.is_ok());
        assert_eq!(attempts, 2);
    }

    #[test]
    fn a_permanent_failure_is_not_retried() {
        let (attempts, result) = attempts_until(9, || SchemaError::Newer { found: 9, known: 1 });
        assert!(matches!(result, Err(SchemaError::Newer { .. })));
        assert_eq!(attempts, 1);
    }
}
