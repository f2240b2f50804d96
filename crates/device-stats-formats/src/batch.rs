//! The rows of a batch: what a row holds is said here, how each format writes it is said in a file of its own. Rows are
//! read one by one while the body arrives, and the faults of all are noted.

mod arrow_columns;
mod csv_rows;
mod json_array;
mod ndjson;
mod plain_object;
#[cfg(test)]
pub(crate) mod split_body_tests;

use device_stats_domain::{Axes, DeviceId};

use crate::body_receiver::{Receive, list_bytes};
use crate::error::FormatError;
use crate::faults::{Fault, Faults, Problem, Step};
use crate::json::Json;
use crate::media_type::MediaType;
use crate::members::{FromMembers, Members, missing};
use crate::utf8_decoder::Characters;
use crate::values::{self, nullable};
use arrow_columns::ArrowBody;
use csv_rows::{Cells, TableReader};
use device_stats_domain::Measurement;
use ndjson::LineReader;
use plain_object::Plain;

/// A row of a batch.
pub trait Row: Sized + Send {
    /// The columns a row must have, the columns it may have.
    const COLUMNS: (&'static [&'static str], &'static [&'static str]);

    /// Reads a JSON object.
    fn from_members(members: &mut Members<'_>) -> Option<Self>;

    /// Takes what a usual JSON object holds; `None` where that is not a whole row.
    fn from_plain(plain: Plain) -> Option<Self>;

    /// Reads a line of CSV.
    fn from_cells(cells: &mut Cells<'_>) -> Option<Self>;

    /// Puts together what has been read by column; `None` where it lacks a device, or has one too many.
    fn from_parts(device: Option<DeviceId>, measurement: Measurement) -> Option<Self>;
}

impl FromMembers for Measurement {
    fn read(members: &mut Members<'_>) -> Option<Self> {
        let x = members.required("x", values::finite);
        let y = members.required("y", values::finite);
        let z = members.required("z", values::finite);
        let time = members.optional("timestamp", nullable(values::timestamp));
        Some(Self { time: time?.flatten(), values: Axes { x, y, z }.all()? })
    }
}

impl Row for Measurement {
    const COLUMNS: (&'static [&'static str], &'static [&'static str]) = (&["x", "y", "z"], &["timestamp"]);

    fn from_members(members: &mut Members<'_>) -> Option<Self> {
        Self::read(members)
    }

    fn from_plain(plain: Plain) -> Option<Self> {
        let Plain { device_id: None, values, time } = plain else { return None };
        Some(Self { time, values: values.all()? })
    }

    fn from_cells(cells: &mut Cells<'_>) -> Option<Self> {
        let mut number = |name| cells.read(name, |text| values::finite_text(text.trim()));
        let axes = Axes { x: number("x"), y: number("y"), z: number("z") };
        let time = match cells.text("timestamp") {
            None | Some("") => Some(None),
            Some(_) => cells.read("timestamp", values::timestamp_text).map(Some),
        };
        Some(Self { time: time?, values: axes.all()? })
    }

    fn from_parts(device: Option<DeviceId>, measurement: Measurement) -> Option<Self> {
        device.is_none().then_some(measurement)
    }
}

impl Row for (DeviceId, Measurement) {
    const COLUMNS: (&'static [&'static str], &'static [&'static str]) =
        (&["device_id", "x", "y", "z"], &["timestamp"]);

    fn from_members(members: &mut Members<'_>) -> Option<Self> {
        let device = members.required("device_id", values::device_id);
        let measurement = Measurement::read(members);
        Some((device?, measurement?))
    }

    fn from_plain(mut plain: Plain) -> Option<Self> {
        let device = plain.device_id.take()?;
        Some((device, Measurement::from_plain(plain)?))
    }

    fn from_cells(cells: &mut Cells<'_>) -> Option<Self> {
        let device = cells.read("device_id", values::device_id_text);
        let measurement = Measurement::from_cells(cells);
        Some((device?, measurement?))
    }

    fn from_parts(device: Option<DeviceId>, measurement: Measurement) -> Option<Self> {
        Some((device?, measurement))
    }
}

/// Where the rows of a body stand in it, to tell of one that turns out to be at fault later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// What names the device of a row.
    device: &'static str,
    /// The line of each row, counted from 1; empty where rows are not bound to lines.
    lines: Vec<u64>,
}

impl Default for Places {
    fn default() -> Self {
        Self { device: "device_id", lines: Vec::new() }
    }
}

impl Places {
    /// A fault of the device that a row names.
    pub fn unknown_device(&self, row: usize, id: &DeviceId) -> Fault {
        let loc: Vec<Step> = vec!["body".into(), row.into(), self.device.into()];
        Fault {
            kind: "device_not_found",
            loc,
            line: self.lines.get(row).copied(),
            msg: "Device not found".into(),
            input: Json::String(id.as_str().to_owned()).echo(),
            ctx: None,
        }
    }
}

/// The rows of a body without a fault.
pub struct Rows<R> {
    /// The rows, in their order.
    pub rows: Vec<R>,
    /// Where each of them stands.
    pub places: Places,
}

impl<R> Default for Rows<R> {
    fn default() -> Self {
        Self { rows: Vec::new(), places: Places::default() }
    }
}

