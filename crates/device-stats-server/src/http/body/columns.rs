//! A body that is a stream of Arrow's record batches.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use device_stats_domain::limits::{BATCH_BYTES_MAX, BATCH_READINGS_MAX};

use crate::arrow_stream::{Stream, StreamError, is_read};
use crate::http::error::ApiError;

/// The columns of a batch.
#[derive(Debug)]
pub(crate) struct Columns {
    /// Which columns there are.
    pub(crate) schema: SchemaRef,
    /// Their values; none where a column is of a type that no batch has.
    pub(crate) batches: Vec<RecordBatch>,
}

impl Columns {
    /// Reads all of a stream.
    ///
    /// # Errors
    /// No stream, or one of too many bytes or readings.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, ApiError> {
        let mut stream = Stream::open(bytes, BATCH_BYTES_MAX).map_err(refusal)?;
        let mut columns = Self { schema: Arc::clone(stream.schema()), batches: Vec::new() };
        if !columns.schema.fields().iter().all(|field| is_read(field.data_type())) {
            return Ok(columns);
        }
        let mut readings = 0;
        while let Some(batch) = stream.next_batch().map_err(refusal)? {
            readings += batch.num_rows();
            if readings > BATCH_READINGS_MAX {
                return Err(ApiError::ManyReadings { readings_max: BATCH_READINGS_MAX });
            }
            columns.batches.push(batch);
        }
        if !stream.into_input().is_empty() {
            return Err(ApiError::NotArrow("there is something behind the end of the stream".to_owned()));
        }
        Ok(columns)
    }
}

fn refusal(error: StreamError) -> ApiError {
    match error {
        StreamError::TooLarge { bytes_max } => ApiError::LargeBody { bytes_max },
        StreamError::Broken(words) => ApiError::NotArrow(words),
        StreamError::Unreadable(error) => ApiError::NotArrow(error.to_string()),
    }
}
