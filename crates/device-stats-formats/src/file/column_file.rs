//! A file of columns, an Arrow stream or Parquet, cut into batches. Values are passed on unchanged. Only
//! texts are copied, because they may come from a dictionary of the whole file.

use std::collections::HashSet;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch, StringArray};
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef, TimeUnit};
use device_stats_domain::{DeviceId, Measurement};
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::basic::Type as PhysicalType;
use parquet::errors::ParquetError;

use super::beginning::{Rejoined, first_bytes};
use super::file_batch::{BATCH_ROWS_MAX, FileBatch, RowNumbering, TimedRows};
use super::file_error::FileError;
use super::file_rows::FileRows;
use crate::arrow::{ArrowStream, ArrowStreamError, TextColumn, check_columns};
use crate::batch::Row;
use crate::faults::Faults;

/// Maximum size of a record batch of an Arrow file after decompression, in bytes. A record batch is held as a
/// whole.
const RECORD_BATCH_BYTES_MAX: usize = 4 * 1024 * 1024 * 1024;
/// First bytes of an Arrow file. After them come zeros, a stream, and a table of contents, which is not
/// needed here.
const FILE_MAGIC: [u8; 6] = *b"ARROW1";

/// A file of columns whose schema has been read.
pub(super) struct ColumnFile<R: Read> {
    file: PathBuf,
    batches: Batches<R>,
    /// Rows that have been read and not been returned.
    pending: Option<RecordBatch>,
    /// Number of the next row in the file, from 1.
    row: u64,
    /// Number of rows in the file, if its header states it.
    row_count: Option<u64>,
    batch_bytes_max: usize,
}

/// Source of record batches.
enum Batches<R: Read> {
    Stream(Box<ArrowStream<Rejoined<R>>>),
    Parquet(Box<ParquetRecordBatchReader>),
}

impl<R: Read> ColumnFile<R> {
    /// Reads the schema of an Arrow stream or file.
    ///
    /// # Errors
    /// [`FileError`] if it is neither, or columns are missing, unknown, repeated or of a wrong type.
    pub(super) fn open_arrow(file: &Path, mut input: R, batch_bytes_max: usize) -> Result<Self, FileError> {
        let begin = beginning(&mut input).map_err(|error| FileError::Unreadable(file.to_owned(), error))?;
        let input = std::io::Cursor::new(begin).chain(input);
        let stream =
            ArrowStream::open(input, RECORD_BATCH_BYTES_MAX).map_err(|error| from_stream(file, error))?;
        check(file, stream.schema())?;
        Ok(Self::new(file, Batches::Stream(Box::new(stream)), batch_bytes_max))
    }

    fn new(file: &Path, batches: Batches<R>, batch_bytes_max: usize) -> Self {
        Self { file: file.to_owned(), batches, pending: None, row: 1, row_count: None, batch_bytes_max }
    }

    /// Returns the number of rows, from the first one, whose texts fit into a batch. Many rows may share one
    /// long text of a dictionary, and the text is copied for each row.
    fn rows_that_fit(&self, rows: &RecordBatch) -> usize {
        let columns: Vec<TextColumn<'_>> = rows.columns().iter().filter_map(TextColumn::new).collect();
        let mut left = self.batch_bytes_max;
        let fits = |row: &usize| {
            let bytes = columns.iter().filter_map(|texts| texts.read(*row)).map(str::len).sum();
            left.checked_sub(bytes).map(|rest| left = rest).is_some()
        };
        (0..rows.num_rows()).take_while(fits).count()
    }

    /// Returns pending rows, or the next record batch that is not empty.
    fn take_rows(&mut self) -> Result<Option<RecordBatch>, FileError> {
        loop {
            let next = match self.pending.take() {
                Some(batch) => Some(batch),
                None => self.read_record_batch()?,
            };
            match next {
                Some(batch) if batch.num_rows() == 0 => {}
                next => return Ok(next),
            }
        }
    }