impl<R> Rows<R> {
    /// No rows yet, whose device is named by something else than `device_id`.
    pub fn naming(device: &'static str) -> Self {
        Self { rows: Vec::new(), places: Places { device, ..Places::default() } }
    }

    /// How much memory they take, in bytes. What a row refers to is not counted: it is part of the body, and short.
    pub fn held_bytes(&self) -> usize {
        list_bytes(&self.rows) + list_bytes(&self.places.lines)
    }

    /// Adds a row that stands on a line of its own.
    pub fn push_line(&mut self, line: u64, row: R) {
        self.rows.push(row);
        self.places.lines.push(line);
    }
}

/// Reads the rows of a batch while it arrives.
pub struct BatchReader<R> {
    characters: Characters,
    reader: FormatReader<R>,
    faults: Faults,
}

/// How the rows are written.
enum FormatReader<R> {
    /// Read at its end: its faults are told by their place in the whole, and an array that is no JSON has no other fault.
    Array(String),
    Lines(LineReader<R>),
    Table(Box<TableReader<R>>),
    /// Read at its end: a record batch is a whole, and readings are made of its columns without another copy.
    Columns(Vec<u8>),
    /// In a way that is not known; whether there is anything at all has to be known to say so.
    Other,
}

impl<R: Row> BatchReader<R> {
    /// Nothing has arrived yet.
    pub fn new(media_type: MediaType) -> Self {
        let reader = match media_type {
            MediaType::Json => FormatReader::Array(String::new()),
            MediaType::Ndjson => FormatReader::Lines(LineReader::default()),
            MediaType::Csv => FormatReader::Table(Box::default()),
            MediaType::Arrow => FormatReader::Columns(Vec::new()),
            MediaType::Other => FormatReader::Other,
        };
        Self { characters: Characters::default(), reader, faults: Faults::default() }
    }

    /// All rows; `None` where a fault has been noted.
    ///
    /// # Errors
    /// No characters, no columns, or an unknown format.
    pub fn finish(self, faults: &mut Faults) -> Result<Option<Rows<R>>, FormatError> {
        let Self { characters, mut reader, faults: mut found } = self;
        let is_empty = match &reader {
            FormatReader::Columns(bytes) => bytes.is_empty(),
            _ => characters.finish(|text| reader.take(text, &mut found))?,
        };
        if is_empty {
            faults.add(vec!["body".into()], missing(), &Json::Null);
            return Ok(None);
        }
        let rows = match reader {
            FormatReader::Array(text) => Some(json_array::read(&text, faults)),
            FormatReader::Lines(lines) => Some(lines.finish(&mut found)),
            FormatReader::Table(table) => table.finish(&mut found),
            FormatReader::Columns(bytes) => Some(arrow_columns::read(ArrowBody::open(&bytes)?, &mut found)?),
            FormatReader::Other => return Err(FormatError::UnknownMediaType),
        };
        faults.append(found);
        Ok(rows.filter(|_| faults.is_empty()))
    }
}

impl<R: Row> FormatReader<R> {
    fn take(&mut self, text: &str, faults: &mut Faults) {
        match self {
            Self::Array(all) => all.push_str(text),
            Self::Lines(lines) => lines.take(text, faults),
            Self::Table(table) => table.take(text, faults),
            Self::Columns(_) | Self::Other => {}
        }
    }
}

impl<R: Row> Receive for BatchReader<R> {
    fn receive(&mut self, bytes: &[u8]) {
        let Self { characters, reader, faults } = self;
        match reader {
            FormatReader::Columns(all) => all.extend_from_slice(bytes),
            _ => characters.take(bytes, |text| reader.take(text, faults)),
        }
    }

    fn held_bytes(&self) -> usize {
        match &self.reader {
            FormatReader::Array(text) => text.capacity(),
            FormatReader::Lines(lines) => lines.held_bytes(),
            FormatReader::Table(table) => table.held_bytes(),
            FormatReader::Columns(bytes) => list_bytes(bytes),
            FormatReader::Other => 0,
        }
    }
}

/// Notes columns that are missing, repeated or unknown.
fn check_columns<R: Row>(columns: &[&str], faults: &mut Faults) -> Option<()> {
    let (required, optional) = R::COLUMNS;
    let loc = |name: &str| vec!["body".into(), Step::from("header"), Step::sent(name)];
    for name in required.iter().filter(|name| !columns.contains(name)) {
        faults.add(loc(name), Problem::new("missing", "Column required"), &Json::Null);
    }
    for (index, column) in columns.iter().enumerate() {
        if faults.is_full() {
            break;
        }
        let input = Json::String((*column).to_owned());
        if !required.contains(column) && !optional.contains(column) {
            faults.add(
                loc(column),
                Problem::new("extra_forbidden", "Extra columns are not permitted"),
                &input,
            );
        } else if columns.iter().take(index).any(|earlier| earlier == column) {
            faults.add(loc(column), Problem::new("repeated", "Column is repeated"), &input);
        }
    }
    faults.is_empty().then_some(())
}

/// Reads a row from a JSON value.
fn read_object<R: Row>(value: &Json, index: usize, faults: &mut Faults) -> Option<R> {
    let loc = ["body".into(), index.into()];
    let mut members = Members::of(value, &loc, faults)?;
    let row = R::from_members(&mut members);
    members.refuse_others(&[R::COLUMNS.0, R::COLUMNS.1].concat());
    row
}
