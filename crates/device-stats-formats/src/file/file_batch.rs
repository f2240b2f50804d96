//! A batch cut out of a file.

/// Maximum number of readings of a batch cut out of a file.
pub const BATCH_ROWS_MAX: usize = 5_000;

/// Unit of the positions of rows in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowNumbering {
    /// Line number on which a row begins, from 1.
    Lines,
    /// Number of the row, from 1, in a format without lines.
    Rows,
}

/// Rows to be sent as one request.
#[derive(Debug, PartialEq, Eq)]
pub struct FileBatch {
    /// Media type of the body.
    pub content_type: &'static str,
    /// Body of the request.
    pub body: Vec<u8>,
    /// Position of each row in the file, from 1.
    pub row_numbers: Vec<u64>,
    /// Unit of `row_numbers`.
    pub numbering: RowNumbering,
    /// Devices of the rows, each once, in the order of their first row.
    pub device_ids: Vec<String>,
    /// First rows with and without a time.
    pub timed_rows: TimedRows,
}

/// The first rows with and without a time, by their positions in the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimedRows {
    /// Position of the first row with a time.
    pub first_timed: Option<u64>,
    /// Position of the first row without a time.
    pub first_untimed: Option<u64>,
    /// Whether there is a row that cannot be read, so that its time is unknown. The server refuses it.
    pub has_unreadable: bool,
}

impl TimedRows {
    /// Returns whether every row has a time.
    pub fn are_all_timed(self) -> bool {
        self.first_untimed.is_none() && !self.has_unreadable
    }

    /// Notes a row that comes after all earlier ones.
    pub(super) fn note(&mut self, position: u64, is_timed: bool) {
        let first = if is_timed { &mut self.first_timed } else { &mut self.first_untimed };
        first.get_or_insert(position);
    }
}
