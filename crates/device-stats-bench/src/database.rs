//! From an address to an open store.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use device_stats_postgres::{PostgresConfig, PostgresStore};
use device_stats_sqlite::SqliteStore;
use device_stats_store::Store;

/// Opens `sqlite:PATH` or `postgres://...`, and makes it if it is empty.
///
/// # Errors
/// Those of the store.
pub(crate) async fn open(database: &str) -> anyhow::Result<Arc<dyn Store>> {
    if let Some(path) = database.strip_prefix("sqlite:") {
        let store = SqliteStore::open(Path::new(path), true).context("the SQLite file cannot be opened")?;
        return Ok(Arc::new(store));
    }
    let config = PostgresConfig::from_url(database).context("neither sqlite:PATH nor postgres://...")?;
    Ok(Arc::new(PostgresStore::open(&config, true).await.context("PostgreSQL cannot be opened")?))
}
