//! From the columns of a row to the words of the domain. What is stored was checked once; a row that breaks a rule now
//! was written by something else, and is an error of the store.

use std::error::Error;

use device_stats_domain::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Result, Row};

/// A text, made into what it stands for.
pub(crate) fn text<T, E>(
    row: &Row<'_>,
    column: usize,
    parse: impl FnOnce(String) -> Result<T, E>,
) -> Result<T>
where
    E: Error + Send + Sync + 'static,
{
    parse(row.get(column)?).map_err(|error| invalid(column, Type::Text, error))
}

/// A text or nothing, made into what it stands for.
pub(crate) fn optional_text<T, E>(
    row: &Row<'_>,
    column: usize,
    parse: impl FnOnce(String) -> Result<T, E>,
) -> Result<Option<T>>
where
    E: Error + Send + Sync + 'static,
{
    let text: Option<String> = row.get(column)?;
    text.map(parse).transpose().map_err(|error| invalid(column, Type::Text, error))
}

/// A time in microseconds since 1970 UTC.
pub(crate) fn time(row: &Row<'_>, column: usize) -> Result<Timestamp> {
    Timestamp::from_micros(row.get(column)?).map_err(|error| invalid(column, Type::Integer, error))
}

fn invalid(column: usize, of: Type, error: impl Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, of, Box::new(error))
}
