//! The rows of a CSV file.

use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};

use device_stats_domain::{Axes, DeviceId};

use super::beginning::first_bytes;
use super::column_content::Content;
use super::column_guess::{Columns, Guess, guess};
use super::column_plan::{ColumnPlan, TimeSource};
use super::csv_recognition::{decimal_comma, index_column, recognize_delimiter, stated_delimiter};
use super::file_batch::{FileBatch, RowFault};
use super::file_error::FileError;
use super::file_options::{CommentMark, FileOptions};
use super::file_rows::FileRows;
use super::rejected_rows_writer::REJECTS_HEADER;
use super::row_reader::{RowReader, RowValues};
use crate::csv::{Progress, RecordReader, formula};
use crate::faults::Problem;
use crate::limits::BATCH_BYTES_MAX;

/// Number of bytes in which the header must end for its delimiter to be recognized.
const SAMPLE_BYTES: usize = 64 * 1024;

/// A CSV file whose header has been read.
pub(super) struct CsvFile {
    file: PathBuf,
    input: BufReader<Box<dyn Read>>,
    /// Holds the last record that has been read.
    records: RecordReader,
    /// Whether that record is the next row.
    is_pending: bool,
    /// Whether the file is a table of rejected rows.
    is_rejects: bool,
    column_count: usize,
    plan: ColumnPlan,
    rows: RowReader,
    notes: Vec<String>,
}

impl CsvFile {
    /// Reads the header of a text without a byte order mark.
    ///
    /// # Errors
    /// [`FileError`] if it cannot be read, or if columns are missing, repeated or unknown.
    pub(super) fn open(
        file: &Path,
        mut input: Box<dyn Read>,
        options: &FileOptions,
    ) -> Result<Self, FileError> {
        let sample = first_bytes(&mut input, SAMPLE_BYTES);
        let sample = sample.map_err(|error| FileError::Unreadable(file.to_owned(), error))?;
        if sample.is_empty() {
            return Err(FileError::Empty(file.to_owned()));
        }
        match guess_comments(file, &sample, options) {
            Some(error) => Err(error),
            None => Self::read_header(file, sample, input, options),
        }
    }

    /// Reads the header. `sample` is the beginning of the text, which has been read already.
    fn read_header(
        file: &Path,
        sample: Vec<u8>,
        input: Box<dyn Read>,
        options: &FileOptions,
    ) -> Result<Self, FileError> {
        let has_line_break = sample.iter().any(|byte| matches!(byte, b'\n' | b'\r'));
        let stated = stated_delimiter(&sample);
        let delimiter = options.delimiter.or(stated).unwrap_or_else(|| recognize_delimiter(&sample, options));
        let mut csv = Self {
            file: file.to_owned(),
            input: BufReader::new(Box::new(Cursor::new(sample).chain(input))),
            records: RecordReader::with_delimiter(delimiter.byte())
                .with_comments(options.comment.map(CommentMark::byte)),
            is_pending: false,
            is_rejects: false,
            column_count: 0,
            plan: ColumnPlan { device: None, time: TimeSource::Absent, axes: Axes::default() },
            rows: RowReader::new(options),
            notes: Vec::new(),
        };
        if stated.is_some() {
            csv.read_record()?;
        }
        csv.read_record()?;
        let header_line = csv.records.line();
        csv.records.check_quotes().map_err(|rule| csv.error(rule))?;
        let header: Result<Vec<String>, _> =
            csv.records.cells().map(|cell| std::str::from_utf8(cell).map(str::to_owned)).collect();
        let header =
            header.map_err(|_| csv.error("the header is not UTF-8; state the --encoding".to_owned()))?;
        let columns: Vec<&str> = header.iter().map(String::as_str).collect();
        csv.is_pending = csv.read_record()?;
        let index = index_column(&columns, &csv.records);
        let states_delimiter = options.delimiter.or(stated).is_none() && delimiter.byte() != b',';
        let mismatch = |problem: String, guess: Option<Guess>| {
            let guess =
                guess.map(|guess| Guess { delimiter: states_delimiter.then_some(delimiter), ..guess });
            FileError::Columns { file: file.to_owned(), line: Some(header_line), problem, guess }
        };
        let plan = ColumnPlan::resolve(&columns, index, options);
        let decimal_mark =
            if csv.is_pending { decimal_comma(&columns, index, &csv.records, options) } else { None };
        match plan {
            Ok(plan) if decimal_mark.is_none() => csv.plan = plan,
            Ok(_) => {
                let problem = "numbers have a decimal comma".to_owned();
                return Err(mismatch(problem, Some(Guess { decimal_mark, ..Guess::default() })));
            }
            Err(problems) => {
                let contents: Vec<Content> =
                    csv.records.cells().map(|cell| Content::of(&String::from_utf8_lossy(cell))).collect();
                let contents = if csv.is_pending { contents } else { Vec::new() };
                let columns_of = Columns { names: &columns, contents: &contents };
                let guess = guess(columns_of, index, options).map(|guess| Guess { decimal_mark, ..guess });
                let mut problem = problems.join("; ");
                if !has_line_break {
                    problem.push_str("; its beginning has no line break, so the --encoding may be wrong");
                }
                return Err(mismatch(problem, guess));
            }
        }
        csv.column_count = columns.len();
        csv.is_rejects = columns == REJECTS_HEADER;
        csv.rows.times.is_rejects = csv.is_rejects;
        if states_delimiter {
            csv.notes.push(format!("the delimiter is {:?}", char::from(delimiter.byte())));
        }
        Ok(csv)
    }

    /// Reads the next row; returns whether there is one.
    fn next_record(&mut self) -> Result<bool, FileError> {
        if std::mem::take(&mut self.is_pending) {
            return Ok(true);
        }
        self.read_record()
    }

