//! What the reader of a file needs from each format.

use super::file_batch::{FileBatch, TimedRows};
use super::file_error::FileError;

/// The rows of a file of one format.
pub(super) trait FileRows {
    /// Returns the number of rows in the file, if its header states it.
    fn row_count(&self) -> Option<u64> {
        None
    }

    /// Skips 1 to `rows` rows and returns their number; 0 at the end of the file. Notes the skipped rows in
    /// `timed_rows`.
    fn skip_some(&mut self, rows: u64, timed_rows: &mut TimedRows) -> Result<u64, FileError>;

    /// Returns the next rows; `None` at the end of the file. After an error, earlier rows that have not been
    /// returned are lost.
    fn next_batch(&mut self) -> Result<Option<FileBatch>, FileError>;
}
