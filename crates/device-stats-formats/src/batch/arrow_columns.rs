//! Rows as columns: record batches of Arrow. Columns are looked at one by one once, for their types; then rows are made of them
//! without asking again. Only where a batch has a fault, it is read a second time, row by row, for the faults.

mod body;
mod device_column;
mod number_column;
#[cfg(test)]
mod tests;
mod time_column;

use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Schema};
use device_stats_domain::{Axes, Finite};
use serde_json::json;

use super::{Row, Rows, check_columns};
use crate::arrow::holds_texts;
use crate::error::FormatError;
use crate::faults::{Faults, Problem, Step};
use crate::json::Json;
pub(crate) use body::ArrowBody;
use device_column::Devices;
use device_stats_domain::Measurement;
use number_column::Numbers;
use time_column::Times;

/// What is wrong with a value, and that value; boxed, since it is rare.
type Wrong = Box<(Problem, Json)>;

fn wrong(problem: Problem, input: Json) -> Wrong {
    Box::new((problem, input))
}

/// Reads columns. Where one is missing, is one too many, or has a type that says nothing here, that is noted, and no value is
/// looked at.
///
/// # Errors
/// No whole stream, or one of too many bytes or readings.
pub fn read<R: Row>(columns: ArrowBody<'_>, faults: &mut Faults) -> Result<Rows<R>, FormatError> {
    let names: Vec<&str> = columns.schema().fields().iter().map(|field| field.name().as_str()).collect();
    let checked = check_columns::<R>(&names, faults).and_then(|()| check_types(columns.schema(), faults));
    if checked.is_none() {
        return Ok(Rows::default());
    }
    let batches = columns.read()?;
    let mut rows = Rows::default();
    let count = batches.iter().map(RecordBatch::num_rows).sum();
    rows.rows.reserve(count);
    let mut begin = 0;
    for batch in &batches {
        if let Some(table) = Table::of(batch) {
            read_batch(table, begin, batch.num_rows(), &mut rows.rows, faults);
        }
        begin += batch.num_rows();
    }
    // Each row is there or at fault, so this is never seen; if it were, readings would be lost without a word.
    if faults.is_empty() && rows.rows.len() != count {
        return Err(FormatError::NotArrow("a batch does not have the columns of its stream".to_owned()));
    }
    Ok(rows)
}

/// Adds the rows of a batch, the first of which has that place in the whole body. Where no more faults are noted, nothing is
/// read.
fn read_batch<R: Row>(
    mut table: Table<'_>,
    begin: usize,
    count: usize,
    rows: &mut Vec<R>,
    faults: &mut Faults,
) {
    let before = rows.len();
    if !faults.is_full() && table.read_all(count, rows).is_none() {
        rows.truncate(before);
        for row in 0..count {
            if faults.is_full() {
                break;
            }
            rows.extend(table.read_row(row, begin + row, faults));
        }
    }
}

/// Notes columns of a type that they cannot have.
fn check_types(schema: &Schema, faults: &mut Faults) -> Option<()> {
    for field in schema.fields() {
        let data_type = field.data_type();
        let (is_taken, expected) = match field.name().as_str() {
            "device_id" => (holds_texts(data_type), "Utf8, or a dictionary of it"),
            "timestamp" => (time_column::is_taken(data_type), "Timestamp, Int64 or Utf8"),
            _ => (number_column::is_taken(data_type), "Float64, Float32 or an integer"),
        };
        if !is_taken {
            let loc = vec!["body".into(), Step::from("header"), Step::Name(field.name().clone().into())];
            let problem = Problem::new("column_type", format!("Column should be of the type {expected}"));
            let problem = problem.with(json!({ "expected": expected }));
            faults.add(loc, problem, &Json::String(data_type.to_string()));
        }
    }
    faults.is_empty().then_some(())
}

/// The columns of a batch, each of a type that it may have.
struct Table<'a> {
    devices: Option<Devices<'a>>,
    numbers: Axes<Numbers<'a>>,
    times: Option<Times<'a>>,
}

impl<'a> Table<'a> {
    fn of(batch: &'a RecordBatch) -> Option<Self> {
        let column = |name| batch.column_by_name(name);
        let numbers = |name| column(name).and_then(Numbers::of);
        let devices = match column("device_id") {
            Some(column) => Some(Devices::of(column)?),
            None => None,
        };
        let times = match column("timestamp") {
            Some(column) => Some(Times::of(column)?),
            None => None,
        };
        Some(Self {
            devices,
            numbers: Axes { x: numbers("x"), y: numbers("y"), z: numbers("z") }.all()?,
            times,
        })
    }

    /// Adds all rows; `None` where one is at fault.
    fn read_all<R: Row>(&mut self, count: usize, rows: &mut Vec<R>) -> Option<()> {
        let Axes { x, y, z } = self.numbers.as_ref().map(Numbers::all);
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

    /// Reads a row and notes its faults; `index` is its place in the whole body.
    fn read_row<R: Row>(&mut self, row: usize, index: usize, faults: &mut Faults) -> Option<R> {
        let mut note = |name: &'static str, wrong: Wrong| {
            let (problem, input) = *wrong;
            faults.add(vec!["body".into(), index.into(), name.into()], problem, &input);
        };
        let device = match &mut self.devices {
            Some(devices) => devices.read(row).map_err(|wrong| note("device_id", wrong)).ok().map(Some),
            None => Some(None),
        };
        let mut number =
            |numbers: &Numbers<'_>, name| numbers.read(row).map_err(|wrong| note(name, wrong)).ok();
        let Axes { x, y, z } = self.numbers.as_ref();
        let values = Axes { x: number(x, "x"), y: number(y, "y"), z: number(z, "z") };
        let time = match &self.times {
            Some(times) => times.read(row).map_err(|wrong| note("timestamp", wrong)).ok(),
            None => Some(None),
        };
        R::from_parts(device?, Measurement { time: time?, values: values.all()? })
    }
}

/// Whether the value of a row is absent.
fn is_null(column: &ArrayRef, row: usize) -> bool {
    arrow_array::Array::is_null(column, row)
}

/// Whether nothing is said of a column: it has no value at all.
fn is_empty(data_type: &DataType) -> bool {
    *data_type == DataType::Null
}
