//! A file of columns: an Arrow stream or file, or Parquet.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Schema};

use super::beginning::{Rejoined, first_bytes};
use super::column_content::Content;
use super::column_guess::{Columns, guess};
use super::column_plan::{ColumnPlan, IndexColumn, TimeSource, index_position};
use super::column_rows::{ColumnRows, check_types};
use super::file_batch::{FileBatch, RowNumbering};
use super::file_error::FileError;
use super::file_options::FileOptions;
use super::file_rows::FileRows;
use super::parquet_file::ParquetFile;
use super::row_reader::RowReader;
use crate::arrow::{ArrowStream, ArrowStreamError, CONTINUATION, FILE_MAGIC, FileBlocks};

/// Maximum size of a record batch of an Arrow file after decompression, in bytes. A record batch is held as a
/// whole.
const RECORD_BATCH_BYTES_MAX: usize = 4 * 1024 * 1024 * 1024;

/// A file of columns whose schema has been read.
pub(super) struct ColumnFile<R: Read> {
    file: PathBuf,
    batches: Batches<R>,
    plan: ColumnPlan,
    rows: RowReader,
    /// The record batch that is being read, and the number of its rows that have been returned.
    pending: Option<(RecordBatch, usize)>,
    /// Number of the next row in the file, from 1.
    next_number: u64,
    /// Number of rows in the file, if its header states it.
    row_count: Option<u64>,
    /// Error after the rows that have been returned.
    failed: Option<FileError>,
}

/// Source of record batches.
enum Batches<R: Read> {
    Stream(Box<ArrowStream<Rejoined<R>>>),
    Blocks(Box<ArrowStream<BufReader<FileBlocks>>>),
    Parquet(Box<ParquetFile>),
}

impl<R: Read> ColumnFile<R> {
    /// Reads the schema of an Arrow stream or file.
    ///
    /// # Errors
    /// [`FileError`] if it is neither, or columns are missing, unknown, repeated or of a wrong type.
    pub(super) fn open_arrow(file: &Path, mut input: R, options: &FileOptions) -> Result<Self, FileError> {
        let begin = beginning(file, &mut input)?;
        let input = std::io::Cursor::new(begin).chain(input);
        let stream =
            ArrowStream::open(input, RECORD_BATCH_BYTES_MAX).map_err(|error| from_stream(file, error))?;
        let plan = plan(file, stream.schema(), options)?;
        Ok(Self::new(file, Batches::Stream(Box::new(stream)), plan, options))
    }

    fn new(file: &Path, batches: Batches<R>, plan: ColumnPlan, options: &FileOptions) -> Self {
        let (file, rows) = (file.to_owned(), RowReader::new(options));
        Self { file, batches, plan, rows, pending: None, next_number: 1, row_count: None, failed: None }
    }

    /// Returns the record batch that is being read, or the next one.
    fn take_batch(&mut self) -> Result<Option<(RecordBatch, usize)>, FileError> {
        if let Some(pending) = self.pending.take() {
            return Ok(Some(pending));
        }
        let next = match &mut self.batches {
            Batches::Stream(stream) => {
                stream.reset_limit();
                let batch = stream.next_batch().map_err(|error| from_stream(&self.file, error))?;
                if batch.is_none() {
                    let rest = stream.read_rest();
                    rest.map_err(|error| FileError::Unreadable(self.file.clone(), error))?;
                }
                Ok(batch)
            }
            Batches::Blocks(stream) => {
                stream.reset_limit();
                stream.next_batch().map_err(|error| from_stream(&self.file, error))
            }
            Batches::Parquet(parquet) => parquet.next_batch(&self.file),
        };
        next.map(|batch| batch.map(|batch| (batch, 0)))
    }
}

impl ColumnFile<File> {
    /// Reads the schema of an Arrow file by its table of contents, or of an Arrow stream.
    ///
    /// # Errors
    /// As [`Self::open_arrow`].
    pub(super) fn open_arrow_file(
        file: &Path,
        mut input: File,
        options: &FileOptions,
    ) -> Result<Self, FileError> {
        let unreadable = |error| FileError::Unreadable(file.to_owned(), error);
        let begin = first_bytes(&mut input, FILE_MAGIC.len()).map_err(unreadable)?;
        input.seek(SeekFrom::Start(0)).map_err(unreadable)?;
        if begin != FILE_MAGIC {
            return Self::open_arrow(file, input, options);
        }
        let (blocks, schema) = FileBlocks::open(input).map_err(|error| from_stream(file, error))?;
        let plan = plan(file, &schema, options)?;
        let stream = ArrowStream::with_schema(BufReader::new(blocks), schema, RECORD_BATCH_BYTES_MAX);
        Ok(Self::new(file, Batches::Blocks(Box::new(stream)), plan, options))
    }

