//! Decoder of zstd (RFC 8878). The window that a frame needs is known from its header, and its memory is
//! reserved before the frame is decoded.

use std::io::{self, Write};

use device_stats_formats::BodyReceiver;
use zstd::zstd_safe::{DCtx, DParameter, InBuffer, OutBuffer, get_error_name};

use super::bounded::Bounded;
use crate::errors::ApiError;
use crate::limits::ZSTD_WINDOW_LOG_MAX;

/// Memory of a decoder without its buffers, in bytes.
const TABLES_BYTES: usize = 192 * 1024;
/// Maximum size of a block, in bytes. A decoder has a buffer for one more block, and space for two after its
/// window.
const BLOCK_BYTES_MAX: usize = 128 * 1024;
/// Size of the buffer for decompressed bytes, in bytes.
const OUTPUT_BYTES: usize = 32 * 1024;
/// First bytes of a frame, little-endian.
const MAGIC: u32 = 0xfd2f_b528;

/// Decoder of a sequence of frames.
#[derive(Default)]
pub(super) struct ZstdDecoder {
    /// Created for the first frame.
    context: Option<DCtx<'static>>,
    output: Vec<u8>,
    /// Beginning of the next frame, until it states its window.
    header: Vec<u8>,
    is_in_frame: bool,
}

impl ZstdDecoder {
    /// Decodes the next bytes.
    ///
    /// # Errors
    /// The bytes are not valid, or the window is above the limit. The errors of the receiver.
    pub(super) fn write<T: BodyReceiver>(
        &mut self,
        mut bytes: &[u8],
        receiver: &mut Bounded<T>,
    ) -> io::Result<()> {
        while let Some((first, rest)) = bytes.split_first() {
            if self.is_in_frame {
                bytes = self.decode(bytes, receiver)?;
                continue;
            }
            self.header.push(*first);
            bytes = rest;
            if let Some(window_bytes) = window_bytes(&self.header) {
                receiver.reserve_decoder(frame_memory(window_bytes)).map_err(io::Error::other)?;
                self.is_in_frame = true;
                let header = std::mem::take(&mut self.header);
                self.decode(&header, receiver)?;
            }
        }
        Ok(())
    }

    /// Checks that there was a frame, and that the last one is complete.
    ///
    /// # Errors
    /// There was no frame, or the last one is not complete.
    pub(super) fn finish(&self) -> io::Result<()> {
        if self.is_in_frame || !self.header.is_empty() || self.context.is_none() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }

    /// Decodes bytes of the current frame. Returns the bytes after the frame.
    fn decode<'b, T: BodyReceiver>(
        &mut self,
        bytes: &'b [u8],
        receiver: &mut Bounded<T>,
    ) -> io::Result<&'b [u8]> {
        let mut context = match self.context.take() {
            Some(context) => context,
            None => new_context()?,
        };
        // `reserve` counts from the length.
        self.output.clear();
        self.output.reserve(OUTPUT_BYTES);
        let mut input = InBuffer::around(bytes);
        loop {
            self.output.clear();
            let mut output = OutBuffer::around(&mut self.output);
            let step = context.decompress_stream(&mut output, &mut input);
            let is_full = output.pos() == output.capacity();
            let hint = step.map_err(to_error)?;
            receiver.write_all(&self.output)?;
            self.is_in_frame = hint > 0;
            if hint == 0 || (input.pos() == bytes.len() && !is_full) {
                self.context = Some(context);
                return Ok(bytes.split_at(input.pos()).1);
            }
        }
    }

    /// Memory of the decoder, in bytes.
    #[cfg(test)]
    fn held_bytes(&self) -> usize {
        self.context.as_ref().map_or(0, DCtx::sizeof) + self.output.capacity()
    }
}

/// Returns the memory of a decoder of frames with this window, in bytes.
fn frame_memory(window_bytes: usize) -> usize {
    // The decoder refuses a window above the limit.
    let window_bytes = window_bytes.clamp(1024, 1 << ZSTD_WINDOW_LOG_MAX);
    TABLES_BYTES + OUTPUT_BYTES + 3 * window_bytes.min(BLOCK_BYTES_MAX) + window_bytes
}

fn new_context() -> io::Result<DCtx<'static>> {
    let mut context = DCtx::try_create()
        .ok_or_else(|| io::Error::other(ApiError::NoDecoder(io::ErrorKind::OutOfMemory.into())))?;
    context.set_parameter(DParameter::WindowLogMax(ZSTD_WINDOW_LOG_MAX)).map_err(to_error)?;
    Ok(context)
}

fn to_error(code: usize) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, get_error_name(code))
}

