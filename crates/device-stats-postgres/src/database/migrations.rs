//! Schema versions of this binary and of a database, and the migrations between them.

use deadpool_postgres::Client;
use device_stats_store::{SchemaError, SchemaVersion};
use refinery::error::Kind;
use refinery::{Migration, Runner};

use embedded::migrations::runner;

mod embedded {
    refinery::embed_migrations!("migrations");
}

/// Returns the schema version of the database; 0 if it is empty. Refuses a database of another program, a
/// newer version, and applied migrations that differ from the migrations of this binary.
pub(crate) async fn check(client: &Client) -> Result<i64, SchemaError> {
    SchemaError::check(&applied(client).await?, &known())
}

/// Refuses a database that does not have the version that this binary needs.
pub(crate) fn require_latest(found: i64) -> Result<(), SchemaError> {
    SchemaError::compare(found, known().iter().map(|known| known.version).max().unwrap_or(0))
}

/// Applies the missing migrations in one transaction, and returns their names.
pub(crate) async fn apply(client: &mut Client) -> Result<Vec<String>, SchemaError> {
    let runner: Runner = runner().set_grouped(true);
    let client: &mut tokio_postgres::Client = client;
    let report = runner.run_async(client).await.map_err(|error| match error.kind() {
        Kind::DivergentVersion(..) | Kind::MissingVersion(_) => SchemaError::Divergent(error.into()),
        _ => SchemaError::Failed(error.into()),
    })?;
    Ok(report.applied_migrations().iter().map(Migration::to_string).collect())
}

/// Returns the versions that this binary knows.
fn known() -> Vec<SchemaVersion> {
    let version = |known: &Migration| SchemaVersion {
        version: known.version().into(),
        name: known.name().to_owned(),
        checksum: known.checksum().to_string(),
    };
    runner().get_migrations().iter().map(version).collect()
}

async fn applied(client: &Client) -> Result<Vec<SchemaVersion>, SchemaError> {
    // Use one statement, which sees one moment, because another process may be migrating. Tables of
    // extensions are not counted.
    let select = "SELECT
        EXISTS (SELECT FROM pg_class
            WHERE relnamespace = current_schema()::regnamespace AND relname = 'refinery_schema_history'),
        EXISTS (SELECT FROM pg_class c
            WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
              AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass
                              AND d.objid = c.oid AND d.deptype = 'e'))";
    let found = client.query_one(select, &[]).await.map_err(schema_error)?;
    let has_history = found.try_get(0).map_err(schema_error)?;
    let has_tables = found.try_get(1).map_err(schema_error)?;
    match (has_history, has_tables) {
        (false, false) => return Ok(Vec::new()),
        (false, true) => {
            return Err(SchemaError::Foreign("the database has tables of another program".into()));
        }
        (true, _) => {}
    }
    let history = "SELECT version::bigint, name::text, checksum::text FROM refinery_schema_history
        ORDER BY version";
    let history = client.query(history, &[]).await.map_err(schema_error)?;
    let applied = history.iter().map(|row| {
        Ok(SchemaVersion { version: row.try_get(0)?, name: row.try_get(1)?, checksum: row.try_get(2)? })
    });
    applied.collect::<Result<_, tokio_postgres::Error>>().map_err(schema_error)
}

/// Converts an error of reading the schema version.
pub(crate) fn schema_error(error: tokio_postgres::Error) -> SchemaError {
    SchemaError::Unavailable(error.into())
}
