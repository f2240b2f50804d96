//! Reads an Arrow IPC stream of another program batch by batch.
//!
//! `arrow-ipc` trusts the lengths in a message: it allocates as many bytes as a length declares, and panics
//! if a buffer lies outside of its message. Therefore `layout` checks each message before `arrow-ipc` reads
//! it. Memory is allocated for bytes that have arrived, and for arrays within the limit. Nested types are not
//! read.

use std::collections::HashMap;
use std::io::{self, Read};
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_buffer::Buffer;
use arrow_ipc::convert::try_fb_to_schema;
use arrow_ipc::reader::{RecordBatchDecoder, read_dictionary};
use arrow_ipc::{Endianness, Message, MessageHeader, MetadataVersion, root_as_message_with_opts};
use arrow_schema::{DataType, Schema, SchemaRef};
use flatbuffers::VerifierOptions;

use super::layout;
use super::memory_limit::ArrayMemoryLimit;
use super::stream_error::ArrowStreamError;

/// First bytes of each message.
pub(crate) const CONTINUATION: [u8; 4] = [0xff; 4];
/// Maximum size of the head of a message, in bytes. A schema may contain metadata of the program that wrote
/// it.
const HEAD_BYTES_MAX: usize = 1024 * 1024;
/// Limits on the parts of a head. Parts may share bytes, so a short head may describe many long parts.
const HEAD_OPTIONS: VerifierOptions = VerifierOptions {
    max_depth: 64,
    max_tables: 64 * 1024,
    max_apparent_size: 4 * HEAD_BYTES_MAX,
    ignore_missing_null_terminator: false,
};
/// Maximum allocation for the body of a message before any of it has arrived, in bytes.
const BODY_BYTES_INITIAL: usize = 1024 * 1024;

/// A stream whose schema has been read.
pub(crate) struct ArrowStream<R> {
    input: R,
    schema: SchemaRef,
    dictionaries: HashMap<i64, ArrayRef>,
    limit: ArrayMemoryLimit,
    /// Whether the mark that ends the stream has been read.
    is_at_end: bool,
}

impl<R: Read> ArrowStream<R> {
    /// Reads the schema. All arrays together may take `bytes_max` bytes after decompression.
    ///
    /// # Errors
    /// [`ArrowStreamError`].
    pub(crate) fn open(mut input: R, bytes_max: usize) -> Result<Self, ArrowStreamError> {
        let head =
            next_head(&mut input)?.ok_or_else(|| ArrowStreamError::broken("the stream has no schema"))?;
        let message = message(&head)?;
        let schema = message
            .header_as_schema()
            .ok_or_else(|| ArrowStreamError::broken("the stream does not begin with a schema"))?;
        if schema.endianness() != Endianness::Little {
            return Err(ArrowStreamError::broken("numbers are big-endian"));
        }
        let schema = try_fb_to_schema(schema)?;
        next_body(&mut input, &message)?;
        Ok(Self::with_schema(input, schema, bytes_max))
    }

    /// Creates a stream whose schema is known, and whose input begins after the schema.
    pub(crate) fn with_schema(input: R, schema: Schema, bytes_max: usize) -> Self {
        let limit = ArrayMemoryLimit::new(bytes_max);
        let dictionaries = HashMap::new();
        Self { input, schema: Arc::new(schema), dictionaries, limit, is_at_end: false }
    }

    /// Returns the columns of the stream.
    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Returns the next batch; `None` at the mark that ends the stream.
    ///
    /// # Errors
    /// [`ArrowStreamError`].
    pub(crate) fn next_batch(&mut self) -> Result<Option<RecordBatch>, ArrowStreamError> {
        if self.is_at_end {
            return Ok(None);
        }
        while let Some(head) = next_head(&mut self.input)? {
            let message = message(&head)?;
            let body = next_body(&mut self.input, &message)?;
            match message.header_type() {
                MessageHeader::RecordBatch => return self.read_batch(&message, &body).map(Some),
                MessageHeader::DictionaryBatch => self.read_dictionary(&message, &body)?,
                _ => return Err(ArrowStreamError::broken("a message is neither a batch nor a dictionary")),
            }
        }
        self.is_at_end = true;
        Ok(None)
    }

    /// Reads the input after the end of the stream, and drops it. Then a decoder checks its last checksum.
    ///
    /// # Errors
    /// If the input cannot be read.
    pub(crate) fn read_rest(&mut self) -> io::Result<()> {
        io::copy(&mut self.input, &mut io::sink()).map(drop)
    }

