//! Decodes UTF-8 that arrives in pieces, without a byte order mark.

use crate::body_error::BodyError;

/// The byte order mark of UTF-8.
pub(crate) const BYTE_ORDER_MARK: [u8; 3] = [0xef, 0xbb, 0xbf];
/// Maximum size of a character, in bytes.
const CHARACTER_BYTES_MAX: usize = 4;

/// Decodes UTF-8 that arrives in pieces.
#[derive(Debug, Default)]
pub struct Utf8Decoder {
    /// Whether the first bytes have been checked for a byte order mark.
    has_begun: bool,
    /// Whether there was a character.
    has_text: bool,
    /// The first bytes of the text, or of an incomplete character; at most three.
    held: Vec<u8>,
    /// Number of line feeds so far.
    line_feeds: u64,
    fault: Option<Fault>,
}

#[derive(Clone, Copy, Debug)]
enum Fault {
    Utf16,
    NotUtf8,
}

impl Utf8Decoder {
    /// Takes the next bytes, and passes on complete characters. After a fault, nothing is passed on.
    pub fn receive(&mut self, bytes: &[u8], mut pass: impl FnMut(&str)) {
        if !self.has_begun {
            self.held.extend_from_slice(bytes);
            if self.held.len() >= BYTE_ORDER_MARK.len() {
                let first = self.begin();
                self.decode(&first, &mut pass);
            }
        } else if self.held.is_empty() {
            self.decode(bytes, &mut pass);
        } else {
            let (few, rest) = bytes.split_at(bytes.len().min(CHARACTER_BYTES_MAX));
            let mut joined = std::mem::take(&mut self.held);
            joined.extend_from_slice(few);
            self.decode(&joined, &mut pass);
            if self.held.is_empty() {
                self.decode(rest, &mut pass);
            } else if !rest.is_empty() {
                let joined = [std::mem::take(&mut self.held), rest.to_vec()].concat();
                self.decode(&joined, &mut pass);
            }
        }
    }

    /// Passes on the last characters, and returns whether the whole text is empty.
    ///
    /// # Errors
    /// [`BodyError::Utf16`] or [`BodyError::NotUtf8`].
    pub fn finish(mut self, mut pass: impl FnMut(&str)) -> Result<bool, BodyError> {
        if !self.has_begun {
            let first = self.begin();
            self.decode(&first, &mut pass);
        }
        match self.fault {
            Some(Fault::Utf16) => Err(BodyError::Utf16),
            Some(Fault::NotUtf8) => Err(BodyError::NotUtf8 { line: self.line_feeds + 1 }),
            None if !self.held.is_empty() => Err(BodyError::NotUtf8 { line: self.line_feeds + 1 }),
            None => Ok(!self.has_text),
        }
    }

    /// Returns the first bytes without a byte order mark.
    fn begin(&mut self) -> Vec<u8> {
        self.has_begun = true;
        let mut first = std::mem::take(&mut self.held);
        if first.starts_with(&[0xff, 0xfe]) || first.starts_with(&[0xfe, 0xff]) {
            self.fault = Some(Fault::Utf16);
        } else if first.starts_with(&BYTE_ORDER_MARK) {
            first.drain(..BYTE_ORDER_MARK.len());
        }
        first
    }

    fn decode(&mut self, bytes: &[u8], pass: &mut impl FnMut(&str)) {
        if self.fault.is_some() {
            return;
        }
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => {
                let Some(chunk) = bytes.utf8_chunks().next() else { return };
                if error.error_len().is_some() {
                    self.fault = Some(Fault::NotUtf8);
                } else {
                    self.held.extend_from_slice(chunk.invalid());
                }
                chunk.valid()
            }
        };
        if !text.is_empty() {
            self.has_text = true;
            self.line_feeds += memchr::memchr_iter(b'\n', text.as_bytes()).count() as u64;
            pass(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::body_pieces::split;

    fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Result<(String, bool), BodyError> {
        let (mut decoder, mut text) = (Utf8Decoder::default(), String::new());
        for piece in pieces {
            decoder.receive(piece, |passed| text.push_str(passed));
        }
        let is_empty = decoder.finish(|passed| text.push_str(passed))?;
        Ok((text, is_empty))
    }

    #[test]
    fn a_byte_order_mark_is_removed_and_utf_16_is_refused() {
        assert_eq!(read([]).unwrap(), (String::new(), true));
        assert_eq!(read([&BYTE_ORDER_MARK[..]]).unwrap(), (String::new(), true));
        assert_eq!(
            read([&BYTE_ORDER_MARK[..1], &BYTE_ORDER_MARK[1..], b"x"]).unwrap(),
            ("x".to_owned(), false)
        );
        assert_eq!(
            read([&BYTE_ORDER_MARK[..], &BYTE_ORDER_MARK[..]]).unwrap(),
            ("\u{feff}".to_owned(), false)
        );
        assert!(matches!(read([&b"\xff"[..], b"\xfe"]), Err(BodyError::Utf16)));
        assert!(matches!(read([&b"\xfe\xff\0{"[..]]), Err(BodyError::Utf16)));
        assert!(matches!(read([&BYTE_ORDER_MARK[..2]]), Err(BodyError::NotUtf8 { line: 1 })));
        assert!(matches!(read([&b"a\nb\n\xe9"[..], b"\n"]), Err(BodyError::NotUtf8 { line: 3 })));
    }

    proptest! {
        #[test]
        fn the_way_bytes_are_split_does_not_matter(
            text in "\\PC{0,12}",
            noise in prop::option::of((any::<prop::sample::Index>(), any::<u8>())),
            lengths in prop::collection::vec(1..6_usize, 1..8),
        ) {
            let mut bytes = text.into_bytes();
            if let Some((position, byte)) = noise {
                bytes.insert(position.index(bytes.len() + 1), byte);
            }
            let whole = read([&bytes[..]]);
            match read(split(&bytes, &lengths)) {
                Ok(found) => prop_assert_eq!(found, whole.unwrap()),
                Err(_) => prop_assert!(whole.is_err()),
            }
        }
    }
}
