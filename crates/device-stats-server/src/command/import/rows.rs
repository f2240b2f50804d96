//! The readings of a file, cut into batches. They are passed on as they are written: what is a number or a time is the
//! server's to say.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use device_stats_domain::limits::BATCH_BYTES_MAX;

use super::file::{self, Format};
use super::objects::Objects;
use super::progress::Progress;
use super::table::Table;

/// Most readings of a batch.
pub(super) const CHUNK_ROWS_MAX: usize = 5_000;

/// Why a file cannot be imported, or not further.
#[derive(Debug, thiserror::Error)]
pub(super) enum RowsError {
    /// The name of the file does not say what it holds.
    #[error(
        "the name of {} does not say what it holds: known are .csv, .ndjson, .jsonl and .json, each also with .gz or \
         .zst behind it",
        .0.display()
    )]
    Name(PathBuf),
    /// The file cannot be opened, read on or decompressed.
    #[error("cannot read {}", .0.display())]
    Open(PathBuf, #[source] io::Error),
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

/// Rows to be sent at once.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Chunk {
    /// What the body is.
    pub(super) content_type: &'static str,
    /// The rows as they are sent.
    pub(super) body: Vec<u8>,
    /// The line of the file on which each row begins, counted from 1.
    pub(super) lines: Vec<u64>,
    /// The devices of the rows, each once, in the order of their first row.
    pub(super) device_ids: Vec<String>,
    /// Whether every row has a timestamp.
    pub(super) all_timed: bool,
}

/// The rows of a file that are still to be sent.
pub(super) enum Rows<R> {
    /// CSV.
    Table(Table<R>),
    /// JSON objects.
    Objects(Objects<R>),
}

impl Rows<Box<dyn Read>> {
    /// Opens a file that is what its name says, and reads its beginning.
    ///
    /// # Errors
    /// [`RowsError`] where the name does not say, the file cannot be read, or a header lacks columns.
    pub(super) fn open(path: &Path, progress: &Progress) -> Result<Self, RowsError> {
        let (format, input) = file::open(path, progress)?;
        Self::new(path, format, input, BATCH_BYTES_MAX)
    }
}

impl<R: Read> Rows<R> {
    /// Reads the beginning of a file.
    ///
    /// # Errors
    /// [`RowsError`] where a header lacks columns.
    pub(super) fn new(
        path: &Path,
        format: Format,
        input: R,
        chunk_bytes_max: usize,
    ) -> Result<Self, RowsError> {
        match format {
            Format::Csv => Table::new(path, input, chunk_bytes_max).map(Self::Table),
            Format::Ndjson => Ok(Self::Objects(Objects::lines(path, input, chunk_bytes_max))),
            Format::Json => Ok(Self::Objects(Objects::array(path, input, chunk_bytes_max))),
        }
    }

    /// The next rows; `None` after the last ones.
    ///
    /// # Errors
    /// [`RowsError`] for a row that cannot be cut out of the file, or is too large for any batch. Rows before it that
    /// have not been returned are lost.
    pub(super) fn next_chunk(&mut self) -> Result<Option<Chunk>, RowsError> {
        match self {
            Self::Table(table) => table.next_chunk(),
            Self::Objects(objects) => objects.next_chunk(),
        }
    }
}
