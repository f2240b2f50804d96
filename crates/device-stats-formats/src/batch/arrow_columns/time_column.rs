//! A column of times.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Int64Type, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType,
};
use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType, TimeUnit};
use device_stats_domain::Timestamp;

use super::{Wrong, is_empty, is_null, wrong};
use crate::arrow::{Texts, holds_texts};
use crate::json::Json;
use crate::values;

/// Whether a column of that type holds times.
pub fn is_taken(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Timestamp(..) | DataType::Int64)
        || is_empty(data_type)
        || holds_texts(data_type)
}

/// The column; a time zone says only how it is to be shown.
pub enum Times<'a> {
    /// Without a time.
    None,
    /// In that unit since 1970 UTC.
    Units { column: &'a ArrayRef, values: &'a [i64], unit: TimeUnit },
    /// As numbers of JSON are: seconds or milliseconds.
    Numbers { column: &'a ArrayRef, values: &'a [i64] },
    /// As texts of CSV are.
    Texts(Texts<'a>),
}

impl<'a> Times<'a> {
    /// `None` where it holds no times.
    pub fn of(column: &'a ArrayRef) -> Option<Self> {
        let (values, unit): (&[i64], _) = match column.data_type() {
            other if is_empty(other) => return Some(Self::None),
            DataType::Int64 => {
                return Some(Self::Numbers { column, values: column.as_primitive::<Int64Type>().values() });
            }
            DataType::Timestamp(unit, _) => match unit {
                TimeUnit::Second => (column.as_primitive::<TimestampSecondType>().values(), unit),
                TimeUnit::Millisecond => (column.as_primitive::<TimestampMillisecondType>().values(), unit),
                TimeUnit::Microsecond => (column.as_primitive::<TimestampMicrosecondType>().values(), unit),
                TimeUnit::Nanosecond => (column.as_primitive::<TimestampNanosecondType>().values(), unit),
            },
            _ => return Texts::of(column).map(Self::Texts),
        };
        Some(Self::Units { column, values, unit: *unit })
    }

    /// One of them, where it is not absent.
    pub fn read(&self, row: usize) -> Result<Option<Timestamp>, Wrong> {
        match self {
            Self::None => Ok(None),
            Self::Units { column, values, unit } => {
                let Some(number) = present(column, values, row) else { return Ok(None) };
                let time = values::timestamp_micros(micros(number, *unit));
                time.map(Some).map_err(|problem| wrong(problem, Json::Number(number.to_string())))
            }
            Self::Numbers { column, values } => {
                let Some(number) = present(column, values, row) else { return Ok(None) };
                let text = number.to_string();
                values::timestamp_number(&text)
                    .map(Some)
                    .map_err(|problem| wrong(problem, Json::Number(text)))
            }
            Self::Texts(texts) => match texts.read(row) {
                None | Some("") => Ok(None),
                Some(text) => values::timestamp_text(text)
                    .map(Some)
                    .map_err(|problem| wrong(problem, Json::String(text.to_owned()))),
            },
        }
    }
}

fn present(column: &ArrayRef, values: &[i64], row: usize) -> Option<i64> {
    values.get(row).copied().filter(|_| !is_null(column, row))
}

/// The microsecond in which a time lies. What is beyond the largest number is as far out as one goes, which is in no year that
/// a reading may have.
fn micros(number: i64, unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Second => number.saturating_mul(1_000_000),
        TimeUnit::Millisecond => number.saturating_mul(1_000),
        TimeUnit::Microsecond => number,
        TimeUnit::Nanosecond => number.div_euclid(1_000),
    }
}
