//! Reads a file of any format.

use std::io::{Cursor, Read};
use std::path::Path;

use super::beginning::first_bytes;
use super::column_file::ColumnFile;
use super::csv_file::CsvFile;
use super::decoded_text::to_utf8;
use super::file_batch::{BATCH_ROWS_MAX, FileBatch, RowNumbering};
use super::file_error::FileError;
use super::file_name::{FileFormat, FileInput, Layout};
use super::file_options::{Delimiter, FileOptions};
use super::file_rows::FileRows;
use super::json_file::JsonFile;
use super::json_splitter::JsonLayout;
use super::rejected_rows_writer::{is_rejects, rejects_options};

/// Number of bytes in which a table of rejected rows is recognized.
const REJECTS_SAMPLE_BYTES: usize = 64;

/// Reads the rows of a file, batch by batch.
pub struct FileReader(Box<dyn FileRows>);

impl FileReader {
    /// Reads the header of a file. `path` names the file in errors.
    ///
    /// # Errors
    /// [`FileError`] if the file cannot be read, or if columns are missing, unknown, repeated or of a wrong
    /// type.
    pub fn open(
        path: &Path,
        format: FileFormat,
        input: FileInput,
        options: &FileOptions,
    ) -> Result<Self, FileError> {
        let input = match (format.layout, input) {
            (Layout::Parquet, FileInput::Seekable(file)) => {
                return Ok(Self(Box::new(ColumnFile::open_parquet(path, file, options)?)));
            }
            (Layout::Parquet, FileInput::Sequential(_)) => {
                let problem = "Parquet cannot be read in order; write it to a file".to_owned();
                return Err(FileError::File { file: path.to_owned(), problem });
            }
            (Layout::Arrow, FileInput::Seekable(file)) if format.needs_seek() => {
                return Ok(Self(Box::new(ColumnFile::open_arrow_file(path, file, options)?)));
            }
            (_, FileInput::Sequential(input)) => input,
            (_, FileInput::Seekable(file)) => Box::new(file),
        };
        let input =
            format.decompress(input).map_err(|error| FileError::Unreadable(path.to_owned(), error))?;
        Self::from_bytes(path, format.layout, input, options)
    }

    /// Reads the header of a decompressed file that is not Parquet.
    pub(super) fn from_bytes(
        path: &Path,
        layout: Layout,
        mut input: Box<dyn Read>,
        options: &FileOptions,
    ) -> Result<Self, FileError> {
        if layout == Layout::Arrow {
            return Ok(Self(Box::new(ColumnFile::open_arrow(path, input, options)?)));
        }
        if matches!(layout, Layout::Csv | Layout::Tsv) {
            let begin = first_bytes(&mut input, REJECTS_SAMPLE_BYTES);
            let begin = begin.map_err(|error| FileError::Unreadable(path.to_owned(), error))?;
            let is_rejects = is_rejects(&begin);
            input = Box::new(Cursor::new(begin).chain(input));
            if is_rejects {
                let options = rejects_options(options);
                return Ok(Self(Box::new(CsvFile::open(path, to_utf8(path, input, None)?, &options)?)));
            }
        }
        let mut text = to_utf8(path, input, options.encoding)?;
        if layout == Layout::Json {
            let begin = first_bytes(&mut text, 1);
            let begin = begin.map_err(|error| FileError::Unreadable(path.to_owned(), error))?;
            if begin.is_empty() {
                return Err(FileError::Empty(path.to_owned()));
            }
            text = Box::new(Cursor::new(begin).chain(text));
        }
        Ok(Self(match layout {
            Layout::Ndjson => Box::new(JsonFile::new(path, text, JsonLayout::Lines, options)),
            Layout::Json => Box::new(JsonFile::new(path, text, JsonLayout::Array, options)),
            Layout::Tsv if options.delimiter.is_none() => {
                let options = FileOptions { delimiter: Some(Delimiter::TAB), ..options.clone() };
                Box::new(CsvFile::open(path, text, &options)?)
            }
            _ => Box::new(CsvFile::open(path, text, options)?),
        }))
    }

    /// Returns the number of rows in the file, if its header states it.
    pub fn row_count(&self) -> Option<u64> {
        self.0.row_count()
    }

    /// Returns descriptions of the properties of the file that were recognized without an option.
    pub fn notes(&self) -> &[String] {
        self.0.notes()
    }

    /// Returns whether a row of the file may have a time.
    pub fn may_have_times(&self) -> bool {
        self.0.may_have_times()
    }

    /// Returns whether the file is a table of rejected rows. Other rows of its source may have times.
    pub fn is_rejects(&self) -> bool {
        self.0.is_rejects()
    }

    /// Returns the unit of the positions of rows.
    pub fn numbering(&self) -> RowNumbering {
        self.0.numbering()
    }

    /// Returns the next rows, up to [`BATCH_ROWS_MAX`]; `None` at the end of the file.
    ///
    /// # Errors
    /// [`FileError`] if the file cannot be read. Earlier rows that have not been returned are lost.
    pub fn next_batch(&mut self) -> Result<Option<FileBatch>, FileError> {
        let mut batch = FileBatch::default();
        self.0.read(BATCH_ROWS_MAX, &mut batch)?;
        Ok((!batch.is_empty()).then_some(batch))
    }
}
