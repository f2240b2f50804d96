//! A file of JSON objects, one on each line or in an array, cut into batches of NDJSON.

use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::batch_builder::BatchBuilder;
use super::file_batch::{FileBatch, TimedRows};
use super::file_error::FileError;
use super::file_rows::FileRows;
use super::json_splitter::{JsonLayout, JsonSplitter, SplitError};

/// A file of JSON objects.
pub(super) struct JsonFile<R> {
    file: PathBuf,
    splitter: JsonSplitter<BufReader<R>>,
    batch_bytes_max: usize,
    /// Object that did not fit into the last batch, and its line.
    pending: Option<(Vec<u8>, u64)>,
}

/// The members of an object that are needed to send it.
#[derive(Deserialize)]
struct ObjectMembers {
    device_id: Option<String>,
    timestamp: Option<IgnoredAny>,
}

impl<R: Read> JsonFile<R> {
    /// Creates a reader of a text without a byte order mark.
    pub(super) fn new(file: &Path, input: R, layout: JsonLayout, batch_bytes_max: usize) -> Self {
        // An object needs one more byte for the end of its line.
        let object_bytes_max = batch_bytes_max.saturating_sub(1);
        let splitter = JsonSplitter::new(BufReader::new(input), layout, object_bytes_max);
        Self { file: file.to_owned(), splitter, batch_bytes_max, pending: None }
    }

    /// Returns the next object without line breaks, and the line of the file on which it begins.
    fn next_object(&mut self) -> Result<Option<(Vec<u8>, u64)>, FileError> {
        if let Some(pending) = self.pending.take() {
            return Ok(Some(pending));
        }
        let error = |line, problem: &str| FileError::Line {
            file: self.file.clone(),
            line,
            problem: problem.to_owned(),
        };
        match self.splitter.next_element() {
            Ok(Some((object, line))) if std::str::from_utf8(&object).is_err() => {
                Err(error(line, "the row is not UTF-8"))
            }
            Ok(found) => Ok(found),
            Err(SplitError::Invalid { line, problem }) => Err(error(line, problem)),
            Err(SplitError::Unreadable(error)) => Err(FileError::Unreadable(self.file.clone(), error)),
        }
    }
}

impl<R: Read> FileRows for JsonFile<R> {
    fn skip_some(&mut self, _: u64, timed_rows: &mut TimedRows) -> Result<u64, FileError> {
        let Some((object, line)) = self.next_object()? else { return Ok(0) };
        if let Ok(members) = serde_json::from_slice::<ObjectMembers>(&object) {
            timed_rows.note(line, members.timestamp.is_some());
        }
        Ok(1)
    }

    /// Invalid objects are passed on, too: the server describes their faults.
    ///
    /// # Errors
    /// [`FileError`] if the end of an object cannot be found, or it is not UTF-8, or too large for any batch.
    fn next_batch(&mut self) -> Result<Option<FileBatch>, FileError> {
        let mut body = Vec::new();
        let mut batch = BatchBuilder::new();
        while !batch.is_full() {
            let Some((object, line)) = self.next_object()? else { break };
            if body.len() + object.len() >= self.batch_bytes_max && !batch.is_empty() {
                self.pending = Some((object, line));
                break;
            }
            let members: Option<ObjectMembers> = serde_json::from_slice(&object).ok();
            let device_id = members.as_ref().and_then(|members| members.device_id.as_deref());
            batch.add(line, device_id, members.as_ref().map(|members| members.timestamp.is_some()));
            body.extend_from_slice(&object);
            body.push(b'\n');
        }
        Ok(batch.finish("application/x-ndjson", body))
    }
}
