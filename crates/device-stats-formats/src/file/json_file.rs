//! The rows of a file of JSON objects, one on each line or in an array.

use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use device_stats_domain::{Axes, DeviceId, Measurement, Timestamp};

use super::column_content::Content;
use super::column_guess::{Columns, guess};
use super::column_map::Target;
use super::column_plan::{IndexColumn, shorten};
use super::file_batch::{FileBatch, RowFault};
use super::file_error::FileError;
use super::file_options::FileOptions;
use super::file_rows::FileRows;
use super::json_members::{FoundMembers, MemberNames};
use super::json_splitter::{JsonLayout, JsonSplitter, SplitError};
use super::row_reader::{RowReader, RowValues};
use crate::batch::{Row, read_plain_object};
use crate::faults::Problem;
use crate::json::{Json, JsonError};
use crate::limits::BATCH_BYTES_MAX;
use crate::values;

/// A file of JSON objects.
pub(super) struct JsonFile<R> {
    file: PathBuf,
    splitter: JsonSplitter<BufReader<R>>,
    members: MemberNames,
    rows: RowReader,
    /// Whether objects without other names and forms are read by the fast reader.
    is_plain: bool,
    options: FileOptions,
    /// Whether the first object has been compared with the expected members.
    is_checked: bool,
}

impl<R: Read> JsonFile<R> {
    /// Creates a reader of a text without a byte order mark.
    pub(super) fn new(file: &Path, input: R, layout: JsonLayout, options: &FileOptions) -> Self {
        let rows = RowReader::new(options);
        Self {
            file: file.to_owned(),
            splitter: JsonSplitter::new(BufReader::new(input), layout, BATCH_BYTES_MAX),
            members: MemberNames::new(options),
            is_plain: rows.is_plain() && options.columns.is_empty(),
            rows,
            options: options.clone(),
            is_checked: false,
        }
    }

    /// Returns the next object without line breaks, and the line of the file on which it begins.
    fn next_object(&mut self) -> Result<Option<(Vec<u8>, u64)>, FileError> {
        self.splitter.next_element().map_err(|error| match error {
            SplitError::Invalid { line, problem } => {
                FileError::Line { file: self.file.clone(), line, problem: problem.to_owned() }
            }
            SplitError::Unreadable(error) => FileError::Unreadable(self.file.clone(), error),
        })
    }

    fn read_object(&mut self, object: &[u8], line: u64, batch: &mut FileBatch) -> Result<(), FileError> {
        let Ok(text) = std::str::from_utf8(object) else {
            let fault =
                RowFault::of_row("the row is not UTF-8; state the encoding of the file with --encoding");
            self.rows.reject(line, Default::default(), vec![fault], batch);
            return Ok(());
        };
        let text = text.trim_end_matches('\r');
        if self.is_plain
            && let Some(plain) = read_plain_object(text, self.rows.times.numbers())
            && let Some((device, Measurement { time, values })) =
                <(DeviceId, Measurement)>::from_plain_object(plain)
        {
            self.is_checked = true;
            // Rows of one device share the text of its id.
            let device = self.rows.device(device.as_str());
            let row = RowValues { device, time: Ok(time), axes: values.map(Ok) };
            self.rows.add(line, row, Default::default, batch);
            return Ok(());
        }
        match Json::parse(text) {
            Ok(json) => self.read_json(&json, line, batch),
            Err(JsonError { position, .. }) => {
                let msg = format!("JSON decode error in column {}", position + 1);
                self.rows.reject(line, Default::default(), vec![RowFault::of_row(msg)], batch);
                Ok(())
            }
        }
    }

    fn read_json(&mut self, json: &Json, line: u64, batch: &mut FileBatch) -> Result<(), FileError> {
        let Json::Object(named) = json else {
            let fault = RowFault::of_row("Input should be an object");
            self.rows.reject(line, Default::default(), vec![fault], batch);
            return Ok(());
        };
        let mut found = self.members.find(named, &self.options);
        if !std::mem::replace(&mut self.is_checked, true) {
            self.check_first(named, &found, line)?;
        }
        let mut row = self.values(&found);
        let value_faults: Vec<RowFault> = [
            (Target::DeviceId, row.device.as_ref().err()),
            (Target::Timestamp, row.time.as_ref().err()),
            (Target::X, row.axes.x.as_ref().err()),
            (Target::Y, row.axes.y.as_ref().err()),
            (Target::Z, row.axes.z.as_ref().err()),
        ]
        .into_iter()
        .filter_map(|(target, problem)| Some(RowFault::of(target, problem?.msg.clone())))
        .collect();
        if found.faults.is_empty() && value_faults.is_empty() {
            self.rows.add(line, row, Default::default, batch);
            return Ok(());
        }
        if let Some(other) = found.other_time {
            let numbers = *self.rows.times.numbers();
            row.time = Self::time(&mut self.rows, other).or(Ok(None));
            *self.rows.times.numbers() = numbers;
        }
        let texts = row.normalize(self.texts(&found), self.rows.decimal_mark);
        let faults = value_faults.into_iter().chain(found.faults.drain(..)).collect();
        self.rows.reject(line, texts, faults, batch);
        Ok(())
    }