    fn read_record_batch(&mut self) -> Result<Option<RecordBatch>, FileError> {
        match &mut self.batches {
            Batches::Stream(stream) => {
                stream.reset_limit();
                stream.next_batch().map_err(|error| from_stream(&self.file, error))
            }
            Batches::Parquet(reader) => {
                reader.next().transpose().map_err(|error| from_arrow(&self.file, &error))
            }
        }
    }

    /// Encodes rows as a batch.
    fn encode(&self, rows: &RecordBatch) -> Result<FileBatch, FileError> {
        let mut columns = Vec::new();
        let mut fields = Vec::new();
        let mut device_ids = Vec::new();
        for (field, column) in rows.schema().fields().iter().zip(rows.columns()) {
            let texts = TextColumn::new(column)
                .map(|texts| -> StringArray { (0..column.len()).map(|row| texts.read(row)).collect() });
            if field.name() == "device_id"
                && let Some(texts) = &texts
            {
                device_ids = distinct(texts);
            }
            let column = texts.map_or_else(|| Arc::clone(column), |texts| Arc::new(texts) as ArrayRef);
            fields.push(Field::new(field.name(), column.data_type().clone(), true));
            columns.push(column);
        }
        let body = write_stream(&Arc::new(Schema::new(fields)), columns);
        let body = body.map_err(|error| from_arrow(&self.file, &error))?;
        let row_numbers: Vec<u64> = (self.row..).take(rows.num_rows()).collect();
        let mut timed_rows = TimedRows::default();
        note_times(rows.column_by_name("timestamp"), row_numbers.iter().copied(), &mut timed_rows);
        let content_type = "application/vnd.apache.arrow.stream";
        let numbering = RowNumbering::Rows;
        Ok(FileBatch { content_type, body, row_numbers, numbering, device_ids, timed_rows })
    }
}

impl ColumnFile<File> {
    /// Reads the schema of a Parquet file. One page of each column is held at a time.
    ///
    /// # Errors
    /// As [`Self::open_arrow`].
    pub(super) fn open_parquet(path: &Path, file: File, batch_bytes_max: usize) -> Result<Self, FileError> {
        let from_parquet =
            |error: ParquetError| FileError::File { file: path.to_owned(), problem: error.to_string() };
        let metadata = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new());
        let metadata = metadata.and_then(|metadata| read_int96_as_micros(&metadata)).map_err(from_parquet)?;
        let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata);
        check(path, reader.schema())?;
        let row_count = u64::try_from(reader.metadata().file_metadata().num_rows()).ok();
        let reader = reader.with_batch_size(BATCH_ROWS_MAX).build().map_err(from_parquet)?;
        Ok(Self { row_count, ..Self::new(path, Batches::Parquet(Box::new(reader)), batch_bytes_max) })
    }
}

impl<R: Read> FileRows for ColumnFile<R> {
    fn row_count(&self) -> Option<u64> {
        self.row_count
    }

    fn skip_some(&mut self, rows: u64, timed_rows: &mut TimedRows) -> Result<u64, FileError> {
        let Some(batch) = self.take_rows()? else { return Ok(0) };
        let count = usize::try_from(rows).unwrap_or(usize::MAX).min(batch.num_rows());
        let times = batch.column_by_name("timestamp");
        note_times(times, (self.row..).take(count), timed_rows);
        self.row += count as u64;
        self.pending = rest(&batch, count);
        Ok(count as u64)
    }

    /// # Errors
    /// [`FileError`] if the file cannot be read, or a row is too large for any batch.
    fn next_batch(&mut self) -> Result<Option<FileBatch>, FileError> {
        let Some(batch) = self.take_rows()? else { return Ok(None) };
        let too_large = || {
            let problem = format!("row {} is too large for any batch", self.row);
            FileError::File { file: self.file.clone(), problem }
        };
        let mut count = self.rows_that_fit(&batch.slice(0, batch.num_rows().min(BATCH_ROWS_MAX)));
        if count == 0 {
            return Err(too_large());
        }
        let mut encoded = self.encode(&batch.slice(0, count))?;
        while encoded.body.len() > self.batch_bytes_max {
            if count == 1 {
                return Err(too_large());
            }
            count = count.div_ceil(2);
            encoded = self.encode(&batch.slice(0, count))?;
        }
        self.row += count as u64;
        self.pending = rest(&batch, count);
        Ok(Some(encoded))
    }
}

