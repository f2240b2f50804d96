//! The messages of an Arrow file, found by its table of contents. The bytes before them need not be a stream:
//! polars writes a schema only into the table of contents.

use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom};

use arrow_ipc::convert::try_fb_to_schema;
use arrow_ipc::{Block, Endianness, root_as_footer};
use arrow_schema::Schema;

use super::stream_error::ArrowStreamError;

/// First and last bytes of an Arrow file.
pub(crate) const FILE_MAGIC: [u8; 6] = *b"ARROW1";
/// Size of the end of a file: the size of the table of contents, and the magic.
const END_BYTES: usize = 10;
/// Maximum size of the table of contents, in bytes.
const FOOTER_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Mark that ends a stream.
const END_OF_STREAM: [u8; 8] = [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0];

/// Reads the messages of an Arrow file as a stream without a schema.
pub(crate) struct FileBlocks {
    file: File,
    /// Positions and sizes of the messages that have not been read, the last one first.
    blocks: Vec<(u64, u64)>,
    /// Number of bytes of the current message that have not been read.
    left: u64,
    end: Cursor<[u8; 8]>,
}

impl FileBlocks {
    /// Reads the table of contents.
    ///
    /// # Errors
    /// [`ArrowStreamError`] if the file is not a complete Arrow file.
    pub(crate) fn open(mut file: File) -> Result<(Self, Schema), ArrowStreamError> {
        let cut = || ArrowStreamError::broken("the file is cut off: its footer is missing");
        let length = file.seek(SeekFrom::End(0))?;
        let end_at = length.checked_sub(END_BYTES as u64).ok_or_else(cut)?;
        file.seek(SeekFrom::Start(end_at))?;
        let mut end = [0; END_BYTES];
        file.read_exact(&mut end)?;
        let (size, magic) = end.split_first_chunk::<4>().ok_or_else(cut)?;
        let size = usize::try_from(i32::from_le_bytes(*size)).ok().filter(|size| *size <= FOOTER_BYTES_MAX);
        let size = size.filter(|_| magic == FILE_MAGIC).ok_or_else(cut)?;
        file.seek(SeekFrom::Start(end_at.checked_sub(size as u64).ok_or_else(cut)?))?;
        let mut footer = vec![0; size];
        file.read_exact(&mut footer)?;
        // The text of the error is omitted, because it describes internals of flatbuffers.
        let footer = root_as_footer(&footer)
            .map_err(|_| ArrowStreamError::broken("the table of contents is malformed"))?;
        let schema = footer.schema().ok_or_else(|| ArrowStreamError::broken("the file has no schema"))?;
        if schema.endianness() != Endianness::Little {
            return Err(ArrowStreamError::broken("numbers are big-endian"));
        }
        let schema = try_fb_to_schema(schema)?;
        let blocks =
            footer.dictionaries().into_iter().flatten().chain(footer.recordBatches().into_iter().flatten());
        let mut blocks: Vec<(u64, u64)> = blocks.map(range).collect::<Option<_>>().ok_or_else(cut)?;
        blocks.reverse();
        Ok((Self { file, blocks, left: 0, end: Cursor::new(END_OF_STREAM) }, schema))
    }
}

/// Returns the position and the size of a message.
fn range(block: &Block) -> Option<(u64, u64)> {
    let (head, body) = (u64::try_from(block.metaDataLength()).ok()?, u64::try_from(block.bodyLength()).ok()?);
    Some((u64::try_from(block.offset()).ok()?, head.checked_add(body)?))
}

impl Read for FileBlocks {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.left == 0 {
            let Some((position, size)) = self.blocks.pop() else { return self.end.read(buffer) };
            self.file.seek(SeekFrom::Start(position))?;
            self.left = size;
        }
        let count = self.file.by_ref().take(self.left).read(buffer)?;
        if count == 0 && !buffer.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= count as u64;
        Ok(count)
    }
}
