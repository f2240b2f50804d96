//! Whether what a batch says of its parts is true of its body: each buffer lies inside, is as long as its column needs, and
//! is no longer than allowed when it is decompressed. What the buffers hold, such as offsets and codes, is checked by
//! `arrow-ipc` itself.

use arrow_ipc::{Buffer as Place, FieldNode, RecordBatch};
use arrow_schema::DataType;

use super::stream::{Limit, StreamError};
use super::text_column::holds_texts;

/// Bytes that say how long a compressed buffer is going to be.
const PREFIX_BYTES: usize = 8;
/// Said of a buffer that has been left as it is, since it would not become shorter.
const NOT_COMPRESSED: i64 = -1;
/// Bytes of a view of a text.
const VIEW_BYTES: usize = 16;

/// Whether columns of that type are read: numbers, times, truth values, texts, dictionaries of texts, and nothing at all.
pub fn is_read(data_type: &DataType) -> bool {
    match data_type {
        DataType::Dictionary(keys, values) => keys.is_dictionary_key_type() && holds_texts(values),
        DataType::Null | DataType::Boolean => true,
        other => holds_texts(other) || other.primitive_width().is_some(),
    }
}

/// Checks the parts of a batch with columns of those types.
///
/// # Errors
/// [`StreamError::Broken`], [`StreamError::TooLarge`].
pub fn check(
    batch: &RecordBatch<'_>,
    types: &[&DataType],
    body: &[u8],
    limit: &mut Limit,
) -> Result<(), StreamError> {
    let rows =
        usize::try_from(batch.length()).map_err(|_| StreamError::broken("a batch has a negative length"))?;
    let (Some(nodes), Some(places)) = (batch.nodes(), batch.buffers()) else {
        return Err(StreamError::broken("a batch has no columns"));
    };
    let mut nodes = nodes.iter();
    let is_compressed = batch.compression().is_some();
    let mut buffers = Buffers { places: places.iter(), body, is_compressed, limit, bytes: 0 };
    let mut views = batch.variadicBufferCounts().into_iter().flatten();
    for data_type in types {
        let node = nodes.next().ok_or_else(|| StreamError::broken("a batch lacks a column"))?;
        let nulls = check_node(node, rows)?;
        if **data_type == DataType::Null {
            continue;
        }
        buffers.next(if nulls > 0 { rows.div_ceil(8) } else { 0 }, 1)?;
        match data_type {
            DataType::Boolean => buffers.next(rows.div_ceil(8), 1)?,
            DataType::Utf8 | DataType::LargeUtf8 => {
                let offset_bytes = if **data_type == DataType::Utf8 { 4 } else { 8 };
                // Of no texts, there may be no offset at all.
                let offsets = if rows == 0 { 0 } else { rows.saturating_add(1) };
                buffers.next(offsets, offset_bytes)?;
                buffers.next(0, 1)?;
            }
            DataType::Utf8View => {
                buffers.next(rows, VIEW_BYTES)?;
                for _ in 0..views.next().unwrap_or_default() {
                    buffers.next(0, 1)?;
                }
            }
            DataType::Dictionary(keys, _) => buffers.next(rows, width(keys)?)?,
            other => buffers.next(rows, width(other)?)?,
        }
    }
    // Columns that hold nothing could have any number of rows.
    if rows > buffers.bytes { Err(StreamError::broken("a batch has fewer values than rows")) } else { Ok(()) }
}

/// Bytes of a value of that type.
fn width(data_type: &DataType) -> Result<usize, StreamError> {
    data_type
        .primitive_width()
        .ok_or_else(|| StreamError::broken(format!("columns of the type {data_type} are not read")))
}

/// How many nulls a column has.
fn check_node(node: &FieldNode, rows: usize) -> Result<usize, StreamError> {
    let (length, nulls) = (usize::try_from(node.length()), usize::try_from(node.null_count()));
    match (length, nulls) {
        (Ok(length), Ok(nulls)) if length == rows && nulls <= rows => Ok(nulls),
        _ => Err(StreamError::broken("a column is not as long as its batch")),
    }
}

/// The buffers of a batch that have not been looked at.
struct Buffers<'a, I> {
    places: I,
    body: &'a [u8],
    is_compressed: bool,
    limit: &'a mut Limit,
    /// Bytes of those that have.
    bytes: usize,
}

impl<'a, I: Iterator<Item = &'a Place>> Buffers<'_, I> {
    /// Looks at the next one, which must have at least that many values of so many bytes, and no part of one: `arrow-ipc`
    /// panics at that.
    fn next(&mut self, values: usize, value_bytes: usize) -> Result<(), StreamError> {
        let place = self.places.next().ok_or_else(|| StreamError::broken("a batch lacks a buffer"))?;
        let outside = || StreamError::broken("a buffer lies outside of its batch");
        let begin = usize::try_from(place.offset()).map_err(|_| outside())?;
        let length = usize::try_from(place.length()).map_err(|_| outside())?;
        let end = begin.checked_add(length).ok_or_else(outside)?;
        let bytes = self.body.get(begin..end).ok_or_else(outside)?;
        let length = if self.is_compressed { decompressed_length(bytes)? } else { bytes.len() };
        if length < values.saturating_mul(value_bytes) || length % value_bytes.max(1) != 0 {
            return Err(StreamError::broken("a buffer is too short for its column, or cut"));
        }
        self.bytes = self.bytes.saturating_add(length);
        self.limit.take(length)
    }
}

fn decompressed_length(bytes: &[u8]) -> Result<usize, StreamError> {
    if bytes.is_empty() {
        return Ok(0);
    }
    let wrong = || StreamError::broken("a compressed buffer does not say how long it is");
    let (prefix, rest) = bytes.split_first_chunk::<PREFIX_BYTES>().ok_or_else(wrong)?;
    match i64::from_le_bytes(*prefix) {
        NOT_COMPRESSED => Ok(rest.len()),
        length => usize::try_from(length).map_err(|_| wrong()),
    }
}