    fn read_record(&mut self) -> Result<bool, FileError> {
        loop {
            let buffer = self.input.fill_buf();
            let mut rest = buffer.map_err(|error| FileError::Unreadable(self.file.clone(), error))?;
            let before = rest.len();
            let progress = self.records.read(&mut rest);
            let consumed = before - rest.len();
            self.input.consume(consumed);
            match progress {
                Progress::Record => return Ok(true),
                Progress::End => return Ok(false),
                Progress::NeedsInput if self.records.held_bytes() > 2 * BATCH_BYTES_MAX => {
                    let problem = format!(
                        "the row is longer than {BATCH_BYTES_MAX} bytes; a closing quote may be missing"
                    );
                    return Err(self.error(problem));
                }
                Progress::NeedsInput => {}
            }
        }
    }

    /// Returns the texts of a reading, as far as the row has them.
    fn texts(&self) -> [String; 5] {
        let lossy = |column| {
            let text = String::from_utf8_lossy(self.records.cell(column).unwrap_or_default());
            formula::unescape(&text).to_owned()
        };
        let ColumnPlan { device, time, axes: Axes { x, y, z } } = self.plan;
        let device = match (device, self.rows.only_device()) {
            (Some(column), _) => lossy(column),
            (None, device) => device.map(ToString::to_string).unwrap_or_default(),
        };
        let time = match time {
            TimeSource::Absent => String::new(),
            TimeSource::Column(column) => lossy(column),
            TimeSource::DateAndTime(date, time) => format!("{} {}", lossy(date).trim(), lossy(time).trim()),
        };
        [device, time, lossy(x), lossy(y), lossy(z)]
    }

    /// Reads the values of the current record.
    fn values(&mut self) -> RowValues {
        let Self { records, rows, plan, .. } = self;
        // A number such as -0,25 is also written like a formula, in the table of rejected rows.
        let cell = |column: usize| {
            let text =
                std::str::from_utf8(records.cell(column).unwrap_or_default()).map_err(|_| not_utf8())?;
            Ok(formula::unescape(text.trim_matches([' ', '\t'])))
        };
        let device = match plan.device {
            Some(column) => cell(column).and_then(|text| rows.device(text)),
            None => rows.only_device().cloned().map_or_else(|| rows.device(""), Ok::<DeviceId, Problem>),
        };
        let time = match plan.time {
            TimeSource::Absent => Ok(None),
            TimeSource::Column(column) => cell(column).and_then(|text| rows.times.read_text(text)),
            TimeSource::DateAndTime(date, time) => cell(date).and_then(|date| {
                let time = cell(time)?;
                rows.times.read_text(&format!("{} {}", date.trim(), time.trim()))
            }),
        };
        let axes = plan.axes.map(|column| cell(column).and_then(|text| rows.number(text)));
        RowValues { device, time, axes }
    }

    /// Describes an error of the current record.
    fn error(&self, problem: String) -> FileError {
        FileError::Line { file: self.file.clone(), line: self.records.line(), problem }
    }
}

impl FileRows for CsvFile {
    fn notes(&self) -> &[String] {
        &self.notes
    }

    fn is_rejects(&self) -> bool {
        self.is_rejects
    }

    fn may_have_times(&self) -> bool {
        self.plan.time != TimeSource::Absent
    }

    /// # Errors
    /// [`FileError`] if the file cannot be read, or ends inside quotes, so that its last rows are not known.
    fn read(&mut self, rows_max: usize, batch: &mut FileBatch) -> Result<(), FileError> {
        while batch.len() < rows_max && self.next_record()? {
            let line = self.records.line();
            if self.records.ends_in_quotes() {
                return Err(self.error("the input ends inside quotes".to_owned()));
            }
            if let Err(rule) = self.records.check(self.column_count) {
                // The cells may be shifted, so they must not decide the unit of other times.
                let numbers = *self.rows.times.numbers();
                let texts = self.values().normalize(self.texts(), self.rows.decimal_mark);
                *self.rows.times.numbers() = numbers;
                self.rows.reject(line, texts, vec![RowFault::of_row(rule)], batch);
                continue;
            }
            let values = self.values();
            let is_valid = values.device.is_ok() && values.time.is_ok();
            let texts = if is_valid && values.axes.as_ref().map(Result::is_ok) == TRUE_AXES {
                Default::default()
            } else {
                self.texts()
            };
            self.rows.add(line, values, || texts, batch);
        }
        Ok(())
    }
}

/// Returns the error of a file that begins with a comment, if it could be read without its comments, or if
/// its columns could be guessed.
fn guess_comments(file: &Path, sample: &[u8], options: &FileOptions) -> Option<FileError> {
    if options.comment.is_some() || !sample.starts_with(CommentMark::HASH.name().as_bytes()) {
        return None;
    }
    let comment = Some(CommentMark::HASH);
    let without = FileOptions { comment, ..options.clone() };
    let (mut problem, guess) =
        match CsvFile::read_header(file, sample.to_vec(), Box::new(io::empty()), &without) {
            Ok(_) => (String::new(), Guess::default()),
            Err(FileError::Columns { problem, guess: Some(guess), .. }) => (format!("; {problem}"), guess),
            Err(_) => return None,
        };
    problem.insert_str(0, "the file begins with a comment");
    let guess = Some(Guess { comment, ..guess });
    Some(FileError::Columns { file: file.to_owned(), line: Some(1), problem, guess })
}

const TRUE_AXES: Axes<bool> = Axes { x: true, y: true, z: true };

fn not_utf8() -> Problem {
    Problem::new("string_unicode", "the text is not UTF-8; state the encoding of the file with --encoding")
}
