//! The rows of a record batch of a file.

use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{DataType, Schema};
use device_stats_domain::{Axes, DeviceId, Finite, Timestamp};

use super::column_cells::{cell_text, holds_numbers, holds_times, micros_of, number_text};
use super::column_plan::{ColumnPlan, TimeSource};
use super::file_batch::FileBatch;
use super::row_reader::{RowReader, RowValues};
use crate::arrow::{TextColumn, holds_text};
use crate::batch::NumberColumn;
use crate::faults::Problem;
use crate::values;

/// Returns descriptions of the columns whose type is not read.
pub(super) fn check_types(schema: &Schema, plan: &ColumnPlan) -> Vec<String> {
    let mut problems = Vec::new();
    let mut check = |column: usize, is_read: &dyn Fn(&DataType) -> bool, expected: &str| {
        let Some(field) = schema.fields().get(column) else { return };
        if !is_read(field.data_type()) {
            let (name, found) = (field.name(), field.data_type());
            problems.push(format!("header.{name}: Column should hold {expected}, but its type is {found}"));
        }
    };
    let is_cell =
        |data_type: &DataType| holds_text(data_type) || holds_numbers(data_type) || holds_times(data_type);
    if let Some(device) = plan.device {
        check(device, &|data_type| holds_text(data_type) || data_type.is_integer(), "texts or integers");
    }
    match plan.time {
        TimeSource::Absent => {}
        TimeSource::Column(time) => {
            let is_time = |data_type: &DataType| {
                is_cell(data_type) && !matches!(data_type, DataType::Time32(_) | DataType::Time64(_))
            };
            check(time, &is_time, "times, dates, numbers or texts");
        }
        TimeSource::DateAndTime(date, time) => {
            check(date, &is_cell, "dates or texts");
            check(time, &is_cell, "times of day or texts");
        }
    }
    let Axes { x, y, z } = plan.axes;
    for axis in [x, y, z] {
        check(axis, &|data_type| holds_numbers(data_type) || holds_text(data_type), "numbers");
    }
    problems
}