/// Reads the first bytes of a stream. Skips the bytes before the stream in an Arrow file.
fn beginning(input: &mut impl Read) -> std::io::Result<Vec<u8>> {
    let mut begin = first_bytes(input, FILE_MAGIC.len())?;
    if begin == FILE_MAGIC {
        begin = vec![0];
        while begin == [0] {
            begin = first_bytes(input, 1)?;
        }
    }
    Ok(begin)
}

/// Checks the columns by the rules of the server.
fn check(file: &Path, schema: &SchemaRef) -> Result<(), FileError> {
    let mut faults = Faults::default();
    check_columns(<(DeviceId, Measurement)>::COLUMNS, schema, &mut faults)
        .ok_or_else(|| FileError::from_column_faults(file, None, faults))
}

/// Reads times of the type INT96, which Spark and Impala write, as microseconds. Otherwise they would become
/// nanoseconds, which range only from 1677 to 2262.
fn read_int96_as_micros(metadata: &ArrowReaderMetadata) -> Result<ArrowReaderMetadata, ParquetError> {
    let is_int96 = |name: &str| {
        let columns = metadata.parquet_schema().columns();
        let mut found = columns.iter().filter(|column| *column.path().parts() == [name]);
        found.any(|column| column.physical_type() == PhysicalType::INT96)
    };
    let to_micros = |field: &Arc<Field>| match field.data_type() {
        DataType::Timestamp(TimeUnit::Nanosecond, zone) if is_int96(field.name()) => {
            let micros = DataType::Timestamp(TimeUnit::Microsecond, zone.clone());
            Arc::new(field.as_ref().clone().with_data_type(micros))
        }
        _ => Arc::clone(field),
    };
    let schema = metadata.schema();
    if !schema.fields().iter().any(|field| is_int96(field.name())) {
        return Ok(metadata.clone());
    }
    let fields: Vec<Arc<Field>> = schema.fields().iter().map(to_micros).collect();
    let options = ArrowReaderOptions::new().with_schema(Arc::new(Schema::new(fields)));
    ArrowReaderMetadata::try_new(Arc::clone(metadata.metadata()), options)
}

/// Returns the rows after the first `count` rows, if there are any.
fn rest(batch: &RecordBatch, count: usize) -> Option<RecordBatch> {
    let left = batch.num_rows() - count;
    (left > 0).then(|| batch.slice(count, left))
}

fn distinct(texts: &StringArray) -> Vec<String> {
    let mut seen = HashSet::new();
    texts.iter().flatten().filter(|text| seen.insert(*text)).map(str::to_owned).collect()
}

/// Notes which rows have a time, by their positions in the file.
fn note_times(times: Option<&ArrayRef>, positions: impl Iterator<Item = u64>, timed_rows: &mut TimedRows) {
    let texts = times.and_then(TextColumn::new);
    for (row, position) in positions.enumerate() {
        let is_timed = match (&texts, times) {
            (Some(texts), _) => texts.read(row).is_some_and(|text| !text.is_empty()),
            (None, Some(times)) => times.is_valid(row) && *times.data_type() != DataType::Null,
            (None, None) => false,
        };
        timed_rows.note(position, is_timed);
    }
}

fn write_stream(schema: &SchemaRef, columns: Vec<ArrayRef>) -> Result<Vec<u8>, ArrowError> {
    let mut writer = StreamWriter::try_new(Vec::new(), schema)?;
    writer.write(&RecordBatch::try_new(Arc::clone(schema), columns)?)?;
    writer.into_inner()
}

fn from_stream(file: &Path, error: ArrowStreamError) -> FileError {
    match error {
        ArrowStreamError::Unreadable(error) => FileError::Unreadable(file.to_owned(), error),
        ArrowStreamError::Broken(_) | ArrowStreamError::TooLarge { .. } => {
            FileError::File { file: file.to_owned(), problem: error.to_string() }
        }
    }
}

fn from_arrow(file: &Path, error: &ArrowError) -> FileError {
    FileError::File { file: file.to_owned(), problem: error.to_string() }
}
