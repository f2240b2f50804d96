//! The characters of a body while its bytes arrive, without a byte order mark.

use crate::error::FormatError;

/// The mark that UTF-8 may begin with.
const MARK: [u8; 3] = [0xef, 0xbb, 0xbf];

/// Puts characters together whose bytes arrive in several parts.
#[derive(Debug, Default)]
pub struct Characters {
    /// Whether the beginning has been looked at.
    is_begun: bool,
    /// Whether there was any character.
    is_any: bool,
    /// The first bytes, or those of a character that is not complete: three at most.
    held: Vec<u8>,
    fault: Option<Fault>,
}

#[derive(Clone, Copy, Debug)]
enum Fault {
    Utf16,
    NotUtf8,
}

impl Characters {
    /// Takes bytes, and passes on the characters that are complete. After a fault, nothing more.
    pub fn take(&mut self, bytes: &[u8], mut pass: impl FnMut(&str)) {
        if !self.is_begun {
            self.held.extend_from_slice(bytes);
            if self.held.len() >= MARK.len() {
                let first = self.begin();
                self.pass(&first, &mut pass);
            }
        } else if self.held.is_empty() {
            self.pass(bytes, &mut pass);
        } else {
            // A character has four bytes at most, so these hold all of the one that was not complete.
            let (few, rest) = bytes.split_at(bytes.len().min(4));
            let mut joined = std::mem::take(&mut self.held);
            joined.extend_from_slice(few);
            self.pass(&joined, &mut pass);
            if self.held.is_empty() {
                self.pass(rest, &mut pass);
            } else if !rest.is_empty() {
                let joined = [std::mem::take(&mut self.held), rest.to_vec()].concat();
                self.pass(&joined, &mut pass);
            }
        }
    }

    /// Passes on what is left behind the last bytes; says whether there was nothing at all.
    ///
    /// # Errors
    /// UTF-16, or no UTF-8.
    pub fn finish(mut self, mut pass: impl FnMut(&str)) -> Result<bool, FormatError> {
        if !self.is_begun {
            let first = self.begin();
            self.pass(&first, &mut pass);
        }
        match self.fault {
            Some(Fault::Utf16) => Err(FormatError::Utf16),
            Some(Fault::NotUtf8) => Err(FormatError::NotUtf8),
            None if !self.held.is_empty() => Err(FormatError::NotUtf8),
            None => Ok(!self.is_any),
        }
    }

    /// Looks at the beginning, and returns it without its mark.
    fn begin(&mut self) -> Vec<u8> {
        self.is_begun = true;
        let mut first = std::mem::take(&mut self.held);
        if first.starts_with(&[0xff, 0xfe]) || first.starts_with(&[0xfe, 0xff]) {
            self.fault = Some(Fault::Utf16);
        } else if first.starts_with(&MARK) {
            first.drain(..MARK.len());
        }
        first
    }

    fn pass(&mut self, bytes: &[u8], pass: &mut impl FnMut(&str)) {
        if self.fault.is_some() {
            return;
        }
        let (text, rest) = match std::str::from_utf8(bytes) {
            Ok(text) => (text, &[][..]),
            Err(error) => {
                let (valid, rest) = bytes.split_at(error.valid_up_to());
                if error.error_len().is_some() {
                    self.fault = Some(Fault::NotUtf8);
                }
                (std::str::from_utf8(valid).unwrap_or_default(), rest)
            }
        };
        if self.fault.is_none() {
            self.held.extend_from_slice(rest);
        }
        if !text.is_empty() {
            self.is_any = true;
            pass(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Result<(String, bool), FormatError> {
        let (mut characters, mut text) = (Characters::default(), String::new());
        for part in parts {
            characters.take(part, |passed| text.push_str(passed));
        }
        let is_empty = characters.finish(|passed| text.push_str(passed))?;
        Ok((text, is_empty))
    }

    #[test]
    fn beginnings() {
        assert_eq!(read([]).unwrap(), (String::new(), true));
        assert_eq!(read([&MARK[..]]).unwrap(), (String::new(), true));
        assert_eq!(read([&MARK[..1], &MARK[1..], b"x"]).unwrap(), ("x".to_owned(), false));
        assert_eq!(read([&MARK[..], &MARK[..]]).unwrap(), ("\u{feff}".to_owned(), false));
        assert!(matches!(read([&b"\xff"[..], b"\xfe"]), Err(FormatError::Utf16)));
        assert!(matches!(read([&b"\xfe\xff\0{"[..]]), Err(FormatError::Utf16)));
        assert!(matches!(read([&MARK[..2]]), Err(FormatError::NotUtf8)));
    }

    proptest! {
        /// However bytes are cut, they are the same characters, or none.
        #[test]
        fn cuts_do_not_matter(
            text in "\\PC{0,12}",
            noise in prop::option::of((any::<prop::sample::Index>(), any::<u8>())),
            lengths in prop::collection::vec(1..6_usize, 1..8),
        ) {
            let mut bytes = text.into_bytes();
            if let Some((place, byte)) = noise {
                bytes.insert(place.index(bytes.len() + 1), byte);
            }
            let mut parts = Vec::new();
            let mut rest = &bytes[..];
            for length in lengths.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (part, behind) = rest.split_at((*length).min(rest.len()));
                parts.push(part);
                rest = behind;
            }
            let whole = read([&bytes[..]]);
            match read(parts) {
                Ok(found) => prop_assert_eq!(found, whole.unwrap()),
                Err(_) => prop_assert!(whole.is_err()),
            }
        }
    }
}