    /// Resets the count of bytes, for a caller that does not keep earlier batches.
    pub(crate) fn reset_limit(&mut self) {
        self.limit.reset();
    }

    /// Returns the input after the end of the stream.
    pub(crate) fn into_input(self) -> R {
        self.input
    }

    fn read_batch(&mut self, message: &Message<'_>, body: &Buffer) -> Result<RecordBatch, ArrowStreamError> {
        let batch =
            message.header_as_record_batch().ok_or_else(|| ArrowStreamError::broken("a batch is empty"))?;
        let types: Vec<&DataType> = self.schema.fields().iter().map(|field| field.data_type()).collect();
        layout::check(&batch, &types, body, &mut self.limit)?;
        let (schema, version) = (Arc::clone(&self.schema), message.version());
        let decoder = RecordBatchDecoder::try_new(body, batch, schema, &self.dictionaries, &version)?;
        Ok(decoder.read_record_batch()?)
    }

    fn read_dictionary(&mut self, message: &Message<'_>, body: &Buffer) -> Result<(), ArrowStreamError> {
        let empty = || ArrowStreamError::broken("a dictionary is empty");
        let dictionary = message.header_as_dictionary_batch().ok_or_else(empty)?;
        let values = dictionary.data().ok_or_else(empty)?;
        let values_type = dictionary_values(&self.schema, dictionary.id())
            .ok_or_else(|| ArrowStreamError::broken("a dictionary belongs to no column"))?;
        layout::check(&values, &[values_type], body, &mut self.limit)?;
        if dictionary.isDelta() {
            let longer = self.dictionaries.get(&dictionary.id()).map_or(0, Array::get_buffer_memory_size);
            self.limit.copy(longer.saturating_add(body.len()))?;
        }
        let version = message.version();
        read_dictionary(body, dictionary, &self.schema, &mut self.dictionaries, &version)?;
        Ok(())
    }
}

/// Returns the type of the values of a dictionary.
fn dictionary_values(schema: &Schema, id: i64) -> Option<&DataType> {
    #[expect(deprecated, reason = "the id will move elsewhere, but no other item has it yet")]
    let field = schema.fields().iter().find(|field| field.dict_id() == Some(id))?;
    match field.data_type() {
        DataType::Dictionary(_, values) => Some(values),
        _ => None,
    }
}

/// Reads the head of the next message; `None` at the mark that ends the stream.
fn next_head(input: &mut impl Read) -> Result<Option<Vec<u8>>, ArrowStreamError> {
    let mut word = [0; 4];
    input.read_exact(&mut word)?;
    if word != CONTINUATION {
        return Err(ArrowStreamError::broken("a message does not begin with the continuation marker"));
    }
    input.read_exact(&mut word)?;
    match usize::try_from(i32::from_le_bytes(word)) {
        Ok(0) => Ok(None),
        Ok(length) if length <= HEAD_BYTES_MAX => take(input, length).map(Some),
        _ => Err(ArrowStreamError::broken(format!(
            "the head of a message is longer than {HEAD_BYTES_MAX} bytes"
        ))),
    }
}

/// Parses a head, and checks that its parts lie inside of it.
fn message(head: &[u8]) -> Result<Message<'_>, ArrowStreamError> {
    // The text of the error is left out: it describes internals of flatbuffers.
    let message = root_as_message_with_opts(&HEAD_OPTIONS, head)
        .map_err(|_| ArrowStreamError::broken("the head of a message is malformed"))?;
    if message.version() < MetadataVersion::V4 {
        return Err(ArrowStreamError::broken("the version of a message is older than 4"));
    }
    Ok(message)
}

fn next_body(input: &mut impl Read, message: &Message<'_>) -> Result<Buffer, ArrowStreamError> {
    let length = usize::try_from(message.bodyLength());
    let length =
        length.map_err(|_| ArrowStreamError::broken("the body of a message has a negative length"))?;
    take(input, length).map(Buffer::from_vec)
}

/// Reads this number of bytes. Declared bytes that never arrive are not allocated.
fn take(input: &mut impl Read, length: usize) -> Result<Vec<u8>, ArrowStreamError> {
    let mut bytes = Vec::with_capacity(length.min(BODY_BYTES_INITIAL));
    match input.by_ref().take(length as u64).read_to_end(&mut bytes)? {
        count if count == length => Ok(bytes),
        _ => Err(ArrowStreamError::broken("the stream is cut off")),
    }
}
