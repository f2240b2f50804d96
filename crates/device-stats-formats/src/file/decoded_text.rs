//! The conversion of text files to UTF-8.

use std::io::{self, Cursor, Read};
use std::path::Path;

use encoding_rs::{Decoder, DecoderResult, Encoding, UTF_8};

use super::beginning::first_bytes;
use super::file_error::FileError;
use super::text_encoding::TextEncoding;

/// Number of bytes in which NUL characters reveal UTF-16.
const SAMPLE_BYTES: usize = 4 * 1024;
/// Size of a piece of input, in bytes.
const PIECE_BYTES: usize = 64 * 1024;

/// Returns the text of a file in UTF-8, without a byte order mark. Without a stated encoding, the text is in
/// UTF-8, or in the encoding of its byte order mark.
///
/// # Errors
/// [`FileError`] if the first bytes cannot be read, or look like UTF-16 without a byte order mark.
pub(super) fn to_utf8<R: Read + 'static>(
    file: &Path,
    mut input: R,
    encoding: Option<TextEncoding>,
) -> Result<Box<dyn Read>, FileError> {
    let begin = first_bytes(&mut input, SAMPLE_BYTES);
    let mut begin = begin.map_err(|error| FileError::Unreadable(file.to_owned(), error))?;
    let marked = Encoding::for_bom(&begin);
    let encoding = match (encoding, marked) {
        (Some(TextEncoding(stated)), _) => stated,
        (None, Some((marked, _))) => marked,
        (None, None) if begin.contains(&0) => {
            let problem = "the file contains NUL characters; if it is UTF-16, add --encoding utf-16le or --encoding utf-16be";
            return Err(FileError::File { file: file.to_owned(), problem: problem.to_owned() });
        }
        (None, None) => UTF_8,
    };
    if let Some((marked, length)) = marked.filter(|(marked, _)| *marked == encoding) {
        debug_assert_eq!(marked, encoding);
        begin.drain(..length);
    }
    let input = Cursor::new(begin).chain(input);
    if encoding == UTF_8 {
        return Ok(Box::new(input));
    }
    Ok(Box::new(DecodedText {
        input,
        decoder: encoding.new_decoder_without_bom_handling(),
        raw: Vec::new(),
        text: Vec::new(),
        position: 0,
        line: 1,
        is_at_end: false,
    }))
}

/// Text that is converted as it is read.
struct DecodedText<R> {
    input: R,
    decoder: Decoder,
    /// Bytes that have been read and not been converted.
    raw: Vec<u8>,
    /// Converted text.
    text: Vec<u8>,
    /// Number of bytes of `text` that the reader has returned.
    position: usize,
    /// Line number, from 1, of the next character.
    line: u64,
    is_at_end: bool,
}

impl<R: Read> DecodedText<R> {
    /// Converts the next piece of input.
    fn refill(&mut self) -> io::Result<()> {
        self.raw.clear();
        self.input.by_ref().take(PIECE_BYTES as u64).read_to_end(&mut self.raw)?;
        let is_last = self.raw.is_empty();
        let room = self.decoder.max_utf8_buffer_length_without_replacement(self.raw.len());
        self.text.clear();
        self.text.resize(room.unwrap_or(4 * PIECE_BYTES), 0);
        self.position = 0;
        let (result, _, written) =
            self.decoder.decode_to_utf8_without_replacement(&self.raw, &mut self.text, is_last);
        self.text.truncate(written);
        self.line += self.text.split(|byte| *byte == b'\n').skip(1).count() as u64;
        self.is_at_end = is_last;
        match result {
            DecoderResult::InputEmpty => Ok(()),
            DecoderResult::Malformed(..) | DecoderResult::OutputFull => {
                let name = self.decoder.encoding().name();
                Err(io::Error::new(io::ErrorKind::InvalidData, format!("line {} is not {name}", self.line)))
            }
        }
    }
}

impl<R: Read> Read for DecodedText<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.position == self.text.len() && !self.is_at_end {
            self.refill()?;
        }
        let rest = self.text.get(self.position..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        let (copied, _) = rest.split_at(count);
        if let Some(begin) = buffer.get_mut(..count) {
            begin.copy_from_slice(copied);
        }
        self.position += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: Vec<u8>, label: Option<&str>) -> Result<String, String> {
        let encoding = label.map(|label| label.parse().unwrap());
        let text = to_utf8(Path::new("a.csv"), Cursor::new(bytes), encoding);
        let mut text = text.map_err(|error| error.to_string())?;
        let mut found = String::new();
        text.read_to_string(&mut found).map_err(|error| error.to_string())?;
        Ok(found)
    }

    fn utf_16(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    #[test]
    fn texts_become_utf_8() {
        let long: String = (0..30_000).map(|i| if i % 50 == 0 { '\n' } else { 'é' }).collect();
        let marked = utf_16(&format!("\u{feff}{long}"));
        assert_eq!(read(marked.clone(), None).unwrap(), long);
        assert_eq!(read(marked, Some("utf-16le")).unwrap(), long);
        assert_eq!(read(utf_16(&long), Some("utf-16le")).unwrap(), long);
        assert_eq!(read(format!("\u{feff}{long}").into_bytes(), None).unwrap(), long);
        assert_eq!(read(vec![b'a', 0xe9, 0x80], Some("windows-1252")).unwrap(), "aé€");
        assert_eq!(read(b"a".to_vec(), Some("latin1")).unwrap(), "a");
        assert_eq!(read(Vec::new(), Some("utf-16be")).unwrap(), "");
    }

    #[test]
    fn a_wrong_encoding_is_named() {
        assert!(read(utf_16("device_id"), None).unwrap_err().contains("add --encoding utf-16le"));
        assert_eq!(read(b"a\nb\n\xff\n".to_vec(), Some("shift_jis")).unwrap_err(), "line 3 is not Shift_JIS");
        assert!("utf-17".parse::<TextEncoding>().is_err());
    }
}
