//! Opening and migrating a database. Several processes can do this at the same time; an advisory lock
//! serializes them.

use deadpool_postgres::{Client, Object};
use device_stats_store::SchemaError;

use crate::database::config::PostgresConfig;
use crate::database::connect::{Purpose, pool};
use crate::database::migrations::{apply, check, require_latest, schema_error};

/// Number of the advisory lock of migrations. Every version of the service has to use the same one.
const LOCK: i64 = 0x6465_7673_7461_7473;

/// Migrates the database to the schema of this binary, and returns the names of the migrations that it
/// applied. Either all missing migrations are applied or none. If several processes call this function, each
/// migration is applied once.
///
/// Waits while another process migrates the database.
///
/// # Errors
/// Every [`SchemaError`] except [`SchemaError::Older`].
pub async fn migrate(config: &PostgresConfig) -> Result<Vec<String>, SchemaError> {
    let mut client = connect(config, Purpose::Migrate).await?;
    client.query("SELECT pg_advisory_lock($1)", &[&LOCK]).await.map_err(schema_error)?;
    let applied = apply_missing(&mut client).await;
    // The lock ends with the connection if it cannot be released before.
    if let Err(error) = client.query("SELECT pg_advisory_unlock($1)", &[&LOCK]).await {
        tracing::debug!(%error, "could not release the migration lock; it ends with its connection");
    }
    drop(Object::take(client));
    applied
}

async fn apply_missing(client: &mut Client) -> Result<Vec<String>, SchemaError> {
    // The check comes before the first write, so a newer database, or a database of another program, stays
    // unchanged.
    check(client).await?;
    apply(client).await
}

/// Checks that the database has the schema of this binary; applies no migration.
///
/// # Errors
/// Every [`SchemaError`] except [`SchemaError::Failed`].
pub(crate) async fn require(config: &PostgresConfig) -> Result<(), SchemaError> {
    let client = connect(config, Purpose::Serve).await?;
    require_latest(check(&client).await?)
}

async fn connect(config: &PostgresConfig, purpose: Purpose) -> Result<Client, SchemaError> {
    pool(config, purpose, 1)?.get().await.map_err(|error| SchemaError::Unavailable(error.into()))
}
