//! Rows as CSV: a header that names the columns, then one record for each row.

use serde_json::json;

use super::batch_rows::BatchRows;
use super::csv_cells::{CsvCells, cell_text};
use super::row::Row;
use crate::column_names::ColumnNames;
use crate::csv::{Progress, RecordReader};
use crate::faults::{Faults, Problem};
use crate::json::Json;
use crate::limits::{COLUMNS_MAX, CSV_HEADER_BYTES_MAX};
use crate::reading_times::ReadingTimes;

/// Reads rows as their text arrives.
pub(super) struct CsvRowReader<R> {
    records: RecordReader,
    header: Header,
    rows: BatchRows<R>,
    /// Number of records after the header, faulty ones included.
    count: usize,
}

enum Header {
    Awaited,
    Faulty,
    Columns(Vec<String>),
}

impl<R> Default for CsvRowReader<R> {
    fn default() -> Self {
        let (records, rows) = (RecordReader::with_cells_max(2 * COLUMNS_MAX), BatchRows::default());
        Self { records, header: Header::Awaited, rows, count: 0 }
    }
}

impl<R: Row> CsvRowReader<R> {
    /// Takes the next characters.
    pub(super) fn receive(&mut self, text: &str, times: &mut ReadingTimes, faults: &mut Faults) {
        let mut rest = text.as_bytes();
        while !rest.is_empty() && self.reads_on(faults) {
            match self.records.read(&mut rest) {
                Progress::Record => self.read_record(times, faults),
                // A header that is too long is refused before its end.
                _ if matches!(self.header, Header::Awaited) => self.check_header_size(faults),
                _ => {}
            }
        }
    }

    /// Returns all rows after the last characters; `None` if the header is faulty.
    pub(super) fn finish(mut self, times: &mut ReadingTimes, faults: &mut Faults) -> Option<BatchRows<R>> {
        while self.reads_on(faults) && self.records.read(&mut &[][..]) == Progress::Record {
            self.read_record(times, faults);
        }
        if matches!(self.header, Header::Awaited) {
            self.read_header(faults);
        }
        if self.records.ends_in_quotes() {
            // The last record has swallowed all rows after its quote, so the rows are not known.
            return None;
        }
        self.rows.count_rejected(self.count);
        matches!(self.header, Header::Columns(_)).then_some(self.rows)
    }

    /// Number of records after the header so far, faulty ones included.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Memory held, in bytes.
    pub(super) fn held_bytes(&self) -> usize {
        self.rows.held_bytes() + self.records.held_bytes()
    }

    fn reads_on(&self, faults: &Faults) -> bool {
        !faults.is_full() && !matches!(self.header, Header::Faulty)
    }

    fn read_record(&mut self, times: &mut ReadingTimes, faults: &mut Faults) {
        match &self.header {
            Header::Awaited => self.read_header(faults),
            Header::Columns(columns) => {
                let (records, index, line) = (&self.records, self.count, self.records.line());
                faults.at_line(line);
                match records.check(columns.len()) {
                    Ok(()) => {
                        let mut cells = CsvCells::new(columns, records, index, faults);
                        if let Some(row) = R::from_cells(&mut cells, times) {
                            self.rows.push_with_line(index, line, row);
                        }
                    }
                    Err(difference) => {
                        let problem = Problem::new("csv_invalid", difference).with(json!({ "line": line }));
                        faults.add(vec!["body".into(), index.into()], problem, &Json::Null);
                    }
                }
                self.count += 1;
            }
            Header::Faulty => {}
        }
    }

    /// Notes a fault if the header so far has too many columns or characters.
    fn check_header_size(&mut self, faults: &mut Faults) {
        let problem = if self.records.cell_count() > COLUMNS_MAX {
            ColumnNames::too_many()
        } else if self.records.text_bytes() > CSV_HEADER_BYTES_MAX {
            let msg = format!("The header is longer than {CSV_HEADER_BYTES_MAX} bytes");
            Problem::new("csv_invalid", msg).with(json!({ "line": self.records.line() }))
        } else {
            return;
        };
        faults.at_line(self.records.line());
        faults.add(vec!["body".into(), "header".into()], problem, &Json::Null);
        self.header = Header::Faulty;
    }

    fn read_header(&mut self, faults: &mut Faults) {
        self.check_header_size(faults);
        if matches!(self.header, Header::Faulty) {
            return;
        }
        let line = self.records.line();
        faults.at_line(line);
        if let Err(rule) = self.records.check_quotes() {
            let problem = Problem::new("csv_invalid", rule).with(json!({ "line": line }));
            faults.add(vec!["body".into(), "header".into()], problem, &Json::Null);
            self.header = Header::Faulty;
            return;
        }
        let columns: Vec<&str> = self.records.cells().map(cell_text).collect();
        self.header = match R::COLUMNS.check(&columns, faults) {
            Some(()) => Header::Columns(columns.into_iter().map(str::to_owned).collect()),
            None => Header::Faulty,
        };
    }
}

#[cfg(test)]
mod tests {
    use crate::limits::FAULTS_MAX;
    use device_stats_domain::Measurement;

    use super::*;

    #[test]
    fn nothing_is_read_after_the_last_fault() {
        let wrong = format!("x,y,z\n{}", "1,2,three\n".repeat(FAULTS_MAX));
        for text in ["x,y\n", &wrong] {
            let (mut reader, mut faults) = (CsvRowReader::<Measurement>::default(), Faults::default());
            let mut times = ReadingTimes::new(None);
            reader.receive(text, &mut times, &mut faults);
            let line = reader.records.line();
            reader.receive("1,2,3\n1,2,3\n", &mut times, &mut faults);
            assert_eq!(reader.records.line(), line, "{text}");
        }
    }
}
