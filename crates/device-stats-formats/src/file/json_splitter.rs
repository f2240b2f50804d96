//! JSON values cut out of a text without being read: the lines of NDJSON, the elements of an array. Only as much is looked
//! at as is needed to see where one ends.

#[cfg(test)]
mod tests;

use std::io::{self, BufRead};

/// Why there is no next element.
#[derive(Debug)]
pub enum Cut {
    /// The text is wrong there.
    Wrong {
        /// Counted from 1.
        line: u64,
        /// What is wrong.
        problem: &'static str,
    },
    /// The text cannot be read.
    Unreadable(io::Error),
}

/// What is left of a text.
pub struct Elements<R> {
    input: R,
    /// The line of the next byte, counted from 1.
    line: u64,
    /// Most bytes of an element.
    bytes_max: usize,
    state: State,
    /// Whether the first byte has been looked at.
    begun: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Of lines.
    Lines,
    /// Before the bracket that opens the array.
    Before,
    /// Behind that bracket.
    First,
    /// Behind a comma.
    Next,
    /// Behind the bracket that closes the array.
    Behind,
}

impl<R: BufRead> Elements<R> {
    /// The lines that are not empty.
    pub fn lines(input: R, bytes_max: usize) -> Self {
        Self { input, line: 1, bytes_max, state: State::Lines, begun: false }
    }

    /// The elements of an array.
    pub fn array(input: R, bytes_max: usize) -> Self {
        Self { input, line: 1, bytes_max, state: State::Before, begun: false }
    }

    /// The next element without line breaks, and the line on which it begins; `None` after the last one.
    ///
    /// # Errors
    /// [`Cut`]; there is no going on after it.
    pub fn next_element(&mut self) -> Result<Option<(Vec<u8>, u64)>, Cut> {
        if !std::mem::replace(&mut self.begun, true) {
            self.skip_mark()?;
        }
        if self.state == State::Before {
            match self.next_byte_of_note()? {
                Some(b'[') => self.take(),
                _ => return Err(self.wrong("the file should hold an array of objects")),
            }
            self.state = State::First;
        }
        let next = self.next_byte_of_note()?;
        let line = self.line;
        match (self.state, next) {
            (State::Lines | State::Behind, None) => Ok(None),
            (State::Lines, Some(_)) => self.rest_of_line().map(|element| Some((element, line))),
            (State::Behind, Some(_)) => Err(self.wrong("something follows the array")),
            (State::First, Some(b']')) => {
                self.take();
                self.state = State::Behind;
                self.next_element()
            }
            (State::Next, Some(b']')) | (_, Some(b',')) => Err(self.wrong("an element is missing")),
            (_, None) => Err(self.wrong("the array is not closed")),
            (_, Some(_)) => self.element().map(|element| Some((element, line))),
        }
    }

    /// Passes over a byte order mark.
    fn skip_mark(&mut self) -> Result<(), Cut> {
        let buffer = self.input.fill_buf().map_err(Cut::Unreadable)?;
        if buffer.starts_with(&[0xef, 0xbb, 0xbf]) {
            self.input.consume(3);
        }
        Ok(())
    }

    fn peek(&mut self) -> Result<Option<u8>, Cut> {
        self.input.fill_buf().map(|buffer| buffer.first().copied()).map_err(Cut::Unreadable)
    }

    /// Goes behind the byte that was peeked at.
    fn take(&mut self) {
        self.input.consume(1);
    }

    /// The next byte that is no white space, which is not taken.
    fn next_byte_of_note(&mut self) -> Result<Option<u8>, Cut> {
        loop {
            match self.peek()? {
                Some(b'\n') => self.line += 1,
                Some(b' ' | b'\t' | b'\r') => {}
                next => return Ok(next),
            }
            self.take();
        }
    }

    fn rest_of_line(&mut self) -> Result<Vec<u8>, Cut> {
        let mut element = Vec::new();
        while let Some(byte) = self.peek()?.filter(|byte| *byte != b'\n') {
            self.take();
            self.push(&mut element, byte)?;
        }
        Ok(element)
    }

    /// An element of an array, and what is behind it: a comma, or the bracket that closes the array.
    fn element(&mut self) -> Result<Vec<u8>, Cut> {
        let mut element = Vec::new();
        let mut depth = 0_u64;
        loop {
            let byte = self.byte_inside()?;
            match byte {
                b',' | b']' if depth == 0 => {
                    self.state = if byte == b',' { State::Next } else { State::Behind };
                    return Ok(element);
                }
                b'[' | b'{' => depth += 1,
                b']' | b'}' => depth = depth.saturating_sub(1),
                b'\n' => self.line += 1,
                _ => {}
            }
            self.push(&mut element, if matches!(byte, b'\n' | b'\r') { b' ' } else { byte })?;
            if byte == b'"' {
                self.rest_of_text(&mut element)?;
            }
        }
    }

    /// The rest of a text in quotes.
    fn rest_of_text(&mut self, element: &mut Vec<u8>) -> Result<(), Cut> {
        let mut escaped = false;
        loop {
            let byte = self.byte_inside()?;
            if byte < 0x20 {
                return Err(self.wrong("a text holds a line break or another control character"));
            }
            self.push(element, byte)?;
            match byte {
                b'"' if !escaped => return Ok(()),
                b'\\' => escaped = !escaped,
                _ => escaped = false,
            }
        }
    }

    /// The next byte, where the array cannot end.
    fn byte_inside(&mut self) -> Result<u8, Cut> {
        let byte = self.peek()?.ok_or_else(|| self.wrong("the array is not closed"))?;
        self.take();
        Ok(byte)
    }

    fn push(&self, element: &mut Vec<u8>, byte: u8) -> Result<(), Cut> {
        if element.len() >= self.bytes_max {
            return Err(self.wrong("the row is too large for any batch"));
        }
        element.push(byte);
        Ok(())
    }

    fn wrong(&self, problem: &'static str) -> Cut {
        Cut::Wrong { line: self.line, problem }
    }
}
