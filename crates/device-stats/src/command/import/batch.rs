//! Consecutive rows of a file that are sent as one request.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use device_stats_client::Fault;
use device_stats_domain::{DeviceId, Timestamp};
use device_stats_formats::file::{DecimalMark, FileRow, RejectedRow, RowFault, RowNumbering};

/// Rows of a file.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) file: Arc<Path>,
    pub(super) numbering: RowNumbering,
    /// Decimal mark of the numbers in the table of rejected rows.
    pub(super) decimal_mark: DecimalMark,
    /// Number of rows in the files before this one.
    pub(super) rows_before: u64,
    pub(super) rows: Vec<FileRow>,
    /// Rows that are not sent because of their faults.
    pub(super) rejected: Vec<RejectedRow>,
    /// Number of rows before the batch, in all files.
    pub(super) begin: u64,
    /// Number of rows up to the end of the batch, in all files.
    pub(super) end: u64,
}

/// The first and the last time of each device.
pub(super) type TimeSpans = HashMap<DeviceId, (Timestamp, Timestamp)>;

impl Batch {
    /// Returns whether every row has a time, so that the batch may be sent again.
    pub(super) fn is_timed(&self) -> bool {
        self.rows.iter().all(|row| row.measurement.time.is_some())
    }

    /// Returns the devices of the rows, each once, in the order of their first row.
    pub(super) fn devices(&self) -> Vec<DeviceId> {
        let mut seen = HashSet::new();
        let devices = self.rows.iter().map(|row| &row.device);
        devices.filter(|device| seen.insert(*device)).cloned().collect()
    }

    /// Returns the spans of the times of each device.
    pub(super) fn spans(&self) -> TimeSpans {
        let mut spans = TimeSpans::new();
        for row in &self.rows {
            let time = row.measurement.time.unwrap_or(Timestamp::MIN);
            match spans.get_mut(&row.device) {
                Some((first, last)) => (*first, *last) = ((*first).min(time), (*last).max(time)),
                None => drop(spans.insert(row.device.clone(), (time, time))),
            }
        }
        spans
    }

    /// Removes the rows that the faults of the server name, and returns them.
    pub(super) fn reject(&mut self, faults: &[Fault]) -> Vec<RejectedRow> {
        let mut by_row: HashMap<usize, Vec<RowFault>> = HashMap::new();
        for fault in faults {
            if let Some(row) = fault.row() {
                let column = Some(fault.location(2)).filter(|column| !column.is_empty());
                by_row.entry(row).or_default().push(RowFault { column, msg: fault.msg.clone() });
            }
        }
        let mut rejected = Vec::new();
        let rows = std::mem::take(&mut self.rows);
        for (index, row) in rows.into_iter().enumerate() {
            match by_row.remove(&index) {
                None => self.rows.push(row),
                Some(faults) => {
                    let unfaulty = row.reject(RowFault::of_row(""), self.decimal_mark);
                    rejected.push(RejectedRow { faults, ..unfaulty });
                }
            }
        }
        rejected
    }
}

/// Returns whether two sets of spans have a device with a common time.
pub(super) fn overlap(one: &TimeSpans, other: &TimeSpans) -> bool {
    let (small, large) = if one.len() < other.len() { (one, other) } else { (other, one) };
    small.iter().any(|(device, (first, last))| {
        large.get(device).is_some_and(|(other_first, other_last)| first <= other_last && other_first <= last)
    })
}
