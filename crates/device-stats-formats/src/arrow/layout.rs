//! Checks that the body of a message matches its head: each buffer lies inside of the body, is long enough
//! for its column, and is not longer than allowed after decompression. `arrow-ipc` itself checks the contents
//! of the buffers, such as offsets and dictionary keys.

use arrow_ipc::{Buffer as BufferRange, FieldNode, RecordBatch};
use arrow_schema::DataType;

use super::memory_limit::ArrayMemoryLimit;
use super::stream_error::ArrowStreamError;

/// Size of the prefix of a compressed buffer, in bytes. The prefix states the decompressed length.
const PREFIX_BYTES: usize = 8;
/// Prefix of a buffer that is not compressed, because compression would not make it shorter.
const NOT_COMPRESSED: i64 = -1;
/// Size of the view of a text, in bytes.
const VIEW_BYTES: usize = 16;

/// Checks a batch whose columns have these types.
///
/// # Errors
/// [`ArrowStreamError::Broken`], [`ArrowStreamError::TooLarge`].
pub(super) fn check(
    batch: &RecordBatch<'_>,
    types: &[&DataType],
    body: &[u8],
    limit: &mut ArrayMemoryLimit,
) -> Result<(), ArrowStreamError> {
    let rows = usize::try_from(batch.length())
        .map_err(|_| ArrowStreamError::broken("a batch has a negative length"))?;
    let (Some(nodes), Some(ranges)) = (batch.nodes(), batch.buffers()) else {
        return Err(ArrowStreamError::broken("a batch has no columns"));
    };
    let mut nodes = nodes.iter();
    let is_compressed = batch.compression().is_some();
    let mut buffers = Buffers { ranges: ranges.iter(), body, is_compressed, limit, bytes: 0 };
    let mut views = batch.variadicBufferCounts().into_iter().flatten();
    for data_type in types {
        let node = nodes.next().ok_or_else(|| ArrowStreamError::broken("a batch lacks a column"))?;
        let nulls = check_node(node, rows)?;
        if **data_type == DataType::Null {
            continue;
        }
        buffers.next(if nulls > 0 { rows.div_ceil(8) } else { 0 }, 1)?;
        match data_type {
            DataType::Boolean => buffers.next(rows.div_ceil(8), 1)?,
            DataType::Utf8 | DataType::LargeUtf8 => {
                let offset_bytes = if **data_type == DataType::Utf8 { 4 } else { 8 };
                // Without rows, the offsets may be missing.
                let offsets = if rows == 0 { 0 } else { rows.saturating_add(1) };
                buffers.next(offsets, offset_bytes)?;
                buffers.next(0, 1)?;
            }
            DataType::Utf8View => {
                buffers.next(rows, VIEW_BYTES)?;
                let counts = views.next();
                for _ in 0..counts
                    .ok_or_else(|| ArrowStreamError::broken("a batch lacks the number of its buffers"))?
                {
                    buffers.next(0, 1)?;
                }
            }
            DataType::Dictionary(keys, _) => buffers.next(rows, width(keys)?)?,
            other => buffers.next(rows, width(other)?)?,
        }
    }
    // Without this check, a few bytes could declare any number of rows.
    if rows > buffers.bytes {
        Err(ArrowStreamError::broken("a batch has fewer values than rows"))
    } else {
        Ok(())
    }
}

/// Returns the size of a value of this type, in bytes.
fn width(data_type: &DataType) -> Result<usize, ArrowStreamError> {
    data_type
        .primitive_width()
        .ok_or_else(|| ArrowStreamError::broken(format!("columns of the type {data_type} are not read")))
}

/// Checks the length of a column, and returns its number of nulls.
fn check_node(node: &FieldNode, rows: usize) -> Result<usize, ArrowStreamError> {
    let (length, nulls) = (usize::try_from(node.length()), usize::try_from(node.null_count()));
    match (length, nulls) {
        (Ok(length), Ok(nulls)) if length == rows && nulls <= rows => Ok(nulls),
        _ => Err(ArrowStreamError::broken("a column is not as long as its batch")),
    }
}

/// The buffers of a batch that have not been checked.
struct Buffers<'a, I> {
    ranges: I,
    body: &'a [u8],
    is_compressed: bool,
    limit: &'a mut ArrayMemoryLimit,
    /// Size of the checked buffers after decompression, in bytes.
    bytes: usize,
}

impl<'a, I: Iterator<Item = &'a BufferRange>> Buffers<'_, I> {
    /// Checks the next buffer. It must hold at least this number of values of this size. It must not end
    /// inside a value, which would make `arrow-ipc` panic.
    fn next(&mut self, values: usize, value_bytes: usize) -> Result<(), ArrowStreamError> {
        let range = self.ranges.next().ok_or_else(|| ArrowStreamError::broken("a batch lacks a buffer"))?;
        let outside = || ArrowStreamError::broken("a buffer lies outside of its batch");
        let begin = usize::try_from(range.offset()).map_err(|_| outside())?;
        let length = usize::try_from(range.length()).map_err(|_| outside())?;
        let end = begin.checked_add(length).ok_or_else(outside)?;
        let bytes = self.body.get(begin..end).ok_or_else(outside)?;
        let length = if self.is_compressed { decompressed_length(bytes)? } else { bytes.len() };
        if length < values.saturating_mul(value_bytes) || length % value_bytes.max(1) != 0 {
            return Err(ArrowStreamError::broken("a buffer is too short for its column, or cut"));
        }
        self.bytes = self.bytes.saturating_add(length);
        self.limit.take(length)
    }
}

fn decompressed_length(bytes: &[u8]) -> Result<usize, ArrowStreamError> {
    if bytes.is_empty() {
        return Ok(0);
    }
    let wrong = || ArrowStreamError::broken("a compressed buffer lacks its decompressed length");
    let (prefix, rest) = bytes.split_first_chunk::<PREFIX_BYTES>().ok_or_else(wrong)?;
    match i64::from_le_bytes(*prefix) {
        NOT_COMPRESSED => Ok(rest.len()),
        length => usize::try_from(length).map_err(|_| wrong()),
    }
}
