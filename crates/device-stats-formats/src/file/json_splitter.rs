//! Cuts JSON values out of a text without parsing them: the lines of NDJSON, or the elements of an array. It
//! interprets only the characters that determine the end of a value.

#[cfg(test)]
mod tests;

use std::io::{self, BufRead};

/// Problem of a file that begins with an object.
const OBJECT_WITHOUT_ARRAY: &str = "the file must contain an array of objects; if it holds an object on each line, add \
                                    --format ndjson";

/// Reason why there is no next element.
#[derive(Debug)]
pub(super) enum SplitError {
    /// The text breaks a rule.
    Invalid {
        /// Line number, from 1.
        line: u64,
        /// Description of the rule.
        problem: &'static str,
    },
    /// The input cannot be read.
    Unreadable(io::Error),
}

/// Cuts a text into elements.
pub(super) struct JsonSplitter<R> {
    input: R,
    /// Line number of the next byte, from 1.
    line: u64,
    /// Maximum size of an element, in bytes.
    element_bytes_max: usize,
    state: State,
}

/// Layout of the elements of a text.
#[derive(Clone, Copy, Debug)]
pub(super) enum JsonLayout {
    /// An element on each line that is not blank.
    Lines,
    /// The elements of an array.
    Array,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Between lines of NDJSON.
    Lines,
    /// Before the bracket that opens the array.
    BeforeArray,
    /// After the bracket that opens the array.
    FirstElement,
    /// After a comma.
    NextElement,
    /// After the bracket that closes the array.
    AfterArray,
}

impl<R: BufRead> JsonSplitter<R> {
    /// Creates a splitter of a text without a byte order mark.
    pub(super) fn new(input: R, layout: JsonLayout, element_bytes_max: usize) -> Self {
        let state = match layout {
            JsonLayout::Lines => State::Lines,
            JsonLayout::Array => State::BeforeArray,
        };
        Self { input, line: 1, element_bytes_max, state }
    }

    /// Returns the next element without line breaks, and the line on which it begins; `None` after the last
    /// one.
    ///
    /// # Errors
    /// [`SplitError`], after which the splitter cannot be used.
    pub(super) fn next_element(&mut self) -> Result<Option<(Vec<u8>, u64)>, SplitError> {
        if self.state == State::BeforeArray {
            match self.peek_after_white_space()? {
                Some(b'[') => self.take(),
                None => return Err(self.invalid("the file is empty")),
                Some(b'{') => return Err(self.invalid(OBJECT_WITHOUT_ARRAY)),
                Some(_) => return Err(self.invalid("the file must contain an array of objects")),
            }
            self.state = State::FirstElement;
        }
        let next = self.peek_after_white_space()?;
        let line = self.line;
        match (self.state, next) {
            (State::Lines | State::AfterArray, None) => Ok(None),
            (State::Lines, Some(_)) => self.rest_of_line().map(|element| Some((element, line))),
            (State::AfterArray, Some(_)) => Err(self.invalid("something follows the array")),
            (State::FirstElement, Some(b']')) => {
                self.take();
                self.state = State::AfterArray;
                self.next_element()
            }
            (State::NextElement, Some(b']')) | (_, Some(b',')) => Err(self.invalid("an element is missing")),
            (_, None) => Err(self.invalid("the array is not closed")),
            (_, Some(_)) => self.element().map(|element| Some((element, line))),
        }
    }

    fn peek(&mut self) -> Result<Option<u8>, SplitError> {
        self.input.fill_buf().map(|buffer| buffer.first().copied()).map_err(SplitError::Unreadable)
    }

    /// Takes the byte that has been peeked at.
    fn take(&mut self) {
        self.input.consume(1);
    }

    /// Skips white space, and peeks at the next byte.
    fn peek_after_white_space(&mut self) -> Result<Option<u8>, SplitError> {
        loop {
            match self.peek()? {
                Some(b'\n') => self.line += 1,
                Some(b' ' | b'\t' | b'\r') => {}
                next => return Ok(next),
            }
            self.take();
        }
    }

    fn rest_of_line(&mut self) -> Result<Vec<u8>, SplitError> {
        let mut element = Vec::new();
        while let Some(byte) = self.peek()?.filter(|byte| *byte != b'\n') {
            self.take();
            self.push(&mut element, byte)?;
        }
        Ok(element)
    }

    /// Takes an element of an array, and the comma or bracket after it.
    fn element(&mut self) -> Result<Vec<u8>, SplitError> {
        let mut element = Vec::new();
        let mut depth = 0_u64;
        loop {
            let byte = self.byte_inside()?;
            match byte {
                b',' | b']' if depth == 0 => {
                    self.state = if byte == b',' { State::NextElement } else { State::AfterArray };
                    return Ok(element);
                }
                b'[' | b'{' => depth += 1,
                // Other closing brackets are not JSON, which the server reports.
                b']' | b'}' => depth = depth.saturating_sub(1),
                b'\n' => self.line += 1,
                _ => {}
            }
            self.push(&mut element, if matches!(byte, b'\n' | b'\r') { b' ' } else { byte })?;
            if byte == b'"' {
                self.rest_of_string(&mut element)?;
            }
        }
    }

    /// Takes the rest of a string.
    fn rest_of_string(&mut self, element: &mut Vec<u8>) -> Result<(), SplitError> {
        let mut is_escaped = false;
        loop {
            let byte = self.byte_inside()?;
            if byte < 0x20 {
                return Err(self.invalid("a string contains a line break or another control character"));
            }
            self.push(element, byte)?;
            match byte {
                b'"' if !is_escaped => return Ok(()),
                b'\\' => is_escaped = !is_escaped,
                _ => is_escaped = false,
            }
        }
    }

    /// Takes the next byte of an array that is not closed yet.
    fn byte_inside(&mut self) -> Result<u8, SplitError> {
        let byte = self.peek()?.ok_or_else(|| self.invalid("the array is not closed"))?;
        self.take();
        Ok(byte)
    }

    fn push(&self, element: &mut Vec<u8>, byte: u8) -> Result<(), SplitError> {
        if element.len() >= self.element_bytes_max {
            return Err(self.invalid("the row is too large for any batch"));
        }
        element.push(byte);
        Ok(())
    }

    fn invalid(&self, problem: &'static str) -> SplitError {
        SplitError::Invalid { line: self.line, problem }
    }
}
