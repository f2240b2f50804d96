//! A request body that is an Arrow stream, within the limits of a batch.

use arrow_array::RecordBatch;
use arrow_schema::Schema;

use crate::arrow::{ArrowStream, ArrowStreamError};
use crate::error::FormatError;
use crate::limits::{BATCH_BYTES_MAX, BATCH_READINGS_MAX};

/// A body whose schema has been read.
pub(in crate::batch) struct ArrowBody<'a>(ArrowStream<&'a [u8]>);

impl<'a> ArrowBody<'a> {
    /// Reads the schema.
    ///
    /// # Errors
    /// [`FormatError::NotArrow`].
    pub(in crate::batch) fn open(bytes: &'a [u8]) -> Result<Self, FormatError> {
        ArrowStream::open(bytes, BATCH_BYTES_MAX).map(Self).map_err(to_format_error)
    }

    /// Returns the columns of the stream.
    pub(super) fn schema(&self) -> &Schema {
        self.0.schema()
    }

    /// Reads all record batches.
    ///
    /// # Errors
    /// [`FormatError`] if the stream is broken or incomplete, or has too many bytes or readings.
    pub(super) fn read(self) -> Result<Vec<RecordBatch>, FormatError> {
        let Self(mut stream) = self;
        let mut batches = Vec::new();
        let mut readings = 0;
        while let Some(batch) = stream.next_batch().map_err(to_format_error)? {
            readings += batch.num_rows();
            if readings > BATCH_READINGS_MAX {
                return Err(FormatError::TooManyReadings { readings_max: BATCH_READINGS_MAX });
            }
            batches.push(batch);
        }
        if !stream.into_input().is_empty() {
            return Err(FormatError::NotArrow("bytes follow the end of the stream".to_owned()));
        }
        Ok(batches)
    }
}

fn to_format_error(error: ArrowStreamError) -> FormatError {
    match error {
        ArrowStreamError::TooLarge { bytes_max } => FormatError::TooLarge { bytes_max },
        ArrowStreamError::Broken(words) => FormatError::NotArrow(words),
        ArrowStreamError::Unreadable(error) => FormatError::NotArrow(error.to_string()),
    }
}
