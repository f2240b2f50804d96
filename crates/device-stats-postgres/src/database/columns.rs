//! From the columns of a row to the words of the domain. What is stored was checked once; a row that breaks a rule now
//! was written by something else, and is an error of the store.

use std::error::Error;

use device_stats_domain::{Finite, Timestamp};
use device_stats_store::StoreError;
use tokio_postgres::Row;
use tokio_postgres::types::FromSql;

/// A column as the driver reads it.
pub(crate) fn column<'a, T: FromSql<'a>>(row: &'a Row, place: usize) -> Result<T, StoreError> {
    row.try_get(place).map_err(broken)
}

/// A text, made into what it stands for.
pub(crate) fn text<T, E>(
    row: &Row,
    place: usize,
    parse: impl FnOnce(String) -> Result<T, E>,
) -> Result<T, StoreError>
where
    E: Error + Send + Sync + 'static,
{
    parse(column(row, place)?).map_err(broken)
}

/// A text or nothing, made into what it stands for.
pub(crate) fn optional_text<T, E>(
    row: &Row,
    place: usize,
    parse: impl FnOnce(String) -> Result<T, E>,
) -> Result<Option<T>, StoreError>
where
    E: Error + Send + Sync + 'static,
{
    let text: Option<String> = column(row, place)?;
    text.map(parse).transpose().map_err(broken)
}

/// A number of a reading.
pub(crate) fn number(row: &Row, place: usize) -> Result<Finite, StoreError> {
    Finite::new(column(row, place)?).map_err(broken)
}

/// A time in microseconds since 1970 UTC.
pub(crate) fn time(row: &Row, place: usize) -> Result<Timestamp, StoreError> {
    Timestamp::from_micros(column(row, place)?).map_err(broken)
}

/// What each row stands for.
pub(crate) fn each<T>(
    rows: &[Row],
    make: impl FnMut(&Row) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    rows.iter().map(make).collect()
}

fn broken(error: impl Error + Send + Sync + 'static) -> StoreError {
    StoreError::Broken(Box::new(error))
}