    /// Reads the schema of a Parquet file. One page of each column is held at a time.
    ///
    /// # Errors
    /// As [`Self::open_arrow`].
    pub(super) fn open_parquet(file: &Path, input: File, options: &FileOptions) -> Result<Self, FileError> {
        let schema = ParquetFile::read_schema(file, &input)?;
        let full = plan(file, &schema, options)?;
        let (parquet, narrow) = ParquetFile::open(file, input, &full)?;
        let row_count = parquet.row_count();
        Ok(Self { row_count, ..Self::new(file, Batches::Parquet(Box::new(parquet)), narrow, options) })
    }
}

impl<R: Read> FileRows for ColumnFile<R> {
    fn row_count(&self) -> Option<u64> {
        self.row_count
    }

    fn may_have_times(&self) -> bool {
        self.plan.time != TimeSource::Absent
    }

    fn numbering(&self) -> RowNumbering {
        RowNumbering::Rows
    }

    /// # Errors
    /// [`FileError`] if the file cannot be read. Earlier record batches have been returned by then.
    fn read(&mut self, rows_max: usize, batch: &mut FileBatch) -> Result<(), FileError> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        while batch.len() < rows_max {
            let (columns, begin) = match self.take_batch() {
                Ok(Some(next)) => next,
                Ok(None) => break,
                Err(error) if batch.is_empty() => return Err(error),
                Err(error) => {
                    self.failed = Some(error);
                    break;
                }
            };
            let end = columns.num_rows().min(begin + rows_max - batch.len());
            let rows = ColumnRows::new(&columns, &self.plan);
            let rows = rows.ok_or_else(|| damaged(&self.file))?;
            let first_number = self.next_number;
            rows.read(begin..end, first_number, &mut self.rows, batch);
            if end < columns.num_rows() {
                self.pending = Some((columns, end));
            } else {
                self.next_number += end as u64;
            }
        }
        Ok(())
    }
}

/// Reads the first bytes of a stream. In an Arrow file, skips the zeros before the stream; the table of
/// contents after the stream is not needed here.
fn beginning(file: &Path, input: &mut impl Read) -> Result<Vec<u8>, FileError> {
    let unreadable = |error| FileError::Unreadable(file.to_owned(), error);
    let mut begin = first_bytes(input, FILE_MAGIC.len()).map_err(unreadable)?;
    if begin.is_empty() {
        return Err(FileError::Empty(file.to_owned()));
    }
    if begin == FILE_MAGIC {
        begin = vec![0];
        while begin == [0] {
            begin = first_bytes(input, 1).map_err(unreadable)?;
        }
    } else if !begin.iter().zip(&CONTINUATION).all(|(found, expected)| found == expected) {
        let problem = "the file is neither an Arrow file nor an Arrow stream".to_owned();
        return Err(FileError::File { file: file.to_owned(), problem });
    }
    Ok(begin)
}

/// Finds the columns of a reading, and checks their types.
fn plan(file: &Path, schema: &Schema, options: &FileOptions) -> Result<ColumnPlan, FileError> {
    let columns: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    let index = match index_position(&columns) {
        None => IndexColumn::None,
        Some(position) => match schema.field(position).data_type() {
            DataType::Timestamp(..) | DataType::Date32 | DataType::Date64 => IndexColumn::Times(position),
            data_type if data_type.is_integer() => IndexColumn::Count(position),
            _ => IndexColumn::None,
        },
    };
    let error = |problems: Vec<String>, guess| FileError::Columns {
        file: file.to_owned(),
        line: None,
        problem: problems.join("; "),
        guess,
    };
    let plan = ColumnPlan::resolve(&columns, index, options).map_err(|problems| {
        let contents: Vec<Content> =
            schema.fields().iter().map(|field| content_of_type(field.data_type())).collect();
        error(problems, guess(Columns { names: &columns, contents: &contents }, index, options))
    })?;
    if let (IndexColumn::Count(position), TimeSource::Absent) = (index, plan.time) {
        let name = schema.field(position).name();
        let problem = format!(
            "header.{name}: the index may contain row numbers or times; add --map timestamp={name} or --ignore-unknown"
        );
        if !options.ignores_unknown {
            return Err(error(vec![problem], None));
        }
    }
    let problems = check_types(schema, &plan);
    if problems.is_empty() { Ok(plan) } else { Err(error(problems, None)) }
}

fn content_of_type(data_type: &DataType) -> Content {
    match data_type {
        DataType::Timestamp(..) => Content::Moment,
        DataType::Date32 | DataType::Date64 => Content::Date,
        DataType::Time32(_) | DataType::Time64(_) => Content::TimeOfDay,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Dictionary(..) => Content::Text,
        other if other.is_numeric() => Content::Number,
        _ => Content::Unknown,
    }
}

fn from_stream(file: &Path, error: ArrowStreamError) -> FileError {
    match error {
        ArrowStreamError::Unreadable(error) => FileError::Unreadable(file.to_owned(), error),
        ArrowStreamError::Broken(_) | ArrowStreamError::TooLarge { .. } => {
            FileError::File { file: file.to_owned(), problem: error.to_string() }
        }
    }
}

fn damaged(file: &Path) -> FileError {
    FileError::File {
        file: file.to_owned(),
        problem: "a batch does not have the columns of its file".to_owned(),
    }
}