    /// Stops with a guess if the members of the first object have other names.
    fn check_first(
        &self,
        members: &[(String, Json)],
        found: &FoundMembers<'_>,
        line: u64,
    ) -> Result<(), FileError> {
        let [device, _, axes @ ..] = found.values;
        let has_all = axes.iter().all(Option::is_some) && (device.is_some() || self.options.device.is_some());
        if has_all && found.faults.is_empty() {
            return Ok(());
        }
        let names: Vec<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
        let contents: Vec<Content> =
            members.iter().map(|(_, value)| Content::of(&plain_text(value))).collect();
        let columns = Columns { names: &names, contents: &contents };
        let Some(guess) = guess(columns, IndexColumn::None, &self.options) else { return Ok(()) };
        let quoted: Vec<String> = names.iter().map(|name| format!("{:?}", shorten(name))).collect();
        let problem = format!("the first object has the members {}", quoted.join(", "));
        Err(FileError::Columns { file: self.file.clone(), line: Some(line), problem, guess: Some(guess) })
    }

    fn values(&mut self, found: &FoundMembers<'_>) -> RowValues {
        let [device, time, x, y, z] = found.values;
        let rows = &mut self.rows;
        let device = match (rows.only_device(), device) {
            (Some(device), _) => Ok(device.clone()),
            (None, Some(Json::String(text))) => rows.device(text),
            // As in CSV and in columns, an integer is the text of its digits.
            (None, Some(Json::Number(text))) if text.bytes().all(|byte| byte.is_ascii_digit()) => {
                rows.device(text)
            }
            (None, Some(_)) => Err(values::not_a_text()),
            (None, None) => Err(crate::members::missing()),
        };
        let time = match (time, found.date, found.time_of_day) {
            (None, None, None) => Ok(None),
            (Some(time), ..) => Self::time(rows, time),
            (None, Some(date), Some(time)) => {
                rows.times.read_text(&format!("{} {}", plain_text(date).trim(), plain_text(time).trim()))
            }
            (None, ..) => Err(Problem::new("missing", "the date or the time of day is missing")),
        };
        let rows = &self.rows;
        let axes = Axes { x, y, z }.map(|number| match number {
            Some(Json::String(text)) => rows.number(text),
            Some(other) => values::finite(other),
            None => Err(crate::members::missing()),
        });
        RowValues { device, time, axes }
    }

    fn time(rows: &mut RowReader, json: &Json) -> Result<Option<Timestamp>, Problem> {
        match json {
            Json::Null => Ok(None),
            Json::String(text) => {
                rows.times.read_text(text).and_then(|time| time.ok_or_else(values::not_a_moment)).map(Some)
            }
            Json::Number(text) => rows.times.read_number(text).map(Some),
            _ => Err(values::not_a_moment()),
        }
    }

    fn texts(&self, found: &FoundMembers<'_>) -> [String; 5] {
        let mut texts = found.values.map(|value| value.map(plain_text).unwrap_or_default());
        let [device, time, ..] = &mut texts;
        if let Some(other) = found.other_time {
            *time = plain_text(other);
        }
        if let Some(only) = self.rows.only_device() {
            *device = only.to_string();
        }
        if let (Some(date), Some(of_day)) = (found.date, found.time_of_day) {
            *time = format!("{} {}", plain_text(date), plain_text(of_day));
        }
        texts
    }
}

/// Returns a value as the text of a cell.
fn plain_text(json: &Json) -> String {
    match json {
        Json::Null => String::new(),
        Json::String(text) | Json::Number(text) => text.clone(),
        other => other.echo().to_string(),
    }
}

impl<R: Read> FileRows for JsonFile<R> {
    fn may_have_times(&self) -> bool {
        true
    }

    /// # Errors
    /// [`FileError`] if the end of an object cannot be found, or if the first object has other members.
    fn read(&mut self, rows_max: usize, batch: &mut FileBatch) -> Result<(), FileError> {
        while batch.len() < rows_max {
            let Some((object, line)) = self.next_object()? else { break };
            self.read_object(&object, line, batch)?;
        }
        Ok(())
    }
}
