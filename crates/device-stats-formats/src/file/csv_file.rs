//! A CSV file of readings, cut into batches. Cells are passed on byte for byte.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use csv::Writer;
use device_stats_domain::{DeviceId, Measurement};

use super::batch_builder::BatchBuilder;
use super::file_batch::{FileBatch, TimedRows};
use super::file_error::FileError;
use super::file_rows::FileRows;
use crate::batch::Row;
use crate::csv::{Progress, RecordReader, formula};
use crate::faults::Faults;

/// A CSV file whose header has been read.
pub(super) struct CsvFile<R> {
    file: PathBuf,
    input: BufReader<R>,
    /// Holds the last record that has been read.
    records: RecordReader,
    /// Whether that record did not fit into the last batch and belongs to the next batch.
    is_pending: bool,
    header: Vec<String>,
    device_id: usize,
    timestamp: Option<usize>,
    batch_bytes_max: usize,
}

impl<R: Read> CsvFile<R> {
    /// Reads the header of a text without a byte order mark.
    ///
    /// # Errors
    /// [`FileError`] if it cannot be read, or columns are missing, unknown or repeated.
    pub(super) fn open(file: &Path, input: R, batch_bytes_max: usize) -> Result<Self, FileError> {
        let mut csv = Self {
            file: file.to_owned(),
            input: BufReader::new(input),
            records: RecordReader::default(),
            is_pending: false,
            header: Vec::new(),
            device_id: 0,
            timestamp: None,
            batch_bytes_max,
        };
        csv.read_record()?;
        csv.records.check_quotes().map_err(|rule| csv.error(rule))?;
        let columns = csv.cells()?;
        let mut faults = Faults::default();
        if <(DeviceId, Measurement)>::COLUMNS.check(&columns, &mut faults).is_none() {
            return Err(FileError::from_column_faults(file, Some(csv.records.line()), faults));
        }
        let position = |name| columns.iter().position(|column| *column == name);
        let Some(device_id) = position("device_id") else { unreachable!("the header has been checked") };
        let timestamp = position("timestamp");
        let header = columns.into_iter().map(str::to_owned).collect();
        Ok(Self { header, device_id, timestamp, ..csv })
    }

    /// Reads the next row; returns whether there is one.
    fn next_row(&mut self) -> Result<bool, FileError> {
        if std::mem::take(&mut self.is_pending) {
            return Ok(true);
        }
        let is_found = self.read_record()?;
        if is_found {
            self.records.check(self.header.len()).map_err(|difference| self.error(difference))?;
        }
        Ok(is_found)
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
                Progress::NeedsInput => {}
            }
        }
    }

    /// Returns the cells of the current record.
    fn cells(&self) -> Result<Vec<&str>, FileError> {
        let cells: Result<_, _> = self.records.cells().map(std::str::from_utf8).collect();
        cells.map_err(|_| self.error("the row is not UTF-8".to_owned()))
    }

    /// Returns whether the current row has a time.
    fn is_timed(&self) -> bool {
        self.timestamp.and_then(|column| self.records.cell(column)).is_some_and(|cell| !cell.is_empty())
    }

    /// Describes an error of the current record.
    fn error(&self, problem: String) -> FileError {
        FileError::Line { file: self.file.clone(), line: self.records.line(), problem }
    }
}

impl<R: Read> FileRows for CsvFile<R> {
    fn skip_some(&mut self, _: u64, timed_rows: &mut TimedRows) -> Result<u64, FileError> {
        let is_found = self.next_row()?;
        if is_found {
            timed_rows.note(self.records.line(), self.is_timed());
        }
        Ok(is_found.into())
    }

    /// # Errors
    /// [`FileError`] for a row that has another number of cells than the header, is not UTF-8, or is too
    /// large for any batch.
    fn next_batch(&mut self) -> Result<Option<FileBatch>, FileError> {
        let mut csv = Writer::from_writer(Vec::new());
        csv.write_record(&self.header).map_err(|error| self.error(error.to_string()))?;
        let header_size = size_max(self.header.iter().map(String::as_str));
        let mut size = header_size;
        let mut batch = BatchBuilder::new();
        while !batch.is_full() && self.next_row()? {
            let cells = self.cells()?;
            size += size_max(cells.iter().copied());
            if size > self.batch_bytes_max {
                if batch.is_empty() {
                    let bytes_max = self.batch_bytes_max.saturating_sub(header_size);
                    let problem =
                        format!("the row is too large for any batch; the limit is {bytes_max} bytes");
                    return Err(self.error(problem));
                }
                self.is_pending = true;
                break;
            }
            let device_id = cells.get(self.device_id).map(|cell| formula::unescape(cell));
            batch.add(self.records.line(), device_id, Some(self.is_timed()));
            csv.write_record(cells).map_err(|error| self.error(error.to_string()))?;
        }
        let body = csv.into_inner().map_err(|error| self.error(error.to_string()))?;
        Ok(batch.finish("text/csv", body))
    }
}

/// Returns the maximum size of a row in bytes: with every quote doubled, and each cell in quotes and followed
/// by one byte.
fn size_max<'a>(cells: impl Iterator<Item = &'a str>) -> usize {
    cells.map(|cell| 2 * cell.len() + 3).sum()
}
