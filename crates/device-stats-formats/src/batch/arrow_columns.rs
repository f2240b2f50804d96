//! Rows as columns: record batches of Arrow. Column types are checked once, and rows are then built without
//! further checks of types. Only a batch with a fault is read a second time, row by row, for its faults.

mod body;
mod device_column;
mod number_column;
#[cfg(test)]
mod tests;
mod time_column;
mod value_fault;

use arrow_array::RecordBatch;
use arrow_schema::Schema;
use device_stats_domain::{Axes, Finite, Measurement};
use serde_json::json;

use super::batch_rows::BatchRows;
use super::column_names::column_location;
use super::row::Row;
use crate::arrow::holds_text;
use crate::error::FormatError;
use crate::faults::{Faults, Problem};
use crate::json::Json;
pub(super) use body::ArrowBody;
use device_column::DeviceColumn;
use number_column::NumberColumn;
use time_column::TimeColumn;
use value_fault::ValueFault;

/// Reads the rows of a body. A fault of a column is noted before any value is read.
///
/// # Errors
/// [`FormatError`] if the stream is broken, or has too many bytes or readings.
pub(super) fn read<R: Row>(body: ArrowBody<'_>, faults: &mut Faults) -> Result<BatchRows<R>, FormatError> {
    let mut rows = BatchRows::default();
    if check_columns::<R>(body.schema(), faults).is_none() {
        return Ok(rows);
    }
    let batches = body.read()?;
    rows.rows.reserve(batches.iter().map(RecordBatch::num_rows).sum());
    let mut first_row = 0;
    for batch in &batches {
        read_batch(ReadingColumns::new(batch)?, first_row, batch.num_rows(), &mut rows.rows, faults);
        first_row += batch.num_rows();
    }
    // This never happens, because each row is either read or faulty. Without the check, readings could be
    // lost silently.
    if faults.is_empty() && rows.rows.len() != first_row {
        return Err(inconsistent());
    }
    Ok(rows)
}

/// Notes missing, unknown and repeated columns, and columns of a wrong type; `None` if there is a fault.
pub(crate) fn check_columns<R: Row>(schema: &Schema, faults: &mut Faults) -> Option<()> {
    let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    R::COLUMNS.check(&names, faults)?;
    for field in schema.fields() {
        let data_type = field.data_type();
        let (is_accepted, expected) = match field.name().as_str() {
            "device_id" => (holds_text(data_type), "Utf8, or a dictionary of it"),
            "timestamp" => (time_column::accepts(data_type), "Timestamp, Int64 or Utf8"),
            _ => (number_column::accepts(data_type), "Float64, Float32 or an integer"),
        };
        if !is_accepted {
            let problem = Problem::new("column_type", format!("Column should be of the type {expected}"));
            let problem = problem.with(json!({ "expected": expected }));
            faults.add(column_location(field.name()), problem, &Json::String(data_type.to_string()));
        }
    }
    faults.is_empty().then_some(())
}

/// Adds the rows of a batch, or notes their faults. `first_row` is the position of the first row in the body.
fn read_batch<R: Row>(
    mut columns: ReadingColumns<'_>,
    first_row: usize,
    count: usize,
    rows: &mut Vec<R>,
    faults: &mut Faults,
) {
    let before = rows.len();
    if !faults.is_full() && columns.read_all(count, rows).is_none() {
        rows.truncate(before);
        for row in 0..count {
            if faults.is_full() {
                break;
            }
            rows.extend(columns.read_row(row, first_row + row, faults));
        }
    }
}

/// Error for a batch that differs from the schema of its stream. It never occurs, because the stream checks
/// its batches.
fn inconsistent() -> FormatError {
    FormatError::NotArrow("a batch does not have the columns of its stream".to_owned())
}

/// The columns of a batch whose schema has been checked.
struct ReadingColumns<'a> {
    devices: Option<DeviceColumn<'a>>,
    numbers: Axes<NumberColumn<'a>>,
    times: Option<TimeColumn<'a>>,
}

impl<'a> ReadingColumns<'a> {
    fn new(batch: &'a RecordBatch) -> Result<Self, FormatError> {
        let number = |name| batch.column_by_name(name).and_then(NumberColumn::new).ok_or_else(inconsistent);
        let (devices, times) = (batch.column_by_name("device_id"), batch.column_by_name("timestamp"));
        Ok(Self {
            devices: devices.map(|column| DeviceColumn::new(column).ok_or_else(inconsistent)).transpose()?,
            numbers: Axes { x: number("x")?, y: number("y")?, z: number("z")? },
            times: times.map(|column| TimeColumn::new(column).ok_or_else(inconsistent)).transpose()?,
        })
    }

    /// Adds all rows; `None` if one is faulty.
    fn read_all<R: Row>(&mut self, count: usize, rows: &mut Vec<R>) -> Option<()> {
        let Axes { x, y, z } = self.numbers.as_ref().map(NumberColumn::read_all);
        let (x, y, z) = (x?, y?, z?);
        for (row, ((x, y), z)) in (0..count).zip(x.iter().zip(y.iter()).zip(z.iter())) {
            let device = match &mut self.devices {
                Some(devices) => Some(devices.read(row).ok()?),
                None => None,
            };
            let time = match &self.times {
                Some(times) => times.read(row).ok()?,
                None => None,
            };
            let finite = |number: &f64| Finite::new(*number).ok();
            let values = Axes { x: finite(x), y: finite(y), z: finite(z) }.all()?;
            rows.push(R::from_parts(device, Measurement { time, values })?);
        }
        Some(())
    }

    /// Reads a row of the batch, and notes its faults at `index`, its position in the body.
    fn read_row<R: Row>(&mut self, row: usize, index: usize, faults: &mut Faults) -> Option<R> {
        let mut note = |name: &'static str, fault: ValueFault| {
            let ValueFault { problem, input } = fault;
            faults.add(vec!["body".into(), index.into(), name.into()], *problem, &input);
        };
        let device = match &mut self.devices {
            Some(devices) => devices.read(row).map_err(|fault| note("device_id", fault)).ok().map(Some),
            None => Some(None),
        };
        let mut number =
            |numbers: &NumberColumn<'_>, name| numbers.read(row).map_err(|fault| note(name, fault)).ok();
        let Axes { x, y, z } = self.numbers.as_ref();
        let values = Axes { x: number(x, "x"), y: number(y, "y"), z: number(z, "z") };
        let time = match &self.times {
            Some(times) => times.read(row).map_err(|fault| note("timestamp", fault)).ok(),
            None => Some(None),
        };
        R::from_parts(device?, Measurement { time: time?, values: values.all()? })
    }
}
