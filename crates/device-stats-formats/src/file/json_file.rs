//! A file of JSON objects, one a line or in an array, cut into batches of NDJSON.

use std::collections::HashSet;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::json_splitter::{Cut, Elements};
use super::{CHUNK_ROWS_MAX, Chunk, Place, RowsError};

/// The objects of a file that are still to be sent.
pub struct Objects<R> {
    file: PathBuf,
    elements: Elements<BufReader<R>>,
    /// Most bytes of a chunk.
    chunk_bytes_max: usize,
    /// An object that found no room in the chunk before.
    left: Option<(Vec<u8>, u64)>,
}

/// What has to be known of an object to send it.
#[derive(Default, Deserialize)]
struct Named {
    device_id: Option<String>,
    timestamp: Option<IgnoredAny>,
}

impl<R: Read> Objects<R> {
    /// Those of NDJSON. An object must leave room for the end of its line.
    pub fn lines(file: &Path, input: R, chunk_bytes_max: usize) -> Self {
        let elements = Elements::lines(BufReader::new(input), chunk_bytes_max.saturating_sub(1));
        Self { file: file.to_owned(), elements, chunk_bytes_max, left: None }
    }

    /// Those of an array.
    pub fn array(file: &Path, input: R, chunk_bytes_max: usize) -> Self {
        let elements = Elements::array(BufReader::new(input), chunk_bytes_max.saturating_sub(1));
        Self { file: file.to_owned(), elements, chunk_bytes_max, left: None }
    }

    /// Passes over objects.
    ///
    /// # Errors
    /// As [`Self::next_chunk`].
    pub fn skip(&mut self, objects: u64) -> Result<(), RowsError> {
        for _ in 0..objects {
            if self.next_object()?.is_none() {
                break;
            }
        }
        Ok(())
    }

    /// The next objects; `None` after the last ones. What is no good object is sent, too, for the server to tell.
    ///
    /// # Errors
    /// [`RowsError`] where an object cannot be cut out, is not UTF-8, or too large for any batch. Objects before it that
    /// have not been returned are lost.
    pub fn next_chunk(&mut self) -> Result<Option<Chunk>, RowsError> {
        let mut body = Vec::new();
        let mut lines = Vec::new();
        let mut device_ids = Vec::new();
        let mut seen = HashSet::new();
        let mut all_timed = true;
        while lines.len() < CHUNK_ROWS_MAX {
            let Some((object, line)) = self.next_object()? else { break };
            if body.len() + object.len() >= self.chunk_bytes_max && !lines.is_empty() {
                self.left = Some((object, line));
                break;
            }
            let named: Named = serde_json::from_slice(&object).unwrap_or_default();
            all_timed &= named.timestamp.is_some();
            if let Some(device_id) = named.device_id.filter(|device_id| seen.insert(device_id.clone())) {
                device_ids.push(device_id);
            }
            body.extend_from_slice(&object);
            body.push(b'\n');
            lines.push(line);
        }
        let content_type = "application/x-ndjson";
        let chunk = Chunk { content_type, body, lines, place: Place::Line, device_ids, all_timed };
        Ok((!chunk.lines.is_empty()).then_some(chunk))
    }

    /// The next object on one line, and the line on which it begins.
    fn next_object(&mut self) -> Result<Option<(Vec<u8>, u64)>, RowsError> {
        if let Some(left) = self.left.take() {
            return Ok(Some(left));
        }
        let wrong = |line, problem: &str| RowsError::Line {
            file: self.file.clone(),
            line,
            problem: problem.to_owned(),
        };
        match self.elements.next_element() {
            Ok(Some((object, line))) if std::str::from_utf8(&object).is_err() => {
                Err(wrong(line, "this is not UTF-8"))
            }
            Ok(found) => Ok(found),
            Err(Cut::Wrong { line, problem }) => Err(wrong(line, problem)),
            Err(Cut::Unreadable(error)) => Err(RowsError::Open(self.file.clone(), error)),
        }
    }
}
