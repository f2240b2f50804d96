//! Reads the records of CSV (RFC 4180; lines end with `\n`, `\r\n` or `\r`) as their bytes arrive, and the
//! line on which each begins.
//!
//! Lines have the same numbers as in an editor. The csv crate counts differently: it adds `\r\n` to the next
//! line, and blank lines to the record after them.

use csv_core::{ReadRecordResult, Reader};

use crate::body_receiver::vec_bytes;

/// Initial room for the text of a record, in bytes.
const RECORD_BYTES_INITIAL: usize = 256;
/// Initial room for the cells of a record.
const CELLS_INITIAL: usize = 8;

/// Result of a call of [`RecordReader::read`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// A record is complete.
    Record,
    /// The input has been read, and the record goes on.
    NeedsInput,
    /// There are no more records.
    End,
}

/// Reads records, and holds one at a time.
pub(crate) struct RecordReader {
    reader: Reader,
    /// Text of all cells without their quotes; only `text_length` bytes are in use.
    text: Vec<u8>,
    text_length: usize,
    /// End of each cell in `text`; only `cell_count` are in use.
    ends: Vec<usize>,
    cell_count: usize,
    /// Whether the record is complete, and the next call begins another one.
    is_complete: bool,
    /// Line number of the next byte, from 1.
    line: u64,
    last_byte: u8,
    /// Line number on which the record begins, once it has begun.
    first_line: Option<u64>,
}

impl Default for RecordReader {
    fn default() -> Self {
        Self {
            reader: Reader::new(),
            text: Vec::new(),
            text_length: 0,
            ends: Vec::new(),
            cell_count: 0,
            is_complete: false,
            line: 1,
            last_byte: 0,
            first_line: None,
        }
    }
}

impl RecordReader {
    /// Reads from the front of the input up to the end of a record. Empty input means the end of the text.
    pub(crate) fn read(&mut self, input: &mut &[u8]) -> Progress {
        if std::mem::take(&mut self.is_complete) {
            (self.text_length, self.cell_count, self.first_line) = (0, 0, None);
        }
        let is_end = input.is_empty();
        loop {
            let text = self.text.split_at_mut(self.text_length).1;
            let ends = self.ends.split_at_mut(self.cell_count).1;
            let (result, read, written, ended) = self.reader.read_record(input, text, ends);
            let (bytes, rest) = input.split_at(read);
            self.count_lines(bytes);
            *input = rest;
            self.text_length += written;
            self.cell_count += ended;
            match result {
                ReadRecordResult::OutputFull => grow(&mut self.text, RECORD_BYTES_INITIAL),
                ReadRecordResult::OutputEndsFull => grow(&mut self.ends, CELLS_INITIAL),
                ReadRecordResult::Record => {
                    self.is_complete = true;
                    return Progress::Record;
                }
                ReadRecordResult::InputEmpty => return Progress::NeedsInput,
                ReadRecordResult::End => return Progress::End,
            }
            // The rest of the input is empty. A further call with empty input would mean the end of the text.
            if input.is_empty() && !is_end {
                return Progress::NeedsInput;
            }
        }
    }

    /// Returns the line number on which the record begins, from 1.
    pub(crate) fn line(&self) -> u64 {
        self.first_line.unwrap_or(self.line)
    }

    /// Returns a cell of the record; `None` if the record has fewer cells.
    pub(crate) fn cell(&self, column: usize) -> Option<&[u8]> {
        let ends = self.ends.split_at(self.cell_count).0;
        let end = *ends.get(column)?;
        let begin = column.checked_sub(1).and_then(|before| ends.get(before)).copied().unwrap_or(0);
        Some(self.text.split_at(end).0.split_at(begin).1)
    }

    /// Returns the cells of the record.
    pub(crate) fn cells(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.cell_count).filter_map(|column| self.cell(column))
    }

    /// Checks that the record has as many cells as the header.
    ///
    /// # Errors
    /// A description of the difference.
    pub(crate) fn check_width(&self, columns: usize) -> Result<(), String> {
        if self.cell_count == columns {
            return Ok(());
        }
        Err(format!("the row has {} cells where the header has {columns}", self.cell_count))
    }

    /// Memory held, in bytes.
    pub(crate) fn held_bytes(&self) -> usize {
        vec_bytes(&self.text) + vec_bytes(&self.ends)
    }

    fn count_lines(&mut self, bytes: &[u8]) {
        for byte in bytes {
            match byte {
                b'\n' if self.last_byte == b'\r' => {}
                b'\n' | b'\r' => self.line += 1,
                _ if self.first_line.is_none() => self.first_line = Some(self.line),
                _ => {}
            }
            self.last_byte = *byte;
        }
    }
}

fn grow<T: Clone + Default>(buffer: &mut Vec<T>, initial: usize) {
    buffer.resize((buffer.len() * 2).max(initial), T::default());
}
