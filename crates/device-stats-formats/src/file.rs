//! The readings of a file, cut into batches. They are passed on as they are written: what is a number or a time is the
//! server's to say.

mod column_file;
mod csv_file;
mod file_name;
mod json_file;
mod json_splitter;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use device_stats_domain::limits::BATCH_BYTES_MAX;

use column_file::Columns;
use csv_file::Table;
pub use file_name::FileFormat;
use file_name::Opened;
use json_file::Objects;

/// Most readings of a batch.
pub const CHUNK_ROWS_MAX: usize = 5_000;
/// Columns that a table must have.
pub const REQUIRED: [&str; 4] = ["device_id", "x", "y", "z"];
/// The column that it may have.
pub const TIMESTAMP: &str = "timestamp";

/// Why a file cannot be imported, or not further.
#[derive(Debug, thiserror::Error)]
pub enum RowsError {
    /// The name of the file does not say what it holds.
    #[error(
        "the name of {} does not say what it holds: known are .csv, .ndjson, .jsonl, .json, .arrows and .arrow, each also \
         with .gz or .zst behind it, and .parquet",
        .0.display()
    )]
    Name(PathBuf),
    /// The file cannot be opened, read on or decompressed.
    #[error("cannot read {}", .0.display())]
    Open(PathBuf, #[source] io::Error),
    /// Something is wrong with the file as a whole.
    #[error("{}: {problem}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// Something in the file is wrong.
    #[error("{}:{line}: {problem}", file.display())]
    Line {
        /// The file.
        file: PathBuf,
        /// The line, counted from 1.
        line: u64,
        /// What is wrong.
        problem: String,
    },
}

/// What tells where a row is in its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The line on which it begins.
    Line,
    /// Its number, since there are no lines.
    Row,
}

/// Rows to be sent at once.
#[derive(Debug, PartialEq, Eq)]
pub struct Chunk {
    /// What the body is.
    pub content_type: &'static str,
    /// The rows as they are sent.
    pub body: Vec<u8>,
    /// Where in the file each row is, counted from 1.
    pub lines: Vec<u64>,
    /// In which unit.
    pub place: Place,
    /// The devices of the rows, each once, in the order of their first row.
    pub device_ids: Vec<String>,
    /// Whether every row has a timestamp.
    pub all_timed: bool,
}

/// The rows of a file that are still to be sent.
pub enum Rows<R: Read> {
    /// CSV.
    Table(Table<R>),
    /// JSON objects.
    Objects(Objects<R>),
    /// An Arrow stream, or Parquet.
    Columns(Box<Columns<R>>),
}

impl Rows<Box<dyn Read>> {
    /// Opens a file that is what its name says, and reads its beginning. `track` wraps the file before it is decompressed;
    /// a Parquet file is not read from its beginning to its end, and not wrapped.
    ///
    /// # Errors
    /// [`RowsError`] where the name does not say, the file cannot be read, or a header lacks columns.
    pub fn open(
        path: &Path,
        track: impl FnOnce(File) -> io::Result<Box<dyn Read>>,
    ) -> Result<Self, RowsError> {
        match file_name::open(path, track)? {
            Opened::Parquet(file) => {
                let columns = Columns::parquet(path, file, BATCH_BYTES_MAX)?;
                Ok(Self::Columns(Box::new(columns)))
            }
            Opened::Input(format, input) => Self::new(path, format, input, BATCH_BYTES_MAX),
        }
    }
}

impl<R: Read> Rows<R> {
    /// Reads the beginning of a file.
    ///
    /// # Errors
    /// [`RowsError`] where a header lacks columns.
    pub fn new(path: &Path, format: FileFormat, input: R, chunk_bytes_max: usize) -> Result<Self, RowsError> {
        match format {
            FileFormat::Csv => Table::new(path, input, chunk_bytes_max).map(Self::Table),
            FileFormat::Ndjson => Ok(Self::Objects(Objects::lines(path, input, chunk_bytes_max))),
            FileFormat::Json => Ok(Self::Objects(Objects::array(path, input, chunk_bytes_max))),
            FileFormat::Arrow => {
                let columns = Columns::stream(path, input, chunk_bytes_max)?;
                Ok(Self::Columns(Box::new(columns)))
            }
        }
    }

    /// Number of rows in the file, where it says so.
    pub fn row_count(&self) -> Option<u64> {
        match self {
            Self::Columns(columns) => columns.row_count(),
            Self::Table(_) | Self::Objects(_) => None,
        }
    }

    /// Passes over rows; those behind the last one are none.
    ///
    /// # Errors
    /// As [`Self::next_chunk`].
    pub fn skip(&mut self, rows: u64) -> Result<(), RowsError> {
        match self {
            Self::Table(table) => table.skip(rows),
            Self::Objects(objects) => objects.skip(rows),
            Self::Columns(columns) => columns.skip(rows),
        }
    }

    /// The next rows; `None` after the last ones.
    ///
    /// # Errors
    /// [`RowsError`] for a row that cannot be cut out of the file, or is too large for any batch. Rows before it that
    /// have not been returned are lost.
    pub fn next_chunk(&mut self) -> Result<Option<Chunk>, RowsError> {
        match self {
            Self::Table(table) => table.next_chunk(),
            Self::Objects(objects) => objects.next_chunk(),
            Self::Columns(columns) => columns.next_chunk(),
        }
    }
}
