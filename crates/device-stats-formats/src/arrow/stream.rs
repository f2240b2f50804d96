//! Arrow IPC streams that others wrote, read batch by batch. `arrow-ipc` believes what a message says of lengths: it allocates
//! as much as is declared, and panics where a part lies outside of its message. So each message is checked here before its
//! readers see it (`layout`), and no more is allocated than has arrived, or than the limit allows.
//!
//! Which columns there have to be is left to others; columns of nested types are not read at all.

use std::collections::HashMap;
use std::io::{self, Read};
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_buffer::Buffer;
use arrow_ipc::convert::try_fb_to_schema;
use arrow_ipc::reader::{RecordBatchDecoder, read_dictionary};
use arrow_ipc::{Endianness, Message, MessageHeader, MetadataVersion, root_as_message};
use arrow_schema::{ArrowError, DataType, Schema, SchemaRef};

/// What every message begins with.
const CONTINUATION: [u8; 4] = [0xff; 4];
/// Longest head of a message, in bytes; a schema may carry notes of the program that wrote it.
const HEAD_BYTES_MAX: usize = 1024 * 1024;
/// What is allocated for the body of a message before any of it has arrived, at most, in bytes.
const BODY_BYTES_AT_FIRST: usize = 1024 * 1024;
/// How many times the limit of bytes may be spent on making dictionaries longer, each time of which copies them.
const DICTIONARY_COPIES_MAX: usize = 16;

/// Why a stream cannot be read, or not further.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// The bytes cannot be read.
    #[error("the stream cannot be read")]
    Unreadable(#[source] io::Error),
    /// It is no stream, or not all of one.
    #[error("{0}")]
    Broken(String),
    /// Decompressed, it is longer than allowed.
    #[error("the columns take more than {bytes_max} bytes")]
    TooLarge {
        /// The limit.
        bytes_max: usize,
    },
}

impl StreamError {
    pub(crate) fn broken(words: impl Into<String>) -> Self {
        Self::Broken(words.into())
    }

    /// What `arrow-ipc` says, which never is of the reading itself.
    fn from_arrow(error: &ArrowError) -> Self {
        Self::Broken(error.to_string())
    }

    fn from_reading(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::broken("the stream is cut off"),
            _ => Self::Unreadable(error),
        }
    }
}

/// A stream whose schema has been read.
pub struct Stream<R> {
    input: R,
    schema: SchemaRef,
    dictionaries: HashMap<i64, ArrayRef>,
    limit: Limit,
    /// Whether the end has been read, which is a message of its own.
    is_at_end: bool,
}

/// How many bytes arrays may take.
#[derive(Debug)]
pub(crate) struct Limit {
    bytes_max: usize,
    taken: usize,
    copied: usize,
}

impl Limit {
    fn new(bytes_max: usize) -> Self {
        Self { bytes_max, taken: 0, copied: 0 }
    }

    pub(crate) fn take(&mut self, bytes: usize) -> Result<(), StreamError> {
        self.taken = self.taken.saturating_add(bytes);
        self.check(self.taken, self.bytes_max)
    }

    /// Bytes of a dictionary that is copied to become longer.
    fn copy(&mut self, bytes: usize) -> Result<(), StreamError> {
        self.copied = self.copied.saturating_add(bytes);
        self.check(self.copied, self.bytes_max.saturating_mul(DICTIONARY_COPIES_MAX))
    }

    fn check(&self, bytes: usize, most: usize) -> Result<(), StreamError> {
        if bytes > most {
            return Err(StreamError::TooLarge { bytes_max: self.bytes_max });
        }
        Ok(())
    }
}

impl<R: Read> Stream<R> {
    /// Reads the schema. All arrays together, decompressed, may take that many bytes.
    ///
    /// # Errors
    /// [`StreamError`].
    pub fn open(mut input: R, bytes_max: usize) -> Result<Self, StreamError> {
        let head = next_head(&mut input)?.ok_or_else(|| StreamError::broken("the stream has no schema"))?;
        let message = message(&head)?;
        let schema = message
            .header_as_schema()
            .ok_or_else(|| StreamError::broken("the stream does not begin with a schema"))?;
        if schema.endianness() != Endianness::Little {
            return Err(StreamError::broken("numbers are big-endian"));
        }
        let schema = try_fb_to_schema(schema).map_err(|error| StreamError::from_arrow(&error))?;
        next_body(&mut input, &message)?;
        let limit = Limit::new(bytes_max);
        let dictionaries = HashMap::new();
        Ok(Self { input, schema: Arc::new(schema), dictionaries, limit, is_at_end: false })
    }

