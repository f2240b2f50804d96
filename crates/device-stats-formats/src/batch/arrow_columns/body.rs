//! A body that is a stream of Arrow's record batches.

use arrow_array::RecordBatch;
use arrow_schema::Schema;
use device_stats_domain::limits::{BATCH_BYTES_MAX, BATCH_READINGS_MAX};

use crate::arrow::{Stream, StreamError};
use crate::error::FormatError;

/// The columns of a batch.
pub struct ArrowBody<'a>(Stream<&'a [u8]>);

impl<'a> ArrowBody<'a> {
    /// Reads which columns there are.
    ///
    /// # Errors
    /// No stream.
    pub fn open(bytes: &'a [u8]) -> Result<Self, FormatError> {
        Stream::open(bytes, BATCH_BYTES_MAX).map(Self).map_err(refusal)
    }

    /// Which columns there are.
    pub fn schema(&self) -> &Schema {
        self.0.schema()
    }

    /// Reads all of their values. All columns must be of types that [`is_read`](crate::arrow::is_read) knows.
    ///
    /// # Errors
    /// No whole stream, or one of too many bytes or readings.
    pub fn read(self) -> Result<Vec<RecordBatch>, FormatError> {
        let Self(mut stream) = self;
        let mut batches = Vec::new();
        let mut readings = 0;
        while let Some(batch) = stream.next_batch().map_err(refusal)? {
            readings += batch.num_rows();
            if readings > BATCH_READINGS_MAX {
                return Err(FormatError::TooManyReadings { readings_max: BATCH_READINGS_MAX });
            }
            batches.push(batch);
        }
        if !stream.into_input().is_empty() {
            return Err(FormatError::NotArrow("there is something behind the end of the stream".to_owned()));
        }
        Ok(batches)
    }
}

fn refusal(error: StreamError) -> FormatError {
    match error {
        StreamError::TooLarge { bytes_max } => FormatError::TooLarge { bytes_max },
        StreamError::Broken(words) => FormatError::NotArrow(words),
        StreamError::Unreadable(error) => FormatError::NotArrow(error.to_string()),
    }
}
