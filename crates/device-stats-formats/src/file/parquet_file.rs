//! The record batches of a Parquet file. Only the columns of readings are read.
//!
//! Times of the type INT96, which Spark and Impala write, are read as microseconds: as nanoseconds, they
//! range only from 1677 to 2262. The library wraps around days beyond the range of microseconds. Therefore
//! the seconds of such times are read, too, and a difference shows a wrapped time.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{TimestampMicrosecondType, TimestampSecondType};
use arrow_array::{Array, ArrayRef, RecordBatch, TimestampMicrosecondArray};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef, TimeUnit};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::basic::Type as PhysicalType;
use parquet::errors::ParquetError;
use tracing::debug;

use super::column_plan::{ColumnPlan, TimeSource};
use super::file_batch::BATCH_ROWS_MAX;
use super::file_error::FileError;

/// First and last bytes of a file.
const MAGIC: [u8; 4] = *b"PAR1";
/// First and last bytes of a file whose table of contents is encrypted.
const ENCRYPTED_MAGIC: [u8; 4] = *b"PARE";

/// A Parquet file whose schema has been read.
pub(super) struct ParquetFile {
    batches: ParquetRecordBatchReader,
    /// The seconds of times of the type INT96, and their column in `batches`.
    seconds: Option<(ParquetRecordBatchReader, usize)>,
    row_count: Option<u64>,
}

impl ParquetFile {
    /// Returns the columns of a file.
    ///
    /// # Errors
    /// [`FileError`] if the file is not Parquet.
    pub(super) fn read_schema(file: &Path, input: &File) -> Result<SchemaRef, FileError> {
        check_ends(file, input)?;
        let metadata = ArrowReaderMetadata::load(input, ArrowReaderOptions::new());
        Ok(Arc::clone(metadata.map_err(|error| from_parquet(file, error))?.schema()))
    }

    /// Opens the columns of a plan. Returns also the plan with the positions of the opened columns.
    ///
    /// # Errors
    /// [`FileError`] if the file is not Parquet.
    pub(super) fn open(file: &Path, input: File, plan: &ColumnPlan) -> Result<(Self, ColumnPlan), FileError> {
        let (narrow, used) = narrow(plan);
        let opened = Self::open_columns(input, &used, &narrow);
        opened.map(|parquet| (parquet, narrow)).map_err(|error| from_parquet(file, error))
    }

    fn open_columns(input: File, used: &[usize], narrow: &ColumnPlan) -> Result<Self, ParquetError> {
        let metadata = ArrowReaderMetadata::load(&input, ArrowReaderOptions::new())?;
        let row_count = u64::try_from(metadata.metadata().file_metadata().num_rows()).ok();
        let int96 = match narrow.time {
            TimeSource::Column(column) => {
                used.get(column).filter(|root| is_int96(&metadata, **root)).map(|root| (*root, column))
            }
            TimeSource::Absent | TimeSource::DateAndTime(..) => None,
        };
        let seconds = match int96 {
            Some((root, column)) => {
                let seconds = with_int96_unit(&metadata, TimeUnit::Second)?;
                Some((read_columns(input.try_clone()?, seconds, &[root])?, column))
            }
            None => None,
        };
        let micros = with_int96_unit(&metadata, TimeUnit::Microsecond)?;
        Ok(Self { batches: read_columns(input, micros, used)?, seconds, row_count })
    }

    /// Returns the number of rows, if the file states it.
    pub(super) fn row_count(&self) -> Option<u64> {
        self.row_count
    }

    /// Returns the next rows; `None` at the end of the file.
    ///
    /// # Errors
    /// [`FileError`] if the file cannot be read.
    pub(super) fn next_batch(&mut self, file: &Path) -> Result<Option<RecordBatch>, FileError> {
        let next = |reader: &mut ParquetRecordBatchReader| {
            reader.next().transpose().map_err(|error| from_arrow(file, error))
        };
        let Some(batch) = next(&mut self.batches)? else { return Ok(None) };
        let Some((seconds, column)) = &mut self.seconds else { return Ok(Some(batch)) };
        let seconds = next(seconds)?;
        let seconds = seconds.as_ref().and_then(|seconds| seconds.columns().first());
        let checked = seconds.and_then(|seconds| refuse_wrapped(&batch, *column, seconds));
        checked.ok_or_else(|| damaged(file)).map(Some)
    }
}

/// Checks the first and the last bytes of a file, to tell the usual faults from damage.
fn check_ends(file: &Path, input: &File) -> Result<(), FileError> {
    let ends = || -> io::Result<(u64, [u8; 4], [u8; 4])> {
        let bytes = input.metadata()?.len();
        let (mut first, mut last) = ([0; 4], [0; 4]);
        if bytes >= MAGIC.len() as u64 {
            input.read_exact_at(&mut first, 0)?;
            input.read_exact_at(&mut last, bytes - MAGIC.len() as u64)?;
        }
        Ok((bytes, first, last))
    };
    let (bytes, first, last) = ends().map_err(|error| FileError::Unreadable(file.to_owned(), error))?;
    let problem = match (first, last) {
        _ if bytes == 0 => return Err(FileError::Empty(file.to_owned())),
        (MAGIC, MAGIC) => return Ok(()),
        (MAGIC, _) => "the file is cut off: the Parquet footer at its end is missing",
        (ENCRYPTED_MAGIC, _) => "the file is encrypted, which is not supported",
        _ => "the file is not Parquet",
    };
    Err(FileError::File { file: file.to_owned(), problem: problem.to_owned() })
}

