//! A column of times.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Int64Type, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType,
};
use arrow_array::{Array, ArrayRef, PrimitiveArray};
use arrow_schema::{DataType, TimeUnit};
use device_stats_domain::{TimeUnit as DomainUnit, Timestamp};

use super::ValueFault;
use crate::arrow::TextColumn;
use crate::json::Json;
use crate::reading_times::ReadingTimes;
use crate::values;

/// A column of times. The time zone of its type is ignored: it states only how to show a time.
pub(super) enum TimeColumn<'a> {
    /// Nulls only.
    Null,
    /// Integers in this unit since 1970 UTC.
    Timestamps { column: &'a ArrayRef, values: &'a [i64], unit: TimeUnit },
    /// Seconds or milliseconds since 1970 UTC, as numbers in JSON.
    Integers(&'a PrimitiveArray<Int64Type>),
    /// Texts, as in CSV.
    Texts(TextColumn<'a>),
}

impl<'a> TimeColumn<'a> {
    /// Wraps a column; `None` if it does not hold times.
    pub(super) fn new(column: &'a ArrayRef) -> Option<Self> {
        let (values, unit): (&[i64], _) = match column.data_type() {
            DataType::Null => return Some(Self::Null),
            DataType::Int64 => return Some(Self::Integers(column.as_primitive())),
            DataType::Timestamp(unit, _) => match unit {
                TimeUnit::Second => (column.as_primitive::<TimestampSecondType>().values(), unit),
                TimeUnit::Millisecond => (column.as_primitive::<TimestampMillisecondType>().values(), unit),
                TimeUnit::Microsecond => (column.as_primitive::<TimestampMicrosecondType>().values(), unit),
                TimeUnit::Nanosecond => (column.as_primitive::<TimestampNanosecondType>().values(), unit),
            },
            _ => return TextColumn::new(column).map(Self::Texts),
        };
        Some(Self::Timestamps { column, values, unit: *unit })
    }

    /// Returns the time of a row, if it has one.
    pub(super) fn read(&self, row: usize, times: &mut ReadingTimes) -> Result<Option<Timestamp>, ValueFault> {
        match self {
            Self::Null => Ok(None),
            Self::Timestamps { column, values, unit } => {
                let Some(number) = values.get(row).copied().filter(|_| column.is_valid(row)) else {
                    return Ok(None);
                };
                let time = values::timestamp_micros(domain_unit(*unit).to_micros(number));
                time.map(Some).map_err(|problem| Box::new((problem, Json::Number(number.to_string()))))
            }
            Self::Integers(numbers) if numbers.is_null(row) => Ok(None),
            Self::Integers(numbers) => {
                let text = numbers.value(row).to_string();
                let time = times.read_number(&text);
                time.map(Some).map_err(|problem| Box::new((problem, Json::Number(text))))
            }
            Self::Texts(texts) => match texts.read(row) {
                None | Some("") => Ok(None),
                Some(text) => {
                    let time = times.read_text(text);
                    time.map(Some).map_err(|problem| Box::new((problem, Json::String(text.to_owned()))))
                }
            },
        }
    }
}

fn domain_unit(unit: TimeUnit) -> DomainUnit {
    match unit {
        TimeUnit::Second => DomainUnit::Seconds,
        TimeUnit::Millisecond => DomainUnit::Milliseconds,
        TimeUnit::Microsecond => DomainUnit::Microseconds,
        TimeUnit::Nanosecond => DomainUnit::Nanoseconds,
    }
}
