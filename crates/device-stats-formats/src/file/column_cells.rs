//! The values of a column as texts: numbers with their shortest digits, dates and times of day in ISO 8601.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Date64Type, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type, Float16Type,
    Float32Type, Float64Type, Time32MillisecondType, Time32SecondType, Time64MicrosecondType,
    Time64NanosecondType, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType,
};
use arrow_array::{Array, ArrayRef, downcast_integer_array};
use arrow_schema::{DataType, TimeUnit};
use device_stats_domain::{TimeUnit as DomainUnit, Timestamp};

use crate::arrow::TextColumn;

const MICROS_PER_DAY: i64 = 86_400_000_000;
const NANOS_PER_SECOND: i64 = 1_000_000_000;

/// Returns whether the values of this type are numbers that have texts.
pub(super) fn holds_numbers(data_type: &DataType) -> bool {
    data_type.is_integer()
        || matches!(
            data_type,
            DataType::Float16
                | DataType::Float32
                | DataType::Float64
                | DataType::Decimal32(..)
                | DataType::Decimal64(..)
                | DataType::Decimal128(..)
                | DataType::Decimal256(..)
        )
}

/// Returns whether the values of this type are dates, times of day or moments.
pub(super) fn holds_times(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Date32
            | DataType::Date64
            | DataType::Time32(_)
            | DataType::Time64(_)
            | DataType::Timestamp(..)
            | DataType::Null
    )
}

/// Returns the text of a value; `None` if it is null, or if values of its type have no text.
pub(super) fn cell_text(column: &ArrayRef, row: usize) -> Option<String> {
    if column.is_null(row) {
        return None;
    }
    if let Some(texts) = TextColumn::new(column) {
        return texts.read(row).map(str::to_owned);
    }
    number_text(column, row).or_else(|| time_text(column, row))
}

/// Returns the digits of a number.
pub(super) fn number_text(column: &ArrayRef, row: usize) -> Option<String> {
    Some(match column.data_type() {
        _ if column.is_null(row) => return None,
        DataType::Float16 => column.as_primitive::<Float16Type>().value(row).to_f64().to_string(),
        DataType::Float32 => f64::from(column.as_primitive::<Float32Type>().value(row)).to_string(),
        DataType::Float64 => column.as_primitive::<Float64Type>().value(row).to_string(),
        DataType::Decimal32(..) => column.as_primitive::<Decimal32Type>().value_as_string(row),
        DataType::Decimal64(..) => column.as_primitive::<Decimal64Type>().value_as_string(row),
        DataType::Decimal128(..) => column.as_primitive::<Decimal128Type>().value_as_string(row),
        DataType::Decimal256(..) => column.as_primitive::<Decimal256Type>().value_as_string(row),
        _ => downcast_integer_array!(
            column => column.value(row).to_string(),
            _ => return None
        ),
    })
}

fn time_text(column: &ArrayRef, row: usize) -> Option<String> {
    if let Some(nanos) = time_of_day(column, row) {
        return Some(clock_text(nanos));
    }
    let micros = micros_of(column, row)?;
    let text =
        Timestamp::from_micros(micros).ok().map_or_else(|| format!("{micros} us"), |time| time.to_string());
    let is_date = matches!(column.data_type(), DataType::Date32);
    let is_clock = matches!(column.data_type(), DataType::Timestamp(_, None) | DataType::Date64);
    Some(match text.split_once('T') {
        Some((date, _)) if is_date => date.to_owned(),
        _ if is_clock => text.trim_end_matches('Z').to_owned(),
        _ => text,
    })
}

/// Returns a date or moment, in microseconds since 1970; a value out of range becomes the nearest one.
pub(super) fn micros_of(column: &ArrayRef, row: usize) -> Option<i64> {
    if column.is_null(row) {
        return None;
    }
    let (count, unit) = match column.data_type() {
        DataType::Date32 => {
            return Some(
                i64::from(column.as_primitive::<Date32Type>().value(row)).saturating_mul(MICROS_PER_DAY),
            );
        }
        DataType::Date64 => (column.as_primitive::<Date64Type>().value(row), DomainUnit::Milliseconds),
        DataType::Timestamp(TimeUnit::Second, _) => {
            (column.as_primitive::<TimestampSecondType>().value(row), DomainUnit::Seconds)
        }
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            (column.as_primitive::<TimestampMillisecondType>().value(row), DomainUnit::Milliseconds)
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            (column.as_primitive::<TimestampMicrosecondType>().value(row), DomainUnit::Microseconds)
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            (column.as_primitive::<TimestampNanosecondType>().value(row), DomainUnit::Nanoseconds)
        }
        _ => return None,
    };
    Some(unit.to_micros(count))
}

/// Returns a time of day, in nanoseconds since midnight.
fn time_of_day(column: &ArrayRef, row: usize) -> Option<i64> {
    let nanos = match column.data_type() {
        DataType::Time32(TimeUnit::Second) => {
            i64::from(column.as_primitive::<Time32SecondType>().value(row)).saturating_mul(NANOS_PER_SECOND)
        }
        DataType::Time32(_) => {
            i64::from(column.as_primitive::<Time32MillisecondType>().value(row)).saturating_mul(1_000_000)
        }
        DataType::Time64(TimeUnit::Microsecond) => {
            column.as_primitive::<Time64MicrosecondType>().value(row).saturating_mul(1_000)
        }
        DataType::Time64(_) => column.as_primitive::<Time64NanosecondType>().value(row),
        _ => return None,
    };
    Some(nanos)
}

fn clock_text(nanos: i64) -> String {
    let seconds = nanos.div_euclid(NANOS_PER_SECOND);
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    let micros = nanos.rem_euclid(NANOS_PER_SECOND) / 1_000;
    format!("{hour:02}:{minute:02}:{second:02}.{micros:06}")
}
