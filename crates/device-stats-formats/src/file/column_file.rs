//! A file of columns, an Arrow stream or Parquet, cut into batches. Values are passed on as they are; only texts, which may
//! come from a dictionary of all texts of the file, are written out.

use std::collections::HashSet;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch, StringArray};
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::errors::ParquetError;

use super::{CHUNK_ROWS_MAX, Chunk, Place, REQUIRED, RowsError, TIMESTAMP};
use crate::arrow::{Stream, StreamError, Texts, is_read};

/// Largest batch of an Arrow stream in a file, in bytes when it is decompressed: it is held as a whole.
const BATCH_BYTES_MAX: usize = 4 * 1024 * 1024 * 1024;
/// What an Arrow file begins with. Zeros follow, then a stream, and then a list of its parts, which is not needed here.
const FILE_MAGIC: [u8; 6] = *b"ARROW1";

/// The readings of a file that are still to be sent.
pub struct Columns<R: Read> {
    file: PathBuf,
    batches: Batches<R>,
    /// What has been read and not been sent, if anything.
    batch: Option<RecordBatch>,
    /// Row of the file with which that begins, counted from 1.
    row: u64,
    /// Number of rows in the file, where it says so.
    row_count: Option<u64>,
    /// Most bytes of a chunk.
    chunk_bytes_max: usize,
}

/// Where batches come from.
enum Batches<R: Read> {
    Stream(Box<Stream<Begun<R>>>),
    Parquet(Box<ParquetRecordBatchReader>),
}

/// What has been read of the beginning of a file to see what it is, and the rest.
type Begun<R> = std::io::Chain<std::io::Cursor<Vec<u8>>, R>;

impl<R: Read> Columns<R> {
    /// Those of an Arrow stream or file.
    ///
    /// # Errors
    /// [`RowsError`] where it is none, or its columns are not those of readings.
    pub fn stream(file: &Path, mut input: R, chunk_bytes_max: usize) -> Result<Self, RowsError> {
        let begin = beginning(&mut input).map_err(|error| RowsError::Open(file.to_owned(), error))?;
        let input = std::io::Cursor::new(begin).chain(input);
        let stream = Stream::open(input, BATCH_BYTES_MAX).map_err(|error| from_stream(file, error))?;
        check(file, stream.schema())?;
        Ok(Self::of(file, Batches::Stream(Box::new(stream)), chunk_bytes_max))
    }

    fn of(file: &Path, batches: Batches<R>, chunk_bytes_max: usize) -> Self {
        Self { file: file.to_owned(), batches, batch: None, row: 1, row_count: None, chunk_bytes_max }
    }

    /// Number of rows in the file, where it says so.
    pub fn row_count(&self) -> Option<u64> {
        self.row_count
    }

    /// Passes over rows.
    ///
    /// # Errors
    /// [`RowsError`].
    pub fn skip(&mut self, rows: u64) -> Result<(), RowsError> {
        let mut left = rows;
        while left > 0 {
            let Some(batch) = self.take_batch()? else { break };
            let count = usize::try_from(left).unwrap_or(usize::MAX).min(batch.num_rows());
            self.row += count as u64;
            left -= count as u64;
            self.batch = rest(&batch, count);
        }
        Ok(())
    }

    /// The next rows; `None` after the last ones.
    ///
    /// # Errors
    /// [`RowsError`] where the file cannot be read on, or a row is too large for any batch.
    pub fn next_chunk(&mut self) -> Result<Option<Chunk>, RowsError> {
        let Some(batch) = self.take_batch()? else { return Ok(None) };
        let too_large = || {
            let problem = format!("row {} is too large for any batch", self.row);
            RowsError::File { file: self.file.clone(), problem }
        };
        let mut count = self.texts_that_fit(&batch.slice(0, batch.num_rows().min(CHUNK_ROWS_MAX)));
        if count == 0 {
            return Err(too_large());
        }
        let mut chunk = self.chunk(&batch.slice(0, count))?;
        while chunk.body.len() > self.chunk_bytes_max {
            if count == 1 {
                return Err(too_large());
            }
            count = count.div_ceil(2);
            chunk = self.chunk(&batch.slice(0, count))?;
        }
        self.row += count as u64;
        self.batch = rest(&batch, count);
        Ok(Some(chunk))
    }

    /// How many of the first rows have texts that a batch has room for. All rows of a dictionary may have one long text, which
    /// is written out for each.
    fn texts_that_fit(&self, rows: &RecordBatch) -> usize {
        let columns: Vec<Texts<'_>> = rows.columns().iter().filter_map(Texts::of).collect();
        let mut left = self.chunk_bytes_max;
        let fits = |row: &usize| {
            let bytes = columns.iter().filter_map(|texts| texts.read(*row)).map(str::len).sum();
            left.checked_sub(bytes).map(|rest| left = rest).is_some()
        };
        (0..rows.num_rows()).take_while(fits).count()
    }

