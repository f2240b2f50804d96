//! Schema versions of this binary and of a database, and the migrations between them.

use device_stats_store::{SchemaError, SchemaVersion};
use refinery::error::Kind;
use refinery::{Migration, Runner};
use rusqlite::{Connection, ErrorCode, OptionalExtension};

use embedded::migrations::runner;

mod embedded {
    refinery::embed_migrations!("migrations");
}

/// Returns the schema version of the database; 0 if it is empty. Refuses a file that is not a database, a
/// database of another program, a newer version, and applied migrations that differ from the migrations of
/// this binary.
pub(crate) fn check(connection: &Connection) -> Result<i64, SchemaError> {
    SchemaError::check(&applied(connection)?, &known())
}

/// Refuses a database that does not have the version that this binary needs.
pub(crate) fn require_latest(found: i64) -> Result<(), SchemaError> {
    SchemaError::compare(found, known().iter().map(|known| known.version).max().unwrap_or(0))
}

/// Applies the missing migrations in one transaction, and returns their names.
pub(crate) fn apply(connection: &mut Connection) -> Result<Vec<String>, SchemaError> {
    let runner: Runner = runner().set_grouped(true);
    let report = runner.run(connection).map_err(|error| match error.kind() {
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

fn applied(connection: &Connection) -> Result<Vec<SchemaVersion>, SchemaError> {
    let has_history = "SELECT 1 FROM sqlite_schema WHERE name = 'refinery_schema_history'";
    let has_history = connection.query_row(has_history, [], |_| Ok(())).optional().map_err(schema_error)?;
    if has_history.is_none() {
        let tables = "SELECT count(*) FROM sqlite_schema";
        let tables: i64 = connection.query_row(tables, [], |row| row.get(0)).map_err(schema_error)?;
        return if tables == 0 {
            Ok(Vec::new())
        } else {
            Err(SchemaError::Foreign("the database has tables of another program".into()))
        };
    }
    let history = "SELECT version, name, checksum FROM refinery_schema_history ORDER BY version";
    let mut history = connection.prepare(history).map_err(schema_error)?;
    let applied = history.query_map([], |row| {
        Ok(SchemaVersion { version: row.get(0)?, name: row.get(1)?, checksum: row.get(2)? })
    });
    applied.and_then(Iterator::collect).map_err(schema_error)
}

/// Converts an error of opening a database.
pub(crate) fn schema_error(error: rusqlite::Error) -> SchemaError {
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => SchemaError::Foreign(error.into()),
        Some(ErrorCode::DatabaseCorrupt) => SchemaError::Damaged(error.into()),
        _ => SchemaError::Unavailable(error.into()),
    }
}