/// A column of numbers.
enum Numbers<'a> {
    /// Floats and integers of the server's rules.
    Typed(NumberColumn<'a>),
    Texts(TextColumn<'a>),
    /// Decimals and half floats, by their digits.
    Digits(&'a ArrayRef),
}

/// The times of rows.
enum Times<'a> {
    Absent,
    /// Dates and moments. A value without a zone is a clock time.
    Typed {
        column: &'a ArrayRef,
        is_clock: bool,
    },
    /// Numbers, by their digits.
    Digits(&'a ArrayRef),
    Texts(TextColumn<'a>),
    DateAndTime(&'a ArrayRef, &'a ArrayRef),
}

/// The columns of a record batch whose types have been checked.
pub(super) struct ColumnRows<'a> {
    device: Option<(&'a ArrayRef, Option<TextColumn<'a>>)>,
    times: Times<'a>,
    axes: Axes<Numbers<'a>>,
    columns: (Option<&'a ArrayRef>, Axes<&'a ArrayRef>),
}

impl<'a> ColumnRows<'a> {
    /// Finds the columns of a plan; `None` if there are fewer columns.
    pub(super) fn new(batch: &'a RecordBatch, plan: &ColumnPlan) -> Option<Self> {
        let column = |position: usize| batch.columns().get(position);
        let numbers = |position| {
            let column = column(position)?;
            Some(match (NumberColumn::new(column), TextColumn::new(column)) {
                (Some(typed), _) => Numbers::Typed(typed),
                (None, Some(texts)) => Numbers::Texts(texts),
                (None, None) => Numbers::Digits(column),
            })
        };
        let times = match plan.time {
            TimeSource::Absent => Times::Absent,
            TimeSource::DateAndTime(date, time) => Times::DateAndTime(column(date)?, column(time)?),
            TimeSource::Column(position) => {
                let column = column(position)?;
                match (column.data_type(), TextColumn::new(column)) {
                    (_, Some(texts)) => Times::Texts(texts),
                    (DataType::Null, _) => Times::Absent,
                    (data_type, _) if holds_numbers(data_type) => Times::Digits(column),
                    (data_type, _) => {
                        let is_clock = !matches!(data_type, DataType::Timestamp(_, Some(_)));
                        Times::Typed { column, is_clock }
                    }
                }
            }
        };
        let device = match plan.device {
            Some(position) => Some(column(position).map(|column| (column, TextColumn::new(column)))?),
            None => None,
        };
        let arrays = plan.axes.map(column).all()?;
        Some(Self {
            columns: (device.as_ref().map(|(column, _)| *column), arrays),
            device,
            times,
            axes: plan.axes.map(numbers).all()?,
        })
    }

    /// Adds rows to a batch; `first_number` is the number of row 0 in the file.
    pub(super) fn read(
        &self,
        rows: std::ops::Range<usize>,
        first_number: u64,
        reader: &mut RowReader,
        batch: &mut FileBatch,
    ) {
        for row in rows {
            let device = self.device(row, reader);
            let time = self.times.read(row, reader);
            let axes = self.axes.as_ref().map(|numbers| numbers.read(row, reader));
            let only_device = reader.only_device().cloned();
            let texts = || self.texts(row, only_device.as_ref());
            reader.add(first_number + row as u64, RowValues { device, time, axes }, texts, batch);
        }
    }

    fn device(&self, row: usize, reader: &mut RowReader) -> Result<DeviceId, Problem> {
        match (&self.device, reader.only_device()) {
            (Some((_, Some(texts))), _) => match texts.read(row) {
                Some(text) => reader.device(text),
                None => Err(values::not_a_text()),
            },
            (Some((column, None)), _) => match number_text(column, row) {
                Some(text) => reader.device(&text),
                None => Err(values::not_a_text()),
            },
            (None, Some(device)) => Ok(device.clone()),
            (None, None) => Err(values::not_a_text()),
        }
    }

    fn texts(&self, row: usize, only_device: Option<&DeviceId>) -> [String; 5] {
        let (device, Axes { x, y, z }) = self.columns;
        let text = |column: &ArrayRef| cell_text(column, row).unwrap_or_default();
        let device = device.map(text).or_else(|| only_device.map(ToString::to_string)).unwrap_or_default();
        let time = match &self.times {
            Times::Absent => String::new(),
            Times::Typed { column, .. } | Times::Digits(column) => text(column),
            Times::Texts(texts) => texts.read(row).unwrap_or_default().to_owned(),
            Times::DateAndTime(date, time) => format!("{} {}", text(date), text(time)),
        };
        [device, time, text(x), text(y), text(z)]
    }
}

impl Numbers<'_> {
    fn read(&self, row: usize, reader: &RowReader) -> Result<Finite, Problem> {
        match self {
            Self::Typed(numbers) => numbers.read(row).map_err(|fault| fault.0),
            Self::Texts(texts) => {
                texts.read(row).map_or_else(|| Err(values::not_a_number()), |text| reader.number(text))
            }
            Self::Digits(column) => number_text(column, row)
                .map_or_else(|| Err(values::not_a_number()), |text| values::finite_text(&text)),
        }
    }
}

impl Times<'_> {
    fn read(&self, row: usize, reader: &mut RowReader) -> Result<Option<Timestamp>, Problem> {
        let times = &mut reader.times;
        match self {
            Self::Absent => Ok(None),
            Self::Typed { column, is_clock } => match micros_of(column, row) {
                None => Ok(None),
                Some(micros) if *is_clock => times.read_clock(micros).map(Some),
                Some(micros) => values::timestamp_micros(micros).map(Some),
            },
            Self::Digits(column) => number_text(column, row).map(|text| times.read_number(&text)).transpose(),
            Self::Texts(texts) => texts.read(row).map_or(Ok(None), |text| times.read_text(text)),
            Self::DateAndTime(date, time) => {
                let text = |column: &ArrayRef| cell_text(column, row).unwrap_or_default();
                // A date that is stored as a moment has a time of day of its own.
                let date = text(date);
                let date = date.strip_suffix("T00:00:00.000000").unwrap_or(&date);
                times.read_text(&format!("{} {}", date.trim(), text(time).trim()))
            }
        }
    }
}
