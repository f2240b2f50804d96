//! Writes rejected rows as CSV: the file, the row, the reasons, and the values. A readable time is
//! written as RFC 3339 in UTC, all other values as they were read. After a correction, the table can be
//! imported: its first columns are then unknown columns.

use std::io::{self, Write};
use std::path::Path;

use super::file_batch::RejectedRow;
use crate::csv::formula;

/// The columns of the table.
pub(super) const REJECTS_HEADER: [&str; 8] =
    ["file", "row", "reason", "device_id", "timestamp", "x", "y", "z"];

/// Writes a table of rejected rows.
pub struct RejectedRowsWriter<W: Write>(csv::Writer<W>);

impl<W: Write> RejectedRowsWriter<W> {
    /// Creates a writer, and writes the header.
    ///
    /// # Errors
    /// If the output cannot be written.
    pub fn new(output: W) -> io::Result<Self> {
        let mut csv = csv::Writer::from_writer(output);
        csv.write_record(REJECTS_HEADER)?;
        Ok(Self(csv))
    }

    /// Writes a row of a file.
    ///
    /// # Errors
    /// If the output cannot be written.
    pub fn write(&mut self, file: &Path, row: &RejectedRow) -> io::Result<()> {
        let reasons: Vec<String> = row
            .faults
            .iter()
            .map(|fault| match &fault.column {
                Some(column) => format!("{column}: {}", fault.msg),
                None => fault.msg.clone(),
            })
            .collect();
        let (file, number, reasons) =
            (file.display().to_string(), row.position.number.to_string(), reasons.join("; "));
        let cells = [&file, &number, &reasons].into_iter().chain(&row.values);
        self.0.write_record(cells.map(|cell| formula::escape(cell).into_owned()))?;
        Ok(())
    }

    /// Writes all buffered rows.
    ///
    /// # Errors
    /// If the output cannot be written.
    pub fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
