//! Reads the records of CSV (RFC 4180; lines end with `\n`, `\r\n` or `\r`) as their bytes arrive, and the
//! line on which each begins. The csv crate also reads text that violates RFC 4180: it reads `"1"2` as 12,
//! and accepts input that ends inside quotes. Such records are malformed here.
//!
//! Lines have the same numbers as in an editor. The csv crate counts differently: it adds `\r\n` to the next
//! line, and blank lines to the record after them.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

use crate::body_receiver::vec_bytes;

/// Initial room for the text of a record, in bytes.
const RECORD_BYTES_INITIAL: usize = 256;
/// Initial room for the cells of a record.
const CELLS_INITIAL: usize = 8;

/// Violation of RFC 4180 by the last record.
const ENDS_IN_QUOTES: &str = "the input ends inside quotes";

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

/// The position of the next byte in its cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Position {
    CellStart,
    Unquoted,
    Quoted,
    /// After a quote inside a quoted cell: its end, or the first half of an escaped quote.
    AfterQuote,
}

/// Reads records, and holds one at a time.
pub(crate) struct RecordReader {
    reader: Reader,
    delimiter: u8,
    /// First byte of the lines that are comments.
    comment: Option<u8>,
    is_in_comment: bool,
    /// Text of all cells without their quotes; only `text_length` bytes are in use.
    text: Vec<u8>,
    text_length: usize,
    /// End of each cell in `text`; only `cell_count` are in use.
    ends: Vec<usize>,
    cell_count: usize,
    /// Maximum number of cells that are kept. The first cells of a longer record are kept.
    cells_max: usize,
    /// Number of cells of the record that are not kept.
    cells_dropped: usize,
    /// Whether the record is complete, and the next call begins another one.
    is_complete: bool,
    /// Line number of the next byte, from 1.
    line: u64,
    last_byte: u8,
    position: Position,
    /// Violation of RFC 4180, if any.
    malformed: Option<&'static str>,
    /// Line number on which the record begins, once it has begun.
    first_line: Option<u64>,
}

impl Default for RecordReader {
    fn default() -> Self {
        Self::with_delimiter(b',')
    }
}

impl RecordReader {
    /// Creates a reader that keeps at most this number of cells of a record. Of a longer record, it keeps at
    /// least half of this number.
    pub(crate) fn with_cells_max(cells_max: usize) -> Self {
        Self { cells_max, ..Self::default() }
    }

    /// Creates a reader of cells that this character separates.
    pub(crate) fn with_delimiter(delimiter: u8) -> Self {
        Self {
            reader: ReaderBuilder::new().delimiter(delimiter).build(),
            delimiter,
            comment: None,
            is_in_comment: false,
            text: Vec::new(),
            text_length: 0,
            ends: Vec::new(),
            cell_count: 0,
            cells_max: usize::MAX,
            cells_dropped: 0,
            is_complete: false,
            line: 1,
            last_byte: 0,
            position: Position::CellStart,
            malformed: None,
            first_line: None,
        }
    }

    /// Ignores the lines that begin with this byte.
    pub(crate) fn with_comments(self, comment: Option<u8>) -> Self {
        Self { comment, ..self }
    }

