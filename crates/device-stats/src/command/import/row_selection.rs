//! The rows that an import skips: the first ones, and single ones.

use std::collections::HashSet;

use device_stats_formats::file::{FileBatch, RowPosition};

/// The skipped rows. Rows are counted over all files.
pub(super) struct RowSelection {
    /// Number of rows at the beginning.
    skip: u64,
    /// Numbers of single rows, from 1.
    rows: HashSet<u64>,
}

/// Parses the number of a row on the command line.
pub(super) fn row_number(text: &str) -> Result<u64, String> {
    let number = text.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| {
        "expected row numbers, counted from 1 and separated by commas, such as 17,23".to_owned()
    })
}

impl RowSelection {
    pub(super) fn new(skip: u64, rows: &[u64]) -> Self {
        Self { skip, rows: rows.iter().copied().collect() }
    }

    /// Removes the skipped rows. `rows_before` is the number of rows in the earlier files.
    pub(super) fn apply(&self, batch: &mut FileBatch, rows_before: u64) {
        if self.skip == 0 && self.rows.is_empty() {
            return;
        }
        let is_read = |position: RowPosition| {
            let index = rows_before + position.index;
            index >= self.skip && !self.rows.contains(&(index + 1))
        };
        batch.rows.retain(|row| is_read(row.position));
        batch.rejected.retain(|row| is_read(row.position));
    }

    /// Returns the number of rows before the first row that is not skipped, counted from the first file. The
    /// result is at least `begin`. Ignores single skipped rows.
    pub(super) fn first(&self, begin: u64) -> u64 {
        begin.max(self.skip)
    }
}
