//! Opens the store at a URL.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use device_stats_postgres::{PostgresConfig, PostgresStore};
use device_stats_sqlite::SqliteStore;
use device_stats_store::Store;

/// Opens `sqlite:PATH` or `postgres://...`. Creates the schema if it is missing.
///
/// # Errors
/// If the URL is invalid or the store cannot be opened.
pub(crate) async fn open(database: &str) -> anyhow::Result<Arc<dyn Store>> {
    if let Some(path) = database.strip_prefix("sqlite:") {
        let store = SqliteStore::open(Path::new(path), true).context("the SQLite file cannot be opened")?;
        return Ok(Arc::new(store));
    }
    let config = PostgresConfig::from_url(database).context("neither sqlite:PATH nor postgres://...")?;
    Ok(Arc::new(PostgresStore::open(&config, true).await.context("PostgreSQL cannot be opened")?))
}