    /// Reads from the front of the input up to the end of a record. Empty input means the end of the text.
    pub(crate) fn read(&mut self, input: &mut &[u8]) -> Progress {
        if std::mem::take(&mut self.is_complete) {
            (self.text_length, self.cell_count, self.cells_dropped, self.first_line) = (0, 0, 0, None);
            self.malformed = None;
        }
        let is_end = input.is_empty();
        if is_end && self.position == Position::Quoted {
            self.malformed = Some(ENDS_IN_QUOTES);
        }
        self.skip_comments(input);
        if input.is_empty() && !is_end {
            return Progress::NeedsInput;
        }
        loop {
            let text = self.text.split_at_mut(self.text_length).1;
            let ends = self.ends.split_at_mut(self.cell_count).1;
            let (result, read, written, ended) = self.reader.read_record(input, text, ends);
            let (bytes, rest) = input.split_at(read);
            self.scan(bytes);
            *input = rest;
            self.text_length += written;
            self.cell_count += ended;
            match result {
                ReadRecordResult::OutputFull => grow(&mut self.text, RECORD_BYTES_INITIAL),
                ReadRecordResult::OutputEndsFull if self.ends.len() >= self.cells_max => {
                    let kept = self.cells_max / 2;
                    self.cells_dropped += self.cell_count - kept;
                    self.cell_count = kept;
                }
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

    /// Number of cells of the record so far.
    pub(crate) fn cell_count(&self) -> usize {
        self.cell_count + self.cells_dropped
    }

    /// Size of the cells of the record so far, in bytes.
    pub(crate) fn text_bytes(&self) -> usize {
        self.text_length
    }

    /// Returns whether the input ended inside quotes.
    pub(crate) fn ends_in_quotes(&self) -> bool {
        self.malformed == Some(ENDS_IN_QUOTES)
    }

    /// Checks that the record obeys RFC 4180, and that it has as many cells as the header.
    ///
    /// # Errors
    /// A description of the violation.
    pub(crate) fn check(&self, columns: usize) -> Result<(), String> {
        self.check_quotes()?;
        let cells = self.cell_count();
        if cells == columns {
            return Ok(());
        }
        Err(format!("the row has {cells} cells, but the header has {columns}"))
    }

    /// Checks that the record obeys RFC 4180.
    ///
    /// # Errors
    /// A description of the violation.
    pub(crate) fn check_quotes(&self) -> Result<(), String> {
        self.malformed.map_or(Ok(()), |rule| Err(rule.to_owned()))
    }

    /// Memory held, in bytes.
    pub(crate) fn held_bytes(&self) -> usize {
        vec_bytes(&self.text) + vec_bytes(&self.ends)
    }

    /// Skips blank lines and comments in front of a record.
    fn skip_comments(&mut self, input: &mut &[u8]) {
        let Some(comment) = self.comment.filter(|_| self.first_line.is_none()) else { return };
        while let Some((byte, rest)) = input.split_first() {
            let ends_line = matches!(byte, b'\n' | b'\r');
            if !ends_line && !self.is_in_comment && *byte != comment {
                break;
            }
            self.is_in_comment = !ends_line;
            if ends_line {
                self.scan_each(&[*byte]);
            } else {
                self.last_byte = *byte;
            }
            *input = rest;
        }
    }

    /// Counts lines, and checks quotes. The bytes belong to one record, and to the blank lines before it.
    fn scan(&mut self, bytes: &[u8]) {
        let is_in_quotes = matches!(self.position, Position::Quoted | Position::AfterQuote);
        if is_in_quotes || memchr::memchr(b'"', bytes).is_some() {
            self.scan_each(bytes);
            return;
        }
        // Without quotes, no end of a line is inside the record, so its inner bytes need no look.
        let is_text = |byte: &u8| !matches!(byte, b'\n' | b'\r');
        let begin = bytes.iter().position(is_text).unwrap_or(bytes.len());
        let end = bytes.iter().rposition(is_text).unwrap_or(begin);
        let (before, rest) = bytes.split_at(begin);
        self.scan_each(before);
        let (inner, last) = rest.split_at(end - begin);
        if !inner.is_empty() {
            self.first_line.get_or_insert(self.line);
        }
        self.scan_each(last);
    }

    /// Counts lines, and checks quotes, byte by byte.
    fn scan_each(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.position = match (self.position, byte) {
                (Position::Quoted, b'"') => Position::AfterQuote,
                (Position::Quoted, _) | (Position::CellStart | Position::AfterQuote, b'"') => {
                    Position::Quoted
                }
                (_, b'\n' | b'\r') => Position::CellStart,
                (_, byte) if *byte == self.delimiter => Position::CellStart,
                (Position::AfterQuote, _) => {
                    self.malformed = Some("text follows the closing quote of a cell");
                    Position::Unquoted
                }
                (_, b'"') => {
                    self.malformed = Some("a quote is inside a cell that does not begin with one");
                    Position::Unquoted
                }
                (Position::CellStart | Position::Unquoted, _) => Position::Unquoted,
            };
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Reads all records; `None` if one is malformed.
    fn read(text: &str, piece: usize) -> Option<Vec<Vec<String>>> {
        let (mut reader, mut records) = (RecordReader::default(), Vec::new());
        let pieces = text.as_bytes().chunks(piece).chain([&[][..]]);
        for mut input in pieces {
            let is_end = input.is_empty();
            while is_end || !input.is_empty() {
                match reader.read(&mut input) {
                    Progress::Record => {
                        reader.check_quotes().ok()?;
                        let cells = reader.cells().map(|cell| String::from_utf8(cell.to_vec()).unwrap());
                        records.push(cells.collect());
                    }
                    Progress::NeedsInput => {}
                    Progress::End => break,
                }
            }
        }
        Some(records)
    }

    #[test]
    fn comments_are_skipped_however_the_text_is_split() {
        let text = "# a \"b\r\n\r\n#\nx,y\r# \"\n\"1\n#2\",3\n#end";
        for piece in 1..=text.len() {
            let mut reader = RecordReader::default().with_comments(Some(b'#'));
            let mut records = Vec::new();
            for mut input in text.as_bytes().chunks(piece).chain([&[][..]]) {
                let is_end = input.is_empty();
                while is_end || !input.is_empty() {
                    match reader.read(&mut input) {
                        Progress::Record => {
                            reader.check(2).unwrap();
                            records.push((reader.line(), reader.cell(0).unwrap().to_vec()));
                        }
                        Progress::NeedsInput => {}
                        Progress::End => break,
                    }
                }
            }
            assert_eq!(records, [(4, b"x".to_vec()), (6, b"1\n#2".to_vec())], "{piece}");
        }
    }

    /// Reads a cell by the grammar of RFC 4180; returns it with the rest of the text.
    fn expected_cell(text: &str) -> Option<(String, &str)> {
        let Some(mut rest) = text.strip_prefix('"') else {
            let end = text.find([',', '\n', '\r']).unwrap_or(text.len());
            let (cell, rest) = text.split_at(end);
            return (!cell.contains('"')).then(|| (cell.to_owned(), rest));
        };
        let mut cell = String::new();
        loop {
            let (before, after) = rest.split_once('"')?;
            cell.push_str(before);
            match after.strip_prefix('"') {
                Some(after) => {
                    cell.push('"');
                    rest = after;
                }
                None => {
                    return (after.is_empty() || after.starts_with([',', '\n', '\r']))
                        .then_some((cell, after));
                }
            }
        }
    }

    /// Reads all records by the grammar of RFC 4180, without blank lines.
    fn expected(text: &str) -> Option<Vec<Vec<String>>> {
        let (mut rest, mut records) = (text.trim_start_matches(['\n', '\r']), Vec::new());
        while !rest.is_empty() {
            let mut record = Vec::new();
            loop {
                let cell;
                (cell, rest) = expected_cell(rest)?;
                record.push(cell);
                match rest.strip_prefix(',') {
                    Some(after) => rest = after,
                    None => break,
                }
            }
            records.push(record);
            rest = rest.trim_start_matches(['\n', '\r']);
        }
        Some(records)
    }

    #[test]
    fn text_that_is_not_rfc_4180_is_malformed() {
        // `"1"2` was read as 12.
        assert_eq!(read("x,\"1\"2,2,3\n", 100), None);
        // `"3` was read as 3: a truncated file gave a truncated number.
        assert_eq!(read("1,2,\"3", 100), None);
        assert_eq!(read("1,2\",3\n", 100), None);
        assert_eq!(read("1, \"2\",3\n", 100), None);
        assert_eq!(read("\"1\" ,2\n", 100), None);
        assert_eq!(read("\"\"\"\",\"a\r\nb\"", 1).unwrap(), [["\"", "a\r\nb"]]);
    }

    proptest! {
        #[test]
        fn records_follow_the_grammar(
            fragments in prop::collection::vec(prop::sample::select(vec!["\"", "\"\"", ",", "\n", "\r\n", "\r", "a", "1", " "]), 0..14),
            piece in 1..5_usize,
        ) {
            let text = fragments.concat();
            prop_assert_eq!(read(&text, piece), expected(&text), "{:?}", text);
        }
    }
}
