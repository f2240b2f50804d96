//! The rows of a batch, and their locations in the body.

use device_stats_domain::DeviceId;

use super::row::Row;
use crate::body_error::BodyError;
use crate::body_receiver::vec_bytes;
use crate::faults::{Fault, LocationStep, Problem};
use crate::json::Json;
use crate::limits::BATCH_READINGS_MAX;

/// Locations of the rows of a body, for faults that are found after reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowLocations {
    /// Column, member or tag that names the device of a row.
    device_key: &'static str,
    /// Line number of each row, from 1; empty if the format has no lines.
    lines: Vec<u64>,
    /// Position of each row in the body, from 0; empty if no row was skipped before the last one.
    positions: Vec<usize>,
}

impl Default for RowLocations {
    fn default() -> Self {
        Self { device_key: "device_id", lines: Vec::new(), positions: Vec::new() }
    }
}

impl RowLocations {
    /// Returns the fault of a row whose device does not exist. Rows are counted from 0, without skipped ones.
    pub fn unknown_device(&self, row: usize, id: &DeviceId) -> Fault {
        let position = self.positions.get(row).copied().unwrap_or(row);
        let loc: Vec<LocationStep> = vec!["body".into(), position.into(), self.device_key.into()];
        let problem = Problem::new("device_not_found", "Device not found");
        let input = Json::String(id.as_str().to_owned()).echo();
        Fault::new(loc, self.lines.get(row).copied(), problem, input)
    }

    #[cfg(test)]
    pub(super) fn lines(&self) -> &[u64] {
        &self.lines
    }
}

/// The rows of a body.
pub struct BatchRows<R> {
    /// Rows, in the order of the body.
    pub rows: Vec<R>,
    /// Location of each row.
    pub locations: RowLocations,
    /// Rows that were skipped.
    pub rejected: RejectedRows,
    /// Memory of the texts of the rows, in bytes.
    text_bytes: usize,
}

/// Rows that were skipped because of their faults.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RejectedRows {
    /// Number of rows.
    pub count: u64,
    /// Their faults, up to [`FAULTS_MAX`](crate::limits::FAULTS_MAX).
    pub faults: Vec<Fault>,
}

impl<R> Default for BatchRows<R> {
    fn default() -> Self {
        let (locations, rejected) = (RowLocations::default(), RejectedRows::default());
        Self { rows: Vec::new(), locations, rejected, text_bytes: 0 }
    }
}

impl<R> BatchRows<R> {
    /// Creates an empty list of rows. `device_key` is the column, member or tag that names the device of a
    /// row.
    pub(crate) fn with_device_key(device_key: &'static str) -> Self {
        Self { locations: RowLocations { device_key, ..RowLocations::default() }, ..Self::default() }
    }

    /// Memory held, in bytes.
    pub fn held_bytes(&self) -> usize {
        let locations = vec_bytes(&self.locations.lines) + vec_bytes(&self.locations.positions);
        vec_bytes(&self.rows) + locations + self.text_bytes
    }

    /// Adds memory of texts that several rows share, in bytes.
    pub(crate) fn add_text_bytes(&mut self, bytes: usize) {
        self.text_bytes += bytes;
    }

    /// Adds the row at a position of the body that begins on this line.
    pub(crate) fn push_with_line(&mut self, position: usize, line: u64, row: R)
    where
        R: Row,
    {
        self.push(position, row);
        self.locations.lines.push(line);
    }

    /// Adds the row at a position of the body, in a format without lines.
    pub(crate) fn push(&mut self, position: usize, row: R)
    where
        R: Row,
    {
        self.note_positions(position, self.rows.len(), 1);
        self.text_bytes += row.text_bytes();
        self.rows.push(row);
    }

    /// Notes the positions of consecutive rows: from `position` in the body, and from `index` in the list.
    pub(crate) fn note_positions(&mut self, position: usize, index: usize, count: usize) {
        let positions = &mut self.locations.positions;
        if position != index {
            // The first skipped row is right before this one.
            positions.extend(positions.len()..index);
        }
        if position != index || !positions.is_empty() {
            positions.extend(position..position + count);
        }
    }

    /// Sets the number of rejected rows from the number of rows in the body.
    pub(crate) fn count_rejected(&mut self, rows_in_body: usize) {
        self.rejected.count = (rows_in_body - self.rows.len()) as u64;
    }
}

/// Checks the number of readings of a body, faulty ones included.
///
/// # Errors
/// [`BodyError::TooManyReadings`].
pub(crate) fn check_readings(count: usize) -> Result<(), BodyError> {
    if count > BATCH_READINGS_MAX {
        return Err(BodyError::TooManyReadings { readings_max: BATCH_READINGS_MAX });
    }
    Ok(())
}
