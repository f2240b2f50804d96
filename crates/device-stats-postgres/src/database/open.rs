//! Opening and migrating a database. Several processes can do this at the same time; an advisory lock
//! serializes them.
//!
//! A migration changes tables that other nodes use. A statement that waits for the lock of a table blocks all
//! later statements of other nodes on this table. So a migration gives up after a short wait, and starts
//! again after a pause, in which the other nodes continue.

use std::time::Duration;

use deadpool_postgres::{Client, Object};
use device_stats_store::SchemaError;
use tokio::time::sleep;

use crate::database::config::PostgresConfig;
use crate::database::connect::{connector, pool};
use crate::database::errors::is_lock_failure;
use crate::database::migrations::{apply, check, require_latest, schema_error};
use crate::database::session::{Purpose, open_error};
use crate::limits::{MIGRATION_LOCK_TIMEOUT, MIGRATION_TRIES_MAX};

/// Number of the advisory lock of migrations. Every version of the service has to use the same one.
const LOCK: i64 = 0x6465_7673_7461_7473;

/// Pause after the first try of migrations that waited too long for a lock. Each further pause is twice as
/// long.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// Maximum pause.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// Migrates the database to the schema of this binary, and returns the names of the migrations that it
/// applied. Either all missing migrations are applied or none. If several processes call this function, each
/// migration is applied once.
///
/// Waits while another process migrates the database, and for some minutes if other transactions use the
/// tables.
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
    // The wait for other migrations has no limit, so the limit is set after it.
    let limit = format!("SET lock_timeout = {}", MIGRATION_LOCK_TIMEOUT.as_millis());
    client.batch_execute(&limit).await.map_err(schema_error)?;
    let mut pause = FIRST_PAUSE;
    for _ in 0..MIGRATION_TRIES_MAX {
        match apply(client).await {
            Err(SchemaError::Failed(cause)) if is_lock_failure(cause.as_ref()) => {
                tracing::warn!(cause, "a migration waits for other transactions, trying again");
            }
            done => return done,
        }
        sleep(pause).await;
        pause = PAUSE_MAX.min(pause * 2);
    }
    let cause =
        "other transactions use the tables all the time: end long transactions, or stop the other nodes";
    Err(SchemaError::Failed(cause.into()))
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
    pool(config, connector(config)?, purpose, 1)?.get().await.map_err(open_error)
}
