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
    /// Whether every row has a timestamp.
    pub all_timed: bool,
}
