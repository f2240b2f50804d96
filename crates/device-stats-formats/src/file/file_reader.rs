//! Reads a file of any format.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::beginning::without_byte_order_mark;
use super::column_file::ColumnFile;
use super::csv_file::CsvFile;
use super::file_batch::{FileBatch, TimedRows};
use super::file_error::FileError;
use super::file_name::{self, FileFormat, OpenedFile};
use super::file_rows::FileRows;
use super::json_file::JsonFile;
use super::json_splitter::JsonLayout;
use crate::limits::BATCH_BYTES_MAX;

/// Reads the rows of a file, batch by batch.
pub struct FileReader(Box<dyn FileRows>);

impl FileReader {
    /// Opens a file whose name states its format, and reads its header. `track` wraps the file before it is
    /// decompressed. A Parquet file is not wrapped, because it is not read sequentially.
    ///
    /// # Errors
    /// [`FileError`] if the name is unknown, the file cannot be read, or columns are missing, unknown or
    /// repeated.
    pub fn open(
        path: &Path,
        track: impl FnOnce(File) -> io::Result<Box<dyn Read>>,
    ) -> Result<Self, FileError> {
        match file_name::open(path, track)? {
            OpenedFile::Parquet(file) => {
                Ok(Self(Box::new(ColumnFile::open_parquet(path, file, BATCH_BYTES_MAX)?)))
            }
            OpenedFile::Sequential(format, input) => Self::new(path, format, input, BATCH_BYTES_MAX),
        }
    }

    /// Reads the header of a file.
    pub(super) fn new(
        path: &Path,
        format: FileFormat,
        input: impl Read + 'static,
        batch_bytes_max: usize,
    ) -> Result<Self, FileError> {
        let layout = match format {
            FileFormat::Arrow => {
                return Ok(Self(Box::new(ColumnFile::open_arrow(path, input, batch_bytes_max)?)));
            }
            FileFormat::Csv => None,
            FileFormat::Ndjson => Some(JsonLayout::Lines),
            FileFormat::Json => Some(JsonLayout::Array),
        };
        let text = without_byte_order_mark(input);
        let text = text.map_err(|error| FileError::Unreadable(path.to_owned(), error))?;
        Ok(match layout {
            None => Self(Box::new(CsvFile::open(path, text, batch_bytes_max)?)),
            Some(layout) => Self(Box::new(JsonFile::new(path, text, layout, batch_bytes_max))),
        })
    }

    /// Returns the number of rows in the file, if its header states it.
    pub fn row_count(&self) -> Option<u64> {
        self.0.row_count()
    }

    /// Skips up to this number of rows. Returns the first skipped row with a time, and the first one without.
    ///
    /// # Errors
    /// As [`Self::next_batch`].
    pub fn skip(&mut self, rows: u64) -> Result<TimedRows, FileError> {
        let mut timed_rows = TimedRows::default();
        let mut left = rows;
        while left > 0 {
            match self.0.skip_some(left, &mut timed_rows)? {
                0 => break,
                skipped => left -= skipped,
            }
        }
        Ok(timed_rows)
    }

    /// Returns the next rows; `None` at the end of the file.
    ///
    /// # Errors
    /// [`FileError`] for a row that cannot be read, or is too large for any batch. Earlier rows that have not
    /// been returned are lost.
    pub fn next_batch(&mut self) -> Result<Option<FileBatch>, FileError> {
        self.0.next_batch()
    }
}