    /// What is left of a batch, or the next one that is not empty.
    fn take_batch(&mut self) -> Result<Option<RecordBatch>, RowsError> {
        loop {
            let next = match self.batch.take() {
                Some(batch) => Some(batch),
                None => self.next_batch()?,
            };
            match next {
                Some(batch) if batch.num_rows() == 0 => {}
                next => return Ok(next),
            }
        }
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>, RowsError> {
        match &mut self.batches {
            Batches::Stream(stream) => {
                stream.forget_batches();
                stream.next_batch().map_err(|error| from_stream(&self.file, error))
            }
            Batches::Parquet(reader) => {
                reader.next().transpose().map_err(|error| from_arrow(&self.file, &error))
            }
        }
    }

    /// Rows as they are sent.
    fn chunk(&self, rows: &RecordBatch) -> Result<Chunk, RowsError> {
        let mut columns = Vec::new();
        let mut fields = Vec::new();
        let mut device_ids = Vec::new();
        let mut all_timed = false;
        for (field, column) in rows.schema().fields().iter().zip(rows.columns()) {
            let texts = Texts::of(column)
                .map(|texts| -> StringArray { (0..column.len()).map(|row| texts.read(row)).collect() });
            match (field.name().as_str(), &texts) {
                ("device_id", Some(texts)) => device_ids = each_once(texts),
                (TIMESTAMP, texts) => all_timed = is_everywhere(column, texts.as_ref()),
                _ => {}
            }
            let column = texts.map_or_else(|| Arc::clone(column), |texts| Arc::new(texts) as ArrayRef);
            fields.push(Field::new(field.name(), column.data_type().clone(), true));
            columns.push(column);
        }
        let written = written(&Arc::new(Schema::new(fields)), columns);
        let body = written.map_err(|error| from_arrow(&self.file, &error))?;
        let lines = (self.row..).take(rows.num_rows()).collect();
        let content_type = "application/vnd.apache.arrow.stream";
        Ok(Chunk { content_type, body, lines, place: Place::Row, device_ids, all_timed })
    }
}

impl<R: Read> Columns<R> {
    /// Those of a Parquet file, of which a page of each column is held at a time.
    ///
    /// # Errors
    /// As [`Self::stream`].
    pub fn parquet(path: &Path, file: File, chunk_bytes_max: usize) -> Result<Self, RowsError> {
        let from_parquet =
            |error: ParquetError| RowsError::File { file: path.to_owned(), problem: error.to_string() };
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).map_err(from_parquet)?;
        check(path, reader.schema())?;
        let row_count = u64::try_from(reader.metadata().file_metadata().num_rows()).ok();
        let reader = reader.with_batch_size(CHUNK_ROWS_MAX).build().map_err(from_parquet)?;
        Ok(Self { row_count, ..Self::of(path, Batches::Parquet(Box::new(reader)), chunk_bytes_max) })
    }
}

/// The first bytes of a stream, without what a file has before it.
fn beginning(input: &mut impl Read) -> std::io::Result<Vec<u8>> {
    let mut begin = Vec::new();
    input.by_ref().take(FILE_MAGIC.len() as u64).read_to_end(&mut begin)?;
    if begin == FILE_MAGIC {
        begin = vec![0];
        while begin == [0] {
            begin.clear();
            input.by_ref().take(1).read_to_end(&mut begin)?;
        }
    }
    Ok(begin)
}

/// Whether the columns are those of readings, and of types that are read at all. Which types they may have is the server's to
/// say.
fn check(file: &Path, schema: &SchemaRef) -> Result<(), RowsError> {
    let wrong = |problem| Err(RowsError::File { file: file.to_owned(), problem });
    let mut missing: Vec<&str> = REQUIRED.to_vec();
    for (index, field) in schema.fields().iter().enumerate() {
        let name = field.name().as_str();
        missing.retain(|required| *required != name);
        if !REQUIRED.contains(&name) && name != TIMESTAMP {
            return wrong(format!(
                "the column {name:?} is unknown; known are device_id, timestamp, x, y and z"
            ));
        }
        if schema.fields().iter().take(index).any(|earlier| earlier.name() == name) {
            return wrong(format!("the column {name:?} is there twice"));
        }
        if !is_read(field.data_type()) {
            return wrong(format!(
                "the column {name:?} has the type {}, which is not read",
                field.data_type()
            ));
        }
    }
    match missing.as_slice() {
        [] => Ok(()),
        missing => {
            let s = if missing.len() == 1 { "" } else { "s" };
            wrong(format!("it lacks the column{s} {}", missing.join(", ")))
        }
    }
}

/// What is behind that many rows, if anything.
fn rest(batch: &RecordBatch, count: usize) -> Option<RecordBatch> {
    let left = batch.num_rows().saturating_sub(count);
    (left > 0).then(|| batch.slice(count, left))
}

fn each_once(texts: &StringArray) -> Vec<String> {
    let mut seen = HashSet::new();
    texts.iter().flatten().filter(|text| seen.insert(*text)).map(str::to_owned).collect()
}

/// Whether a time is there in each row.
fn is_everywhere(column: &ArrayRef, texts: Option<&StringArray>) -> bool {
    match texts {
        Some(texts) => texts.iter().all(|text| text.is_some_and(|text| !text.is_empty())),
        None => column.null_count() == 0 && *column.data_type() != DataType::Null,
    }
}

fn written(schema: &SchemaRef, columns: Vec<ArrayRef>) -> Result<Vec<u8>, ArrowError> {
    let mut writer = StreamWriter::try_new(Vec::new(), schema)?;
    writer.write(&RecordBatch::try_new(Arc::clone(schema), columns)?)?;
    writer.into_inner()
}

fn from_stream(file: &Path, error: StreamError) -> RowsError {
    match error {
        StreamError::Unreadable(error) => RowsError::Open(file.to_owned(), error),
        StreamError::Broken(_) | StreamError::TooLarge { .. } => {
            RowsError::File { file: file.to_owned(), problem: error.to_string() }
        }
    }
}

fn from_arrow(file: &Path, error: &ArrowError) -> RowsError {
    RowsError::File { file: file.to_owned(), problem: error.to_string() }
}
