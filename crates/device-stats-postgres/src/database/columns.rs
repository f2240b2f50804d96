//! Converts columns of a row to values of the domain. The service checks values before it stores them. So a
//! value that breaks a rule comes from another program, and is an error.

use std::error::Error;

use device_stats_domain::{ExpectedInterval, Finite, Timestamp};
use device_stats_store::{Fingerprint, StoreError};
use tokio_postgres::Row;
use tokio_postgres::types::FromSql;

/// Reads a column with the conversion of the driver.
pub(crate) fn column<'a, T: FromSql<'a>>(row: &'a Row, index: usize) -> Result<T, StoreError> {
    row.try_get(index).map_err(broken)
}

/// Parses a text column.
pub(crate) fn text<T, E>(
    row: &Row,
    index: usize,
    parse: impl FnOnce(String) -> Result<T, E>,
) -> Result<T, StoreError>
where
    E: Error + Send + Sync + 'static,
{
    parse(column(row, index)?).map_err(broken)
}

/// Parses a text column that can be null.
pub(crate) fn optional_text<T, E>(
    row: &Row,
    index: usize,
    parse: impl FnOnce(String) -> Result<T, E>,
) -> Result<Option<T>, StoreError>
where
    E: Error + Send + Sync + 'static,
{
    let text: Option<String> = column(row, index)?;
    text.map(parse).transpose().map_err(broken)
}

/// Reads a finite number.
pub(crate) fn number(row: &Row, index: usize) -> Result<Finite, StoreError> {
    Finite::new(column(row, index)?).map_err(broken)
}

/// Reads a time in microseconds since 1970 UTC.
pub(crate) fn time(row: &Row, index: usize) -> Result<Timestamp, StoreError> {
    Timestamp::from_micros(column(row, index)?).map_err(broken)
}

/// Reads a time in microseconds since 1970 UTC that can be null.
pub(crate) fn optional_time(row: &Row, index: usize) -> Result<Option<Timestamp>, StoreError> {
    let micros: Option<i64> = column(row, index)?;
    micros.map(Timestamp::from_micros).transpose().map_err(broken)
}

/// Reads an expected interval in microseconds that can be null.
pub(crate) fn optional_interval(row: &Row, index: usize) -> Result<Option<ExpectedInterval>, StoreError> {
    let micros: Option<i64> = column(row, index)?;
    micros.map(ExpectedInterval::from_micros).transpose().map_err(broken)
}

/// Reads a count; 0 and up.
pub(crate) fn count(row: &Row, index: usize) -> Result<u64, StoreError> {
    u64::try_from(column::<i64>(row, index)?).map_err(broken)
}

/// Reads the fingerprint of a request.
pub(crate) fn fingerprint(row: &Row, index: usize) -> Result<Fingerprint, StoreError> {
    column::<&[u8]>(row, index)?.try_into().map_err(broken)
}

/// Converts each row.
pub(crate) fn each<T>(
    rows: &[Row],
    make: impl FnMut(&Row) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    rows.iter().map(make).collect()
}

fn broken(error: impl Error + Send + Sync + 'static) -> StoreError {
    StoreError::Broken(Box::new(error))
}
