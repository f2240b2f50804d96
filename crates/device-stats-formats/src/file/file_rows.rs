//! What the reader of a file needs from each format.

use super::file_batch::{FileBatch, RowNumbering};
use super::file_error::FileError;

/// The rows of a file of one format.
pub(super) trait FileRows {
    /// Returns the number of rows in the file, if its header states it.
    fn row_count(&self) -> Option<u64> {
        None
    }

    /// Returns descriptions of the properties of the file that were recognized without an option.
    fn notes(&self) -> &[String] {
        &[]
    }

    /// Returns whether a row may have a time.
    fn may_have_times(&self) -> bool;

    /// Returns whether the file is a table of rejected rows.
    fn is_rejects(&self) -> bool {
        false
    }

    /// Returns the unit of the positions of rows.
    fn numbering(&self) -> RowNumbering {
        RowNumbering::Lines
    }

    /// Adds the next rows to a batch, until it has `rows_max` rows or the file ends.
    fn read(&mut self, rows_max: usize, batch: &mut FileBatch) -> Result<(), FileError>;
}
