//! On which line of a text a row of CSV begins. The csv crate counts a line of its own where lines end with `\r\n`, and
//! takes the empty lines before a row for its beginning, so its lines are not those an editor shows; its bytes are exact.

use std::collections::VecDeque;
use std::io::{self, Read};

/// Notes where the lines begin that are not empty.
pub struct LineIndex {
    /// Bytes noted.
    offset: u64,
    /// The line of the next byte, counted from 1.
    line: u64,
    /// The byte before it; as after an empty line at the start.
    last: u8,
    /// Offset of the first byte and number of each line that is not empty, from the last one asked for.
    begins: VecDeque<(u64, u64)>,
}

impl Default for LineIndex {
    /// Starts on line 1.
    fn default() -> Self {
        Self { offset: 0, line: 1, last: b'\n', begins: VecDeque::new() }
    }
}

impl LineIndex {
    /// Notes the next bytes.
    pub fn note(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.note_byte(*byte);
        }
    }

    /// How much memory it takes, in bytes.
    pub fn held_bytes(&self) -> usize {
        self.begins.capacity() * size_of::<(u64, u64)>()
    }

    /// The line of the first row that begins at that byte or, after empty lines, behind it. Bytes must be asked for in
    /// their order.
    pub fn line_from(&mut self, offset: u64) -> u64 {
        while self.begins.front().is_some_and(|(begin, _)| *begin < offset) {
            self.begins.pop_front();
        }
        self.begins.front().map_or(self.line, |(_, line)| *line)
    }

    fn note_byte(&mut self, byte: u8) {
        match byte {
            b'\n' if self.last == b'\r' => {}
            b'\n' | b'\r' => self.line += 1,
            _ if matches!(self.last, b'\n' | b'\r') => self.begins.push_back((self.offset, self.line)),
            _ => {}
        }
        self.last = byte;
        self.offset += 1;
    }
}

/// A reader that notes its lines.
pub struct Lines<R> {
    input: R,
    index: LineIndex,
}

impl<R> Lines<R> {
    /// Starts on line 1.
    pub fn new(input: R) -> Self {
        Self { input, index: LineIndex::default() }
    }

    /// As [`LineIndex::line_from`].
    pub fn line_from(&mut self, offset: u64) -> u64 {
        self.index.line_from(offset)
    }
}

impl<R: Read> Read for Lines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        self.index.note(buffer.get(..count).unwrap_or_default());
        Ok(count)
    }
}
