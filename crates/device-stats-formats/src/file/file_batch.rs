//! Rows of a file: readings, and rejected rows with the reasons.

use device_stats_domain::{Axes, DeviceId, Measurement};

use super::column_map::Target;
use super::file_options::DecimalMark;

/// Maximum number of rows of a batch cut out of a file.
pub const BATCH_ROWS_MAX: usize = 5_000;

/// Unit of the positions of rows in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowNumbering {
    /// Line number on which a row begins, from 1.
    Lines,
    /// Number of the row, from 1, in a format without lines.
    Rows,
}

/// Consecutive rows of a file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FileBatch {
    /// Readings, in the order of the file.
    pub rows: Vec<FileRow>,
    /// Rows with faults, in the order of the file.
    pub rejected: Vec<RejectedRow>,
}

impl FileBatch {
    /// Returns the number of rows.
    pub fn len(&self) -> usize {
        self.rows.len() + self.rejected.len()
    }

    /// Returns whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The position of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RowPosition {
    /// Number of rows before it in the file.
    pub index: u64,
    /// Its line or row number, from 1.
    pub number: u64,
}

/// A row that is a reading.
#[derive(Clone, Debug, PartialEq)]
pub struct FileRow {
    /// Its position.
    pub position: RowPosition,
    /// Its device.
    pub device: DeviceId,
    /// Its values.
    pub measurement: Measurement,
}

/// A row with faults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectedRow {
    /// Its position.
    pub position: RowPosition,
    /// Its values as texts, in the order of [`Target::ALL`]. An unreadable value is empty.
    pub values: [String; 5],
    /// Its faults; at least one.
    pub faults: Vec<RowFault>,
}

/// A fault of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowFault {
    /// Name of the faulty value or column; `None` if the row as a whole is faulty.
    pub column: Option<String>,
    /// The broken rule.
    pub msg: String,
}

impl RowFault {
    /// Creates a fault of a value.
    pub fn of(target: Target, msg: impl Into<String>) -> Self {
        Self { column: Some(target.name().to_owned()), msg: msg.into() }
    }

    /// Creates a fault of the row as a whole.
    pub fn of_row(msg: impl Into<String>) -> Self {
        Self { column: None, msg: msg.into() }
    }
}

impl FileRow {
    /// Rejects a row whose values have no faults. Its numbers get the decimal mark.
    pub fn reject(self, fault: RowFault, mark: DecimalMark) -> RejectedRow {
        let Axes { x, y, z } = self.measurement.values.map(|number| mark.text(number.get()));
        let time = self.measurement.time.map_or_else(String::new, |time| time.to_string());
        let values = [self.device.to_string(), time, x, y, z];
        RejectedRow { position: self.position, values, faults: vec![fault] }
    }
}
