//! The versions of the schema: which ones this binary knows, which ones a database has, and the step from one to the
//! other. Who may take that step at what time is the matter of [`open`](crate::database::open).

use device_stats_store::{SchemaError, SchemaVersion};
use refinery::error::Kind;
use refinery::{Migration, Runner};
use rusqlite::{Connection, ErrorCode, OptionalExtension};

use embedded::migrations::runner;

mod embedded {
    refinery::embed_migrations!("migrations");
}

/// Refuses what this binary cannot work with: a file that is no database, tables of something else, versions it does
/// not know or knows differently. Returns the version of the database, 0 where it is empty.
pub(crate) fn check(connection: &Connection) -> Result<i64, SchemaError> {
    SchemaError::check(&applied(connection)?, &known())
}

/// Refuses a database that is not of the version this binary needs.
pub(crate) fn require_latest(found: i64) -> Result<(), SchemaError> {
    SchemaError::compare(found, known().iter().map(|known| known.version).max().unwrap_or(0))
}

/// Applies what is missing, all of it in one transaction, and returns the names of what was applied.
pub(crate) fn apply(connection: &mut Connection) -> Result<Vec<String>, SchemaError> {
    let runner: Runner = runner().set_grouped(true);
    let report = runner.run(connection).map_err(|error| match error.kind() {
        Kind::DivergentVersion(..) | Kind::MissingVersion(_) => SchemaError::Divergent(error.into()),
        _ => SchemaError::Failed(error.into()),
    })?;
    Ok(report.applied_migrations().iter().map(Migration::to_string).collect())
}

/// The versions this binary knows.
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
        let others = "SELECT count(*) FROM sqlite_schema";
        let others: i64 = connection.query_row(others, [], |row| row.get(0)).map_err(schema_error)?;
        let nothing = Vec::new();
        return if others == 0 {
            Ok(nothing)
        } else {
            Err(SchemaError::Foreign("the database holds the tables of something else".into()))
        };
    }
    let history = "SELECT version, name, checksum FROM refinery_schema_history ORDER BY version";
    let mut history = connection.prepare(history).map_err(schema_error)?;
    let applied = history.query_map([], |row| {
        Ok(SchemaVersion { version: row.get(0)?, name: row.get(1)?, checksum: row.get(2)? })
    });
    applied.and_then(Iterator::collect).map_err(schema_error)
}

/// The meaning of an error while a database is opened.
pub(crate) fn schema_error(error: rusqlite::Error) -> SchemaError {
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => SchemaError::Foreign(error.into()),
        _ => SchemaError::Unavailable(error.into()),
    }
}
