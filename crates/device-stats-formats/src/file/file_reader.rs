//! Reads a file of any format.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::column_file::ColumnFile;
use super::csv_file::CsvFile;
use super::file_batch::FileBatch;
use super::file_error::FileError;
use super::file_name::{self, FileFormat, OpenedFile};
use super::json_file::JsonFile;
use crate::limits::BATCH_BYTES_MAX;

/// Reads the rows of a file, batch by batch.
pub struct FileReader<R: Read>(Format<R>);

enum Format<R: Read> {
    Csv(Box<CsvFile<R>>),
    Json(JsonFile<R>),
    Columns(Box<ColumnFile<R>>),
}

impl FileReader<Box<dyn Read>> {
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
                let columns = ColumnFile::open_parquet(path, file, BATCH_BYTES_MAX)?;
                Ok(Self(Format::Columns(Box::new(columns))))
            }
            OpenedFile::Sequential(format, input) => Self::new(path, format, input, BATCH_BYTES_MAX),
        }
    }
}

impl<R: Read> FileReader<R> {
    /// Reads the header of a file.
    pub(super) fn new(
        path: &Path,
        format: FileFormat,
        input: R,
        batch_bytes_max: usize,
    ) -> Result<Self, FileError> {
        Ok(Self(match format {
            FileFormat::Csv => Format::Csv(Box::new(CsvFile::open(path, input, batch_bytes_max)?)),
            FileFormat::Ndjson => Format::Json(JsonFile::from_lines(path, input, batch_bytes_max)),
            FileFormat::Json => Format::Json(JsonFile::from_array(path, input, batch_bytes_max)),
            FileFormat::Arrow => {
                Format::Columns(Box::new(ColumnFile::open_arrow(path, input, batch_bytes_max)?))
            }
        }))
    }

    /// Returns the number of rows in the file, if its header states it.
    pub fn row_count(&self) -> Option<u64> {
        match &self.0 {
            Format::Columns(columns) => columns.row_count(),
            Format::Csv(_) | Format::Json(_) => None,
        }
    }

    /// Skips up to this number of rows.
    ///
    /// # Errors
    /// As [`Self::next_batch`].
    pub fn skip(&mut self, rows: u64) -> Result<(), FileError> {
        match &mut self.0 {
            Format::Csv(csv) => csv.skip(rows),
            Format::Json(json) => json.skip(rows),
            Format::Columns(columns) => columns.skip(rows),
        }
    }

    /// Returns the next rows; `None` at the end of the file.
    ///
    /// # Errors
    /// [`FileError`] for a row that cannot be read, or is too large for any batch. Earlier rows that have not
    /// been returned are lost.
    pub fn next_batch(&mut self) -> Result<Option<FileBatch>, FileError> {
        match &mut self.0 {
            Format::Csv(csv) => csv.next_batch(),
            Format::Json(json) => json.next_batch(),
            Format::Columns(columns) => columns.next_batch(),
        }
    }
}
