//! A CSV file of readings, cut into batches. Cells are passed on byte for byte.

use std::io::Read;
use std::path::{Path, PathBuf};

use csv::{ByteRecord, Reader, ReaderBuilder, Writer};

use super::{CHUNK_ROWS_MAX, Chunk, Place, REQUIRED, RowsError, TIMESTAMP};
use crate::csv::line_index::Lines;

/// The rows of a file that are still to be sent.
pub struct Table<R> {
    file: PathBuf,
    reader: Reader<Lines<R>>,
    header: ByteRecord,
    device_id: usize,
    timestamp: Option<usize>,
    /// Most bytes of a chunk.
    chunk_bytes_max: usize,
    /// A row that found no room in the chunk before.
    left: Option<(ByteRecord, u64)>,
}

impl<R: Read> Table<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// [`RowsError`] where it cannot be read, or lacks columns.
    pub fn new(file: &Path, input: R, chunk_bytes_max: usize) -> Result<Self, RowsError> {
        let mut reader = ReaderBuilder::new().from_reader(Lines::new(input));
        let header = reader.byte_headers().cloned().map_err(|error| read_error(file, 1, error))?;
        let wrong = |problem| RowsError::Line { file: file.to_owned(), line: 1, problem };
        let mut missing: Vec<&str> = REQUIRED.to_vec();
        for (index, column) in header.iter().enumerate() {
            let name = String::from_utf8_lossy(column);
            missing.retain(|required| *required != name);
            if !REQUIRED.contains(&name.as_ref()) && name != TIMESTAMP {
                return Err(wrong(format!(
                    "the column {name:?} is unknown; known are device_id, timestamp, x, y and z"
                )));
            }
            if header.iter().take(index).any(|earlier| earlier == column) {
                return Err(wrong(format!("the column {name:?} is there twice")));
            }
        }
        let position = |name: &str| header.iter().position(|column| column == name.as_bytes());
        let (Some(device_id), true) = (position("device_id"), missing.is_empty()) else {
            let s = if missing.len() == 1 { "" } else { "s" };
            return Err(wrong(format!("the header lacks the column{s} {}", missing.join(", "))));
        };
        let timestamp = position(TIMESTAMP);
        let file = file.to_owned();
        Ok(Self { file, reader, header, device_id, timestamp, chunk_bytes_max, left: None })
    }

    /// Passes over rows.
    ///
    /// # Errors
    /// As [`Self::next_chunk`].
    pub fn skip(&mut self, rows: u64) -> Result<(), RowsError> {
        for _ in 0..rows {
            if self.next_row()?.is_none() {
                break;
            }
        }
        Ok(())
    }

    /// The next rows; `None` after the last ones.
    ///
    /// # Errors
    /// [`RowsError`] for a row that is not as wide as the header, not UTF-8, or too large for any batch. Rows before it
    /// that have not been returned are lost.
    pub fn next_chunk(&mut self) -> Result<Option<Chunk>, RowsError> {
        let mut csv = Writer::from_writer(Vec::new());
        let mut size = size_max(&self.header);
        let header_size = size;
        let mut lines = Vec::new();
        let mut device_ids: Vec<String> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        let mut all_timed = true;
        self.write(&mut csv, &self.header, 1)?;
        while lines.len() < CHUNK_ROWS_MAX {
            let Some((row, line)) = self.next_row()? else { break };
            let device_id = self.device_id_of(&row, line)?;
            size += size_max(&row);
            if size > self.chunk_bytes_max {
                if lines.is_empty() {
                    let most = self.chunk_bytes_max.saturating_sub(header_size);
                    return Err(self.wrong(line, format!("the row is too large; {most} bytes are the most")));
                }
                self.left = Some((row, line));
                break;
            }
            if seen.insert(device_id.clone()) {
                device_ids.push(device_id);
            }
            all_timed &=
                self.timestamp.and_then(|column| row.get(column)).is_some_and(|cell| !cell.is_empty());
            self.write(&mut csv, &row, line)?;
            lines.push(line);
        }
        if lines.is_empty() {
            return Ok(None);
        }
        let csv = csv.into_inner().map_err(|error| self.wrong(0, error.to_string()))?;
        Ok(Some(Chunk {
            content_type: "text/csv",
            body: csv,
            lines,
            place: Place::Line,
            device_ids,
            all_timed,
        }))
    }

    /// The next row, and its line.
    fn next_row(&mut self) -> Result<Option<(ByteRecord, u64)>, RowsError> {
        if let Some(left) = self.left.take() {
            return Ok(Some(left));
        }
        let begin = self.reader.position().byte();
        let mut row = ByteRecord::new();
        let found = self.reader.read_byte_record(&mut row);
        let line = self.reader.get_mut().line_from(begin);
        let found = found.map_err(|error| read_error(&self.file, line, error))?;
        Ok(found.then_some((row, line)))
    }

    /// The device of a row whose cells are all text.
    fn device_id_of(&self, row: &ByteRecord, line: u64) -> Result<String, RowsError> {
        let text = csv::StringRecord::from_byte_record(row.clone())
            .map_err(|_| self.wrong(line, "this is not UTF-8".to_owned()))?;
        Ok(text.get(self.device_id).unwrap_or_default().to_owned())
    }

    fn write(&self, csv: &mut Writer<Vec<u8>>, row: &ByteRecord, line: u64) -> Result<(), RowsError> {
        csv.write_byte_record(row).map_err(|error| self.wrong(line, error.to_string()))
    }

    fn wrong(&self, line: u64, problem: String) -> RowsError {
        RowsError::Line { file: self.file.clone(), line, problem }
    }
}

/// Most bytes the row can take when it is written: every quote doubled, each cell in quotes and followed by one byte.
fn size_max(row: &ByteRecord) -> usize {
    row.iter().map(|cell| 2 * cell.len() + 3).sum()
}

fn read_error(file: &Path, line: u64, error: csv::Error) -> RowsError {
    let problem = match error.into_kind() {
        csv::ErrorKind::Io(error) => return RowsError::Open(file.to_owned(), error),
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("the row has {len} cells where the header has {expected_len}")
        }
        _ => "the row cannot be read".to_owned(),
    };
    RowsError::Line { file: file.to_owned(), line, problem }
}
