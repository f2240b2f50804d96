//! The rows of a batch, and their locations in the body.

use device_stats_domain::DeviceId;

use crate::body_receiver::vec_bytes;
use crate::faults::{Fault, LocationStep};
use crate::json::Json;

/// Locations of the rows of a body, for faults that are found after reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowLocations {
    /// Column, member or tag that names the device of a row.
    device_key: &'static str,
    /// Line number of each row, from 1; empty if the format has no lines.
    lines: Vec<u64>,
}

impl Default for RowLocations {
    fn default() -> Self {
        Self { device_key: "device_id", lines: Vec::new() }
    }
}

impl RowLocations {
    /// Returns the fault of a row whose device does not exist. Rows are counted from 0.
    pub fn unknown_device(&self, row: usize, id: &DeviceId) -> Fault {
        let loc: Vec<LocationStep> = vec!["body".into(), row.into(), self.device_key.into()];
        Fault {
            kind: "device_not_found",
            loc,
            line: self.lines.get(row).copied(),
            msg: "Device not found".into(),
            input: Json::String(id.as_str().to_owned()).echo(),
            ctx: None,
        }
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
}

impl<R> Default for BatchRows<R> {
    fn default() -> Self {
        Self { rows: Vec::new(), locations: RowLocations::default() }
    }
}

impl<R> BatchRows<R> {
    /// Creates an empty list of rows. `device_key` is the column, member or tag that names the device of a
    /// row.
    pub(crate) fn with_device_key(device_key: &'static str) -> Self {
        Self { rows: Vec::new(), locations: RowLocations { device_key, ..RowLocations::default() } }
    }

    /// Memory held, in bytes. The texts of device ids are not counted, because they are only a part of the
    /// body.
    pub fn held_bytes(&self) -> usize {
        vec_bytes(&self.rows) + vec_bytes(&self.locations.lines)
    }

    /// Adds a row that begins on this line.
    pub(crate) fn push_with_line(&mut self, line: u64, row: R) {
        self.rows.push(row);
        self.locations.lines.push(line);
    }
}
