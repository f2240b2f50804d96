//! Collects the rows of a batch that is cut out of a text file.

use std::collections::HashSet;

use super::file_batch::{BATCH_ROWS_MAX, FileBatch, RowNumbering, TimedRows};

/// Collects the positions and devices of the rows of a batch.
pub(super) struct BatchBuilder {
    row_numbers: Vec<u64>,
    device_ids: Vec<String>,
    seen: HashSet<String>,
    timed_rows: TimedRows,
}

impl BatchBuilder {
    /// Creates a builder without rows.
    pub(super) fn new() -> Self {
        Self {
            row_numbers: Vec::new(),
            device_ids: Vec::new(),
            seen: HashSet::new(),
            timed_rows: TimedRows::default(),
        }
    }

    /// Adds the row that begins on this line.
    /// `is_timed` is `None` if the row cannot be read.
    pub(super) fn add(&mut self, line: u64, device_id: Option<&str>, is_timed: Option<bool>) {
        self.row_numbers.push(line);
        match is_timed {
            Some(is_timed) => self.timed_rows.note(line, is_timed),
            None => self.timed_rows.has_unreadable = true,
        }
        if let Some(device_id) = device_id.filter(|device_id| !self.seen.contains(*device_id)) {
            self.seen.insert(device_id.to_owned());
            self.device_ids.push(device_id.to_owned());
        }
    }

    /// Returns whether there is no row.
    pub(super) fn is_empty(&self) -> bool {
        self.row_numbers.is_empty()
    }

    /// Returns whether the batch has the maximum number of rows.
    pub(super) fn is_full(&self) -> bool {
        self.row_numbers.len() >= BATCH_ROWS_MAX
    }

    /// Returns the batch; `None` without rows.
    pub(super) fn finish(self, content_type: &'static str, body: Vec<u8>) -> Option<FileBatch> {
        if self.is_empty() {
            return None;
        }
        let Self { row_numbers, device_ids, timed_rows, .. } = self;
        let numbering = RowNumbering::Lines;
        Some(FileBatch { content_type, body, row_numbers, numbering, device_ids, timed_rows })
    }
}
