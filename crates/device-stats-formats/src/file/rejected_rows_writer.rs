//! Writes rejected rows as CSV: the file, the row, the reasons, and the values. A readable time is written as
//! RFC 3339 in UTC, all other values as they were read. After a correction, the table can be imported, also
//! with the options of the file from which the rows came.

use std::io::{self, Write};
use std::path::Path;

use super::file_batch::RejectedRow;
use super::file_options::FileOptions;
use crate::csv::formula;

/// The columns of the table.
pub(super) const REJECTS_HEADER: [&str; 8] =
    ["file", "row", "reason", "device_id", "timestamp", "x", "y", "z"];

/// Returns whether a file begins with the header of such a table.
pub(super) fn is_rejects(begin: &[u8]) -> bool {
    let begin = begin.strip_prefix("\u{feff}".as_bytes()).unwrap_or(begin);
    let header = REJECTS_HEADER.join(",");
    begin
        .strip_prefix(header.as_bytes())
        .is_some_and(|rest| matches!(rest.first(), None | Some(b'\n' | b'\r')))
}

/// Returns the options for such a table: the options for the columns and the encoding of its source do not
/// apply to it.
pub(super) fn rejects_options(options: &FileOptions) -> FileOptions {
    let FileOptions { decimal_mark, times, ignores_times, .. } = options.clone();
    FileOptions { decimal_mark, times, ignores_times, ignores_unknown: true, ..FileOptions::default() }
}

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
