//! Rows as CSV: a header that names the columns, then a row a line, or several where a cell is quoted.

use csv_core::{ReadRecordResult, Reader};
use serde_json::json;

use super::{Row, Rows, check_columns};
use crate::body_receiver::list_bytes;
use crate::csv::line_index::LineIndex;
use crate::faults::{Faults, Problem};
use crate::json::Json;

/// Room for the cells of a row at first, in bytes.
const RECORD_BYTES_AT_FIRST: usize = 256;
/// How many cells a row has room for at first.
const CELLS_AT_FIRST: usize = 8;

/// Reads rows as far as they have arrived.
pub struct TableReader<R> {
    reader: Reader,
    rows: Rows<R>,
    index: usize,
    /// Names of the columns, once they have arrived; `Err` where they are at fault.
    header: Option<Result<Vec<String>, ()>>,
    lines: LineIndex,
    /// Bytes that have been read, and where the row under way begins.
    offset: u64,
    begin: u64,
    record: Record,
}

/// The cells of a row under way, without their quotes.
#[derive(Default)]
struct Record {
    text: Vec<u8>,
    /// How much of that is in use.
    text_length: usize,
    /// Where each cell ends.
    ends: Vec<usize>,
    cells: usize,
}

impl<R> Default for TableReader<R> {
    fn default() -> Self {
        Self {
            reader: Reader::new(),
            rows: Rows::default(),
            index: 0,
            header: None,
            lines: LineIndex::default(),
            offset: 0,
            begin: 0,
            record: Record::default(),
        }
    }
}

impl<R: Row> TableReader<R> {
    /// Takes the next characters.
    pub fn take(&mut self, text: &str, faults: &mut Faults) {
        let mut left = text.as_bytes();
        if self.is_read_on(faults) {
            self.lines.note(left);
        }
        while !left.is_empty() && self.is_read_on(faults) {
            self.step(&mut left, faults);
        }
    }

    /// All rows, behind the last characters; `None` where the header is at fault.
    pub fn finish(mut self, faults: &mut Faults) -> Option<Rows<R>> {
        while self.is_read_on(faults) && self.step(&mut &[][..], faults) != ReadRecordResult::End {}
        if self.header.is_none() {
            self.read_header(faults);
        }
        self.header.filter(Result::is_ok).map(|_| self.rows)
    }

    /// How much memory what has been read takes, in bytes.
    pub fn held_bytes(&self) -> usize {
        let Record { text, ends, .. } = &self.record;
        self.rows.held_bytes() + self.lines.held_bytes() + list_bytes(text) + list_bytes(ends)
    }

    fn is_read_on(&self, faults: &Faults) -> bool {
        !faults.is_full() && !matches!(self.header, Some(Err(())))
    }

    /// Reads up to the end of a row, or as far as it goes.
    fn step(&mut self, left: &mut &[u8], faults: &mut Faults) -> ReadRecordResult {
        let Record { text, text_length, ends, cells } = &mut self.record;
        let (text_left, ends_left) = (text.get_mut(*text_length..), ends.get_mut(*cells..));
        let (text_left, ends_left) = (text_left.unwrap_or_default(), ends_left.unwrap_or_default());
        let (result, read, written, ended) = self.reader.read_record(left, text_left, ends_left);
        *left = left.get(read..).unwrap_or_default();
        self.offset += read as u64;
        *text_length += written;
        *cells += ended;
        match result {
            ReadRecordResult::OutputFull => text.resize((text.len() * 2).max(RECORD_BYTES_AT_FIRST), 0),
            ReadRecordResult::OutputEndsFull => ends.resize((ends.len() * 2).max(CELLS_AT_FIRST), 0),
            ReadRecordResult::Record => {
                if self.header.is_none() {
                    self.read_header(faults);
                } else {
                    self.read_row(faults);
                }
                (self.record.text_length, self.record.cells) = (0, 0);
                self.begin = self.offset;
            }
            ReadRecordResult::InputEmpty | ReadRecordResult::End => {}
        }
        result
    }

    fn read_header(&mut self, faults: &mut Faults) {
        let cells = (0..self.record.cells).map(|column| self.record.cell(column).unwrap_or_default());
        let cells: Vec<&str> = cells.collect();
        faults.at_line(self.lines.line_from(self.begin));
        let checked = check_columns::<R>(&cells, faults);
        self.header = Some(checked.map(|()| cells.into_iter().map(str::to_owned).collect()).ok_or(()));
    }

    fn read_row(&mut self, faults: &mut Faults) {
        let Some(Ok(header)) = &self.header else { return };
        let (record, index) = (&self.record, self.index);
        let line = self.lines.line_from(self.begin);
        self.index += 1;
        faults.at_line(line);
        if record.cells == header.len() {
            let mut cells = Cells { header, record, index, line, faults };
            if let Some(row) = R::from_cells(&mut cells) {
                self.rows.push_line(line, row);
            }
        } else {
            let words = format!("the row has {} cells where the header has {}", record.cells, header.len());
            let problem = Problem::new("csv_invalid", words).with(json!({ "line": line }));
            faults.add(vec!["body".into(), index.into()], problem, &Json::Null);
        }
    }
}

impl Record {
    /// The text of a cell. All of the body is known to be UTF-8, and quotes are taken away whole.
    fn cell(&self, column: usize) -> Option<&str> {
        let before = column.checked_sub(1).map_or(Some(0), |before| self.ends.get(before).copied())?;
        let end = *self.ends.get(column).filter(|_| column < self.cells)?;
        std::str::from_utf8(self.text.get(before..end)?).ok()
    }
}

/// The cells of a row.
pub struct Cells<'a> {
    header: &'a [String],
    record: &'a Record,
    /// Counted from 0, without the header.
    index: usize,
    /// Counted from 1, as an editor does.
    line: u64,
    faults: &'a mut Faults,
}

impl Cells<'_> {
    /// The text of a cell; `None` where there is no such column.
    pub fn text(&self, name: &str) -> Option<&str> {
        let column = self.header.iter().position(|column| column == name)?;
        self.record.cell(column)
    }

    /// Reads a cell; an absent one is empty.
    pub fn read<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&str) -> Result<T, Problem>,
    ) -> Option<T> {
        let read = read(self.text(name).unwrap_or_default());
        read.map_err(|problem| {
            let input = Json::String(self.text(name).unwrap_or_default().to_owned());
            let mut ctx = problem.ctx.clone().unwrap_or_else(|| json!({}));
            if let Some(members) = ctx.as_object_mut() {
                members.insert("line".to_owned(), json!(self.line));
            }
            self.faults.add(vec!["body".into(), self.index.into(), name.into()], problem.with(ctx), &input);
        })
        .ok()
    }
}

#[cfg(test)]
mod tests {
    use device_stats_domain::limits::FAULTS_MAX;

    use super::*;
    use device_stats_domain::Measurement;

    #[test]
    fn behind_the_last_fault_no_line_is_noted() {
        let wrong = format!("x,y,z\n{}", "1,2,three\n".repeat(FAULTS_MAX));
        for text in ["x,y\n", &wrong] {
            let (mut reader, mut faults) = (TableReader::<Measurement>::default(), Faults::default());
            reader.take(text, &mut faults);
            let lines = reader.lines.line_from(u64::MAX);
            reader.take("1,2,3\n1,2,3\n", &mut faults);
            assert_eq!(reader.lines.line_from(u64::MAX), lines, "{text}");
        }
    }
}