    /// Which columns the stream has.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The next batch; `None` behind the last one, where the stream says that it ends. All columns must be of types that
    /// [`is_read`] knows.
    ///
    /// # Errors
    /// [`StreamError`].
    pub fn next_batch(&mut self) -> Result<Option<RecordBatch>, StreamError> {
        if self.is_at_end {
            return Ok(None);
        }
        while let Some(head) = next_head(&mut self.input)? {
            let message = message(&head)?;
            let body = next_body(&mut self.input, &message)?;
            match message.header_type() {
                MessageHeader::RecordBatch => return self.read_batch(&message, &body).map(Some),
                MessageHeader::DictionaryBatch => self.read_dictionary(&message, &body)?,
                _ => return Err(StreamError::broken("a message is neither a batch nor a dictionary")),
            }
        }
        self.is_at_end = true;
        Ok(None)
    }

    /// Counts the bytes of arrays anew, where batches do not stay.
    pub fn forget_batches(&mut self) {
        self.limit = Limit::new(self.limit.bytes_max);
    }

    /// What lies behind the end of the stream.
    pub fn into_input(self) -> R {
        self.input
    }

    fn read_batch(&mut self, message: &Message<'_>, body: &Buffer) -> Result<RecordBatch, StreamError> {
        let batch =
            message.header_as_record_batch().ok_or_else(|| StreamError::broken("a batch is empty"))?;
        let types: Vec<&DataType> = self.schema.fields().iter().map(|field| field.data_type()).collect();
        super::layout::check(&batch, &types, body, &mut self.limit)?;
        let (schema, version) = (Arc::clone(&self.schema), message.version());
        RecordBatchDecoder::try_new(body, batch, schema, &self.dictionaries, &version)
            .and_then(RecordBatchDecoder::read_record_batch)
            .map_err(|error| StreamError::from_arrow(&error))
    }

    fn read_dictionary(&mut self, message: &Message<'_>, body: &Buffer) -> Result<(), StreamError> {
        let empty = || StreamError::broken("a dictionary is empty");
        let dictionary = message.header_as_dictionary_batch().ok_or_else(empty)?;
        let values = dictionary.data().ok_or_else(empty)?;
        let values_type = values_of(&self.schema, dictionary.id())
            .ok_or_else(|| StreamError::broken("a dictionary is of no column"))?;
        super::layout::check(&values, &[values_type], body, &mut self.limit)?;
        if dictionary.isDelta() {
            let longer = self.dictionaries.get(&dictionary.id()).map_or(0, Array::get_buffer_memory_size);
            self.limit.copy(longer.saturating_add(body.len()))?;
        }
        read_dictionary(body, dictionary, &self.schema, &mut self.dictionaries, &message.version())
            .map_err(|error| StreamError::from_arrow(&error))
    }
}

/// The type of the values of a dictionary.
fn values_of(schema: &Schema, id: i64) -> Option<&DataType> {
    #[expect(deprecated, reason = "the number is going to live elsewhere, but nothing else tells it yet")]
    let field = schema.fields().iter().find(|field| field.dict_id() == Some(id))?;
    match field.data_type() {
        DataType::Dictionary(_, values) => Some(values),
        _ => None,
    }
}

/// The bytes of the next head; `None` at the end of the stream.
fn next_head(input: &mut impl Read) -> Result<Option<Vec<u8>>, StreamError> {
    let mut word = [0; 4];
    input.read_exact(&mut word).map_err(StreamError::from_reading)?;
    if word != CONTINUATION {
        return Err(StreamError::broken("a message does not begin as messages of a stream do"));
    }
    input.read_exact(&mut word).map_err(StreamError::from_reading)?;
    match usize::try_from(i32::from_le_bytes(word)) {
        Ok(0) => Ok(None),
        Ok(length) if length <= HEAD_BYTES_MAX => take(input, length).map(Some),
        _ => Err(StreamError::broken(format!("the head of a message is longer than {HEAD_BYTES_MAX} bytes"))),
    }
}

/// A head whose parts lie inside of it.
fn message(head: &[u8]) -> Result<Message<'_>, StreamError> {
    // The words of the error tell of the inside of flatbuffers.
    let message =
        root_as_message(head).map_err(|_| StreamError::broken("the head of a message is malformed"))?;
    if message.version() < MetadataVersion::V4 {
        return Err(StreamError::broken("the version of a message is older than 4"));
    }
    Ok(message)
}

fn next_body(input: &mut impl Read, message: &Message<'_>) -> Result<Buffer, StreamError> {
    let length = usize::try_from(message.bodyLength());
    let length = length.map_err(|_| StreamError::broken("the body of a message has a negative length"))?;
    take(input, length).map(Buffer::from_vec)
}

/// That many bytes; of what is declared but never arrives, nothing is allocated.
fn take(input: &mut impl Read, length: usize) -> Result<Vec<u8>, StreamError> {
    let mut bytes = Vec::with_capacity(length.min(BODY_BYTES_AT_FIRST));
    let read = input.by_ref().take(length as u64).read_to_end(&mut bytes);
    match read.map_err(StreamError::from_reading)? {
        count if count == length => Ok(bytes),
        _ => Err(StreamError::broken("the stream is cut off")),
    }
}
