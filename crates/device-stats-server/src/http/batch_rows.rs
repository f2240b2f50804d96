//! The rows of a batch, from JSON or CSV: what a row holds is said once, how each format writes it is said here. Rows are
//! read one by one, and the faults of all are noted.

use csv::{ByteRecord, ReaderBuilder, StringRecord};
use device_stats_domain::{Axes, DeviceId};
use serde_json::json;

use super::body::{Format, Text};
use super::faults::{Faults, Problem, Step};
use super::json::{Json, NotJson};
use super::members::{FromMembers, Members, missing};
use super::values;
use crate::service::Measurement;

/// A row of a batch.
pub(crate) trait Row: Sized {
    /// The columns a row must have, the columns it may have.
    const COLUMNS: (&'static [&'static str], &'static [&'static str]);

    /// Reads a JSON object.
    fn from_members(members: &mut Members<'_>) -> Option<Self>;

    /// Reads a line of CSV.
    fn from_cells(cells: &mut Cells<'_>) -> Option<Self>;
}

impl Row for Measurement {
    const COLUMNS: (&'static [&'static str], &'static [&'static str]) = (&["x", "y", "z"], &["timestamp"]);

    fn from_members(members: &mut Members<'_>) -> Option<Self> {
        Self::read(members)
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
}

impl Row for (DeviceId, Measurement) {
    const COLUMNS: (&'static [&'static str], &'static [&'static str]) =
        (&["device_id", "x", "y", "z"], &["timestamp"]);

    fn from_members(members: &mut Members<'_>) -> Option<Self> {
        let device = members.required("device_id", values::device_id);
        let measurement = Measurement::read(members);
        Some((device?, measurement?))
    }

    fn from_cells(cells: &mut Cells<'_>) -> Option<Self> {
        let device = cells.read("device_id", values::device_id_text);
        let measurement = Measurement::from_cells(cells);
        Some((device?, measurement?))
    }
}

/// Reads a batch; `None` where a fault has been noted.
pub(crate) fn read<R: Row>(body: Option<&Text>, faults: &mut Faults) -> Option<Vec<R>> {
    let Some(Text { format, text }) = body else {
        faults.add(vec!["body".into()], missing(), &Json::Null);
        return None;
    };
    match format {
        Format::Json => read_json(text, faults),
        Format::Csv => read_csv(text, faults),
        // Refused before, with 415.
        Format::Other => None,
    }
}

fn read_json<R: Row>(text: &str, faults: &mut Faults) -> Option<Vec<R>> {
    let mut rows = Vec::new();
    let read = Json::parse_elements(text, |index, element| {
        let loc = ["body".into(), index.into()];
        if let Some(mut members) = Members::of(element, &loc, faults) {
            let row = R::from_members(&mut members);
            members.refuse_others(&[R::COLUMNS.0, R::COLUMNS.1].concat());
            rows.extend(row);
        }
        !faults.is_full()
    });
    match read {
        Ok(true) => {}
        Ok(false) => {
            let problem = Problem::new("list_type", "Input should be a valid list");
            faults.add(vec!["body".into()], problem, &Json::Null);
        }
        Err(NotJson { position, error }) => {
            // What is no JSON is no batch either: this is the only fault worth telling.
            *faults = Faults::default();
            let problem = Problem::new("json_invalid", "JSON decode error").with(json!({ "error": error }));
            faults.add(vec!["body".into(), position.into()], problem, &Json::Object(Vec::new()));
        }
    }
    faults.is_empty().then_some(rows)
}

fn read_csv<R: Row>(text: &str, faults: &mut Faults) -> Option<Vec<R>> {
    let mut reader = ReaderBuilder::new().from_reader(text.as_bytes());
    let header = reader.headers().ok()?.clone();
    check_header::<R>(&header, faults)?;
    let mut rows = Vec::new();
    for (index, record) in reader.byte_records().enumerate() {
        if faults.is_full() {
            break;
        }
        match record {
            Ok(record) => {
                rows.extend(R::from_cells(&mut Cells { header: &header, record: &record, index, faults }));
            }
            Err(error) => {
                let line = error.position().map_or(0, csv::Position::line);
                let words = match error.kind() {
                    csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                        format!("the row has {len} cells where the header has {expected_len}")
                    }
                    _ => "the row cannot be read".to_owned(),
                };
                let problem = Problem::new("csv_invalid", words).with(json!({ "line": line }));
                faults.add(vec!["body".into(), index.into()], problem, &Json::Null);
            }
        }
    }
    faults.is_empty().then_some(rows)
}

/// Notes columns that are missing, repeated or unknown.
fn check_header<R: Row>(header: &StringRecord, faults: &mut Faults) -> Option<()> {
    let (required, optional) = R::COLUMNS;
    let loc = |name: &str| vec!["body".into(), Step::from("header"), Step::Name(name.to_owned().into())];
    for name in required.iter().filter(|name| !header.iter().any(|column| column == **name)) {
        faults.add(loc(name), Problem::new("missing", "Column required"), &Json::Null);
    }
    for (index, column) in header.iter().enumerate() {
        let input = Json::String(column.to_owned());
        if !required.contains(&column) && !optional.contains(&column) {
            faults.add(
                loc(column),
                Problem::new("extra_forbidden", "Extra columns are not permitted"),
                &input,
            );
        } else if header.iter().take(index).any(|earlier| earlier == column) {
            faults.add(loc(column), Problem::new("repeated", "Column is repeated"), &input);
        }
    }
    faults.is_empty().then_some(())
}

/// The cells of a line.
pub(crate) struct Cells<'a> {
    header: &'a StringRecord,
    record: &'a ByteRecord,
    /// Counted from 0, without the header.
    index: usize,
    faults: &'a mut Faults,
}

impl Cells<'_> {
    /// The text of a cell; `None` where there is no such column. The whole body is known to be UTF-8.
    fn text(&self, name: &str) -> Option<&str> {
        let column = self.header.iter().position(|column| column == name)?;
        std::str::from_utf8(self.record.get(column)?).ok()
    }

    fn read<T>(&mut self, name: &'static str, read: impl FnOnce(&str) -> Result<T, Problem>) -> Option<T> {
        let read = read(self.text(name).unwrap_or_default());
        read.map_err(|problem| {
            let input = Json::String(self.text(name).unwrap_or_default().to_owned());
            let line = self.record.position().map_or(0, csv::Position::line);
            let mut ctx = problem.ctx.clone().unwrap_or_else(|| json!({}));
            if let Some(members) = ctx.as_object_mut() {
                members.insert("line".to_owned(), json!(line));
            }
            self.faults.add(vec!["body".into(), self.index.into(), name.into()], problem.with(ctx), &input);
        })
        .ok()
    }
}