/// Returns the size of the window of a frame; `None` if its beginning is not long enough to state it. Bytes
/// that are no frame of data have no window.
fn window_bytes(header: &[u8]) -> Option<usize> {
    let (magic, rest) = header.split_first_chunk::<4>()?;
    if u32::from_le_bytes(*magic) != MAGIC {
        return Some(0);
    }
    let (descriptor, rest) = rest.split_first()?;
    if descriptor & 0x20 == 0 {
        let window = rest.first()?;
        let base = 1_usize << (10 + (window >> 3));
        return Some(base + base / 8 * usize::from(window & 7));
    }
    // Without a window of its own, the frame needs its content.
    let dictionary_bytes = [0, 1, 2, 4].get(usize::from(descriptor & 3)).copied()?;
    let rest = rest.get(dictionary_bytes..)?;
    Some(match descriptor >> 6 {
        0 => usize::from(*rest.first()?),
        1 => 256 + usize::from(u16::from_le_bytes(*rest.first_chunk()?)),
        2 => usize::try_from(u32::from_le_bytes(*rest.first_chunk()?)).unwrap_or(usize::MAX),
        _ => usize::try_from(u64::from_le_bytes(*rest.first_chunk()?)).unwrap_or(usize::MAX),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use device_stats_service::{Service, ServiceSettings};
    use device_stats_sqlite::SqliteStore;
    use zstd::stream::raw::CParameter;
    use zstd::stream::write::Encoder;

    use super::*;

    /// Compresses as a stream: the frame does not state its size, so the decoder needs the whole window.
    fn stream(bytes: &[u8], window_log: u32) -> Vec<u8> {
        let mut encoder = Encoder::new(Vec::new(), 1).unwrap();
        encoder.set_parameter(CParameter::WindowLog(window_log)).unwrap();
        encoder.write_all(bytes).unwrap();
        encoder.flush().unwrap();
        encoder.finish().unwrap()
    }

    /// Decodes a body in pieces of this size. Returns the content, and the memory of the decoder and of the
    /// permit.
    fn decode(body: &[u8], piece: usize) -> (Vec<u8>, usize, usize) {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("test.db"), true).unwrap();
        let service = Service::new(Arc::new(store), ServiceSettings::default()).unwrap();
        let mut bounded = Bounded::new(Vec::new(), usize::MAX, service.body_permit());
        let mut decoder = ZstdDecoder::default();
        for bytes in body.chunks(piece) {
            decoder.write(bytes, &mut bounded).unwrap();
        }
        decoder.finish().unwrap();
        let (content, permit) = bounded.into_parts();
        (content, decoder.held_bytes(), permit.reserved_bytes())
    }

    #[test]
    fn the_memory_of_a_decoder_is_not_larger_than_reserved() {
        let content = [vec![b'a'; 300_000], (0..=255).cycle().take(3_000_000).collect()].concat();
        for window_log in [10, 15, 17, 18, 20, ZSTD_WINDOW_LOG_MAX] {
            let body = stream(&content, window_log);
            let (decoded, held, reserved) = decode(&body, 20_000);
            assert!(decoded == content);
            assert!(reserved >= held + decoded.len(), "{window_log}: {held} of {reserved}");
            let memory = frame_memory(window_bytes(&body[..6]).unwrap());
            assert!(held <= memory && memory < held + 256 * 1024, "{window_log}: {held} of {memory}");
        }
    }

    /// The buffer for decompressed bytes doubled after each piece that had almost filled it.
    #[test]
    fn pieces_of_any_size_need_the_same_memory() {
        // Each byte of such content takes a byte, so a piece of the body gives as many bytes.
        let mut number = 1_u32;
        let noise = std::iter::repeat_with(|| {
            number = number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            number.to_be_bytes()[0]
        });
        let body = stream(&noise.take(1_000_000).collect::<Vec<_>>(), 17);
        let memory = frame_memory(1 << 17);
        for piece in [1_000, 32_767, 65_535, 98_303, 131_071, 262_143] {
            let held = decode(&body, piece).1;
            assert!(held <= memory, "pieces of {piece} bytes: {held} of {memory}");
        }
    }

    #[test]
    fn frames_may_be_cut_anywhere() {
        let skipped = [&0x184d_2a50_u32.to_le_bytes()[..], &4_u32.to_le_bytes(), b"skip"].concat();
        let small = zstd::bulk::compress(b"a", 1).unwrap();
        let sized: Vec<u8> =
            [300, 70_000].iter().flat_map(|size| zstd::bulk::compress(&vec![7; *size], 1).unwrap()).collect();
        let body = [skipped.clone(), small, stream(b"bc", 20), sized, skipped].concat();
        let whole = decode(&body, body.len()).0;
        assert_eq!(whole.len(), 3 + 70_300);
        for piece in 1..20 {
            assert!(decode(&body, piece).0 == whole, "{piece}");
        }
    }

    #[test]
    fn the_header_of_a_frame_states_its_window() {
        for (size, level) in [(1, 1), (255, 1), (256, 3), (65_791, 3), (65_792, 3), (500_000, 19)] {
            let frame = zstd::bulk::compress(&vec![1; size], level).unwrap();
            // The longest beginning without the size of the content has 13 bytes, with it 17.
            assert_eq!(window_bytes(&frame[..17.min(frame.len()) - 1]), Some(size));
        }
        // Only the last byte of this beginning completes the size: 8 MiB, with the id 0 of no dictionary.
        let longest = [0x28, 0xb5, 0x2f, 0xfd, 0xe3, 0, 0, 0, 0, 0, 0, 0x80, 0, 0, 0, 0, 0];
        assert_eq!(window_bytes(&longest[..16]), None);
        assert_eq!(window_bytes(&longest), Some(8 << 20));
        for window_log in [10, 17, 23, 24, 27] {
            let frame = stream(&[1; 100], window_log);
            assert_eq!(window_bytes(&frame[..5]), None);
            assert_eq!(window_bytes(&frame[..6]), Some(1 << window_log));
        }
    }
}