/// Returns the plan for a file that has only the used columns, and the positions of these columns.
fn narrow(plan: &ColumnPlan) -> (ColumnPlan, Vec<usize>) {
    let mut used = plan.used();
    used.sort_unstable();
    used.dedup();
    let place = |position: usize| used.binary_search(&position).unwrap_or(used.len());
    let time = match plan.time {
        TimeSource::Absent => TimeSource::Absent,
        TimeSource::Column(time) => TimeSource::Column(place(time)),
        TimeSource::DateAndTime(date, time) => TimeSource::DateAndTime(place(date), place(time)),
    };
    (ColumnPlan { device: plan.device.map(place), time, axes: plan.axes.map(place) }, used)
}

fn read_columns(
    input: File,
    metadata: ArrowReaderMetadata,
    used: &[usize],
) -> Result<ParquetRecordBatchReader, ParquetError> {
    let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(input, metadata);
    let mask = ProjectionMask::roots(reader.parquet_schema(), used.iter().copied());
    reader.with_projection(mask).with_batch_size(BATCH_ROWS_MAX).build()
}

/// Returns whether a column at the top of the schema has the type INT96.
fn is_int96(metadata: &ArrowReaderMetadata, root: usize) -> bool {
    let schema = metadata.parquet_schema();
    (0..schema.num_columns()).any(|leaf| {
        schema.get_column_root_idx(leaf) == root && schema.column(leaf).physical_type() == PhysicalType::INT96
    })
}

/// Reads times of the type INT96 in this unit.
fn with_int96_unit(
    metadata: &ArrowReaderMetadata,
    unit: TimeUnit,
) -> Result<ArrowReaderMetadata, ParquetError> {
    let fields = metadata.schema().fields().iter().enumerate();
    let fields: Vec<Arc<Field>> = fields
        .map(|(root, field)| match field.data_type() {
            DataType::Timestamp(_, zone) if is_int96(metadata, root) => {
                Arc::new(field.as_ref().clone().with_data_type(DataType::Timestamp(unit, zone.clone())))
            }
            _ => Arc::clone(field),
        })
        .collect();
    if fields.iter().eq(metadata.schema().fields().iter()) {
        return Ok(metadata.clone());
    }
    let options = ArrowReaderOptions::new().with_schema(Arc::new(Schema::new(fields)));
    ArrowReaderMetadata::try_new(Arc::clone(metadata.metadata()), options)
}

/// Replaces wrapped times by a time that no reading may have; `None` if the columns do not match.
fn refuse_wrapped(batch: &RecordBatch, column: usize, seconds: &ArrayRef) -> Option<RecordBatch> {
    let micros = batch.columns().get(column)?.as_primitive_opt::<TimestampMicrosecondType>()?;
    let seconds = seconds.as_primitive_opt::<TimestampSecondType>()?;
    if micros.len() != seconds.len() {
        return None;
    }
    let is_wrapped = |(micros, seconds): (&i64, &i64)| micros.div_euclid(1_000_000) != *seconds;
    let mut pairs = micros.values().iter().zip(seconds.values().iter());
    if !pairs.clone().any(is_wrapped) {
        return Some(batch.clone());
    }
    let checked: Vec<i64> =
        pairs.by_ref().map(|pair| if is_wrapped(pair) { i64::MAX } else { *pair.0 }).collect();
    let times = TimestampMicrosecondArray::new(checked.into(), micros.nulls().cloned())
        .with_data_type(micros.data_type().clone());
    let mut columns = batch.columns().to_vec();
    *columns.get_mut(column)? = Arc::new(times);
    RecordBatch::try_new(batch.schema(), columns).ok()
}

/// Describes an error. The text of the library is only logged.
fn from_parquet(file: &Path, error: ParquetError) -> FileError {
    debug!(file = %file.display(), cause = %error, "the file cannot be read as Parquet");
    let problem = match error {
        ParquetError::External(cause) => match cause.downcast::<io::Error>() {
            Ok(cause) => return FileError::Unreadable(file.to_owned(), *cause),
            Err(_) => "the file is damaged",
        },
        ParquetError::NYI(_) => "the file has a feature of Parquet that is not supported",
        _ => "the file is damaged",
    };
    FileError::File { file: file.to_owned(), problem: problem.to_owned() }
}

fn from_arrow(file: &Path, error: ArrowError) -> FileError {
    debug!(file = %file.display(), cause = %error, "rows of a Parquet file cannot be read");
    match error {
        ArrowError::IoError(_, cause) => FileError::Unreadable(file.to_owned(), cause),
        _ => damaged(file),
    }
}

fn damaged(file: &Path) -> FileError {
    FileError::File { file: file.to_owned(), problem: "the file is damaged".to_owned() }
}
