//! Rows as columns: record batches of Arrow. Column types are checked once, and rows are then built without
//! further checks of types. Only a batch with a fault is read a second time, row by row, for its faults.

mod device_column;
mod number_column;
#[cfg(test)]
mod tests;
mod time_column;

use arrow_array::RecordBatch;
use device_stats_domain::{Axes, Finite, Measurement};

use super::batch_rows::{BatchRows, check_readings};
use super::row::Row;
use crate::arrow::{ArrowStream, check_columns};
use crate::body_error::BodyError;
use crate::faults::{Faults, Problem};
use crate::json::Json;
use crate::limits::BATCH_BYTES_MAX;
use crate::reading_times::ReadingTimes;
use device_column::DeviceColumn;
pub(crate) use number_column::NumberColumn;
use time_column::TimeColumn;

/// The rule that a value breaks, and the value. Boxed, because it is large and faults are rare.
pub(crate) type ValueFault = Box<(Problem, Json)>;

/// Reads the rows of a body; `None` if a column is faulty: its fault is noted, and no value is read. Before
/// memory is allocated, `reserve` is called with the memory of the body and its rows, in bytes.
///
/// # Errors
/// [`BodyError`] if the stream is broken or incomplete, or has too many bytes or readings, or if `reserve`
/// returns false.
pub(super) fn read<R: Row>(
    body: &[u8],
    times: &mut ReadingTimes,
    faults: &mut Faults,
    reserve: &mut dyn FnMut(usize) -> bool,
) -> Result<Option<BatchRows<R>>, BodyError> {
    let mut rows = BatchRows::default();
    let mut stream = ArrowStream::open(body, BATCH_BYTES_MAX)?;
    if check_columns(R::COLUMNS, stream.schema(), faults).is_none() {
        return Ok(None);
    }
    let mut first_row = 0;
    while let Some(batch) = stream.next_batch()? {
        let count = batch.num_rows();
        check_readings(first_row + count)?;
        let arrays = body.len() + batch.get_array_memory_size();
        if !reserve(arrays + rows.held_bytes() + count * size_of::<R>()) {
            return Err(BodyError::OutOfMemory);
        }
        // Many small batches grow the list as single rows do.
        if count > rows.rows.len() {
            rows.rows.reserve_exact(count);
        }
        read_batch(ReadingColumns::new(&batch)?, first_row, count, times, &mut rows, faults);
        first_row += count;
    }
    if !stream.into_input().is_empty() {
        return Err(BodyError::NotArrow("bytes follow the end of the stream".to_owned()));
    }
    // This never happens, because each row is either read or faulty. Without the check, readings could be
    // lost silently.
    if faults.is_empty() && rows.rows.len() != first_row {
        return Err(inconsistent());
    }
    rows.count_rejected(first_row);
    Ok(Some(rows))
}

/// Adds the rows of a batch, or notes their faults. `first_row` is the position of the first row in the body.
fn read_batch<R: Row>(
    mut columns: ReadingColumns<'_>,
    first_row: usize,
    count: usize,
    reading_times: &mut ReadingTimes,
    rows: &mut BatchRows<R>,
    faults: &mut Faults,
) {
    let before = rows.rows.len();
    if faults.is_full() {
        return;
    }
    if columns.read_all(count, reading_times, &mut rows.rows).is_some() {
        rows.note_positions(first_row, before, count);
    } else {
        rows.rows.truncate(before);
        for row in 0..count {
            if faults.is_full() {
                break;
            }
            if let Some(read) = columns.read_row(row, first_row + row, reading_times, faults) {
                rows.note_positions(first_row + row, rows.rows.len(), 1);
                rows.rows.push(read);
            }
        }
    }
    rows.add_text_bytes(columns.devices.as_ref().map_or(0, DeviceColumn::text_bytes));
}

/// Error for a batch that differs from the schema of its stream. It never occurs, because the stream checks
/// its batches.
fn inconsistent() -> BodyError {
    BodyError::NotArrow("a batch does not have the columns of its stream".to_owned())
}

/// The columns of a batch whose schema has been checked.
struct ReadingColumns<'a> {
    devices: Option<DeviceColumn<'a>>,
    numbers: Axes<NumberColumn<'a>>,
    times: Option<TimeColumn<'a>>,
}

impl<'a> ReadingColumns<'a> {
    fn new(batch: &'a RecordBatch) -> Result<Self, BodyError> {
        let number = |name| batch.column_by_name(name).and_then(NumberColumn::new).ok_or_else(inconsistent);
        let (devices, times) = (batch.column_by_name("device_id"), batch.column_by_name("timestamp"));
        Ok(Self {
            devices: devices.map(|column| DeviceColumn::new(column).ok_or_else(inconsistent)).transpose()?,
            numbers: Axes { x: number("x")?, y: number("y")?, z: number("z")? },
            times: times.map(|column| TimeColumn::new(column).ok_or_else(inconsistent)).transpose()?,
        })
    }

    /// Adds all rows; `None` if one is faulty.
    fn read_all<R: Row>(
        &mut self,
        count: usize,
        reading_times: &mut ReadingTimes,
        rows: &mut Vec<R>,
    ) -> Option<()> {
        let Axes { x, y, z } = self.numbers.as_ref().map(NumberColumn::read_all);
        let (x, y, z) = (x?, y?, z?);
        for (row, ((x, y), z)) in (0..count).zip(x.iter().zip(y.iter()).zip(z.iter())) {
            let device = match &mut self.devices {
                Some(devices) => Some(devices.read(row).ok()?),
                None => None,
            };
            let time = match &self.times {
                Some(times) => times.read(row, reading_times).ok()?,
                None => None,
            };
            let finite = |number: &f64| Finite::new(*number).ok();
            let values = Axes { x: finite(x), y: finite(y), z: finite(z) }.all()?;
            rows.push(R::from_parts(device, Measurement { time, values })?);
        }
        Some(())
    }

    /// Reads a row of the batch, and notes its faults at `index`, its position in the body.
    fn read_row<R: Row>(
        &mut self,
        row: usize,
        index: usize,
        reading_times: &mut ReadingTimes,
        faults: &mut Faults,
    ) -> Option<R> {
        let mut note = |name: &'static str, fault: ValueFault| {
            let (problem, input) = *fault;
            faults.add(vec!["body".into(), index.into(), name.into()], problem, &input);
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
            Some(times) => times.read(row, reading_times).map_err(|fault| note("timestamp", fault)).ok(),
            None => Some(None),
        };
        R::from_parts(device?, Measurement { time: time?, values: values.all()? })
    }
}
