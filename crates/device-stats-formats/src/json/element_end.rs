//! Finds the end of an element of an array whose text arrives in pieces. Only the characters that determine
//! the end are interpreted.

/// Position inside the text of an element.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ElementEnd {
    /// Number of open arrays and objects.
    depth: usize,
    is_in_string: bool,
    is_escaped: bool,
}

impl ElementEnd {
    /// Takes the next characters. Returns the offset of the comma or bracket after the element, and this
    /// character.
    pub(crate) fn find(&mut self, text: &str) -> Option<(usize, u8)> {
        for (offset, byte) in text.bytes().enumerate() {
            if self.is_in_string {
                self.is_in_string = byte != b'"' || self.is_escaped;
                self.is_escaped = byte == b'\\' && !self.is_escaped;
                continue;
            }
            match byte {
                b'"' => self.is_in_string = true,
                b',' | b']' if self.depth == 0 => return Some((offset, byte)),
                b'[' | b'{' => self.depth += 1,
                // The parser reports a bracket of the other kind.
                b']' | b'}' => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
        None
    }
}
