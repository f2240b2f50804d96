//! Converts columns of a row to values of the domain. The service checks values before it stores them. So a
//! value that breaks a rule comes from another program, and is an error.

use std::error::Error;

use device_stats_domain::{ExpectedInterval, Timestamp};
use rusqlite::types::Type;
use rusqlite::{Result, Row};

/// Parses a text column.
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

/// Parses a text column that can be null.
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

/// Reads a time in microseconds since 1970 UTC.
pub(crate) fn time(row: &Row<'_>, column: usize) -> Result<Timestamp> {
    Timestamp::from_micros(row.get(column)?).map_err(|error| invalid(column, Type::Integer, error))
}

/// Reads a time in microseconds since 1970 UTC that can be null.
pub(crate) fn optional_time(row: &Row<'_>, column: usize) -> Result<Option<Timestamp>> {
    let micros: Option<i64> = row.get(column)?;
    let time = micros.map(Timestamp::from_micros).transpose();
    time.map_err(|error| invalid(column, Type::Integer, error))
}

/// Reads an expected interval in microseconds that can be null.
pub(crate) fn optional_interval(row: &Row<'_>, column: usize) -> Result<Option<ExpectedInterval>> {
    let micros: Option<i64> = row.get(column)?;
    let interval = micros.map(ExpectedInterval::from_micros).transpose();
    interval.map_err(|error| invalid(column, Type::Integer, error))
}

/// Reads a count; 0 and up.
pub(crate) fn count(row: &Row<'_>, column: usize) -> Result<u64> {
    let count: i64 = row.get(column)?;
    u64::try_from(count).map_err(|error| invalid(column, Type::Integer, error))
}

fn invalid(column: usize, found: Type, error: impl Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, found, Box::new(error))
}
