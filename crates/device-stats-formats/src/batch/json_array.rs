//! Rows as the elements of a JSON array, read one by one as their text arrives. Only the text of one element
//! is held. Each error has the same text and location as if a parser read the whole array at once.

#[cfg(test)]
mod tests;

use serde_json::json;

use super::batch_rows::BatchRows;
use super::json_row::read_row;
use super::plain_object;
use super::row::Row;
use crate::faults::{Faults, Problem};
use crate::json::{ElementEnd, Json, JsonError};
use crate::reading_times::ReadingTimes;

/// Characters between the parts of a JSON text.
const WHITE_SPACE: [char; 4] = [' ', '\t', '\r', '\n'];

/// Reads rows as their text arrives.
pub(super) struct JsonArrayReader<R> {
    rows: BatchRows<R>,
    /// Number of elements so far, faulty ones included.
    count: usize,
    state: State,
    /// Beginning of an element or of another value whose end has not arrived.
    begun: String,
    /// Finds the end of the element.
    end: ElementEnd,
    /// Number of characters before `begun`, or before the next one.
    position: usize,
}

#[derive(Debug)]
enum State {
    /// Before the bracket that opens the array.
    BeforeArray,
    /// After the bracket that opens the array.
    FirstElement,
    /// After a comma.
    NextElement,
    Element,
    /// After the bracket that closes the array.
    AfterArray,
    /// Inside a text that is not an array.
    OtherValue,
    /// The text is not JSON.
    Invalid(JsonError),
}

impl<R> Default for JsonArrayReader<R> {
    fn default() -> Self {
        Self {
            rows: BatchRows::default(),
            count: 0,
            state: State::BeforeArray,
            begun: String::new(),
            end: ElementEnd::default(),
            position: 0,
        }
    }
}

impl<R: Row> JsonArrayReader<R> {
    /// Takes the next characters.
    pub(super) fn receive(&mut self, text: &str, times: &mut ReadingTimes, faults: &mut Faults) {
        let mut rest = text;
        while !rest.is_empty() && !faults.is_full() && !matches!(self.state, State::Invalid(_)) {
            rest = match self.state {
                State::Element => self.receive_element(rest, times, faults),
                State::OtherValue => {
                    self.begun.push_str(rest);
                    ""
                }
                _ => self.receive_punctuation(rest),
            };
        }
    }

    /// Number of elements so far.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Memory held, in bytes.
    pub(super) fn held_bytes(&self) -> usize {
        self.rows.held_bytes() + self.begun.capacity()
    }

    /// Returns all rows after the last characters; `None` if the text is not an array.
    pub(super) fn finish(mut self, faults: &mut Faults) -> Option<BatchRows<R>> {
        let error = match self.state {
            _ if faults.is_full() => None,
            State::AfterArray => None,
            State::BeforeArray | State::OtherValue => match Json::parse(&self.begun) {
                Ok(_) => {
                    let problem = Problem::new("list_type", "Input should be a valid list");
                    faults.add(vec!["body".into()], problem, &Json::Null);
                    return None;
                }
                Err(error) => Some(error),
            },
            State::FirstElement => Some(JsonError::unclosed_list()),
            State::NextElement => Some(JsonError::missing_value()),
            // An element is complete only with the comma or bracket after it.
            State::Element => Json::parse_element(&self.begun).err(),
            State::Invalid(error) => Some(error),
        };
        if let Some(JsonError { position, error }) = error {
            // Invalid JSON is no batch, so its other faults are dropped.
            *faults = Faults::default();
            let problem = Problem::new("json_invalid", "JSON decode error").with(json!({ "error": error }));
            let position = position + self.position;
            faults.add(vec!["body".into(), position.into()], problem, &Json::Object(Vec::new()));
            return None;
        }
        self.rows.count_rejected(self.count);
        Some(self.rows)
    }

    /// Takes white space and one character between elements. Returns the rest.
    fn receive_punctuation<'t>(&mut self, text: &'t str) -> &'t str {
        let rest = text.trim_start_matches(WHITE_SPACE);
        self.position += text.len() - rest.len();
        let Some(first) = rest.chars().next() else { return rest };
        let (next, is_taken) = match (&self.state, first) {
            (State::BeforeArray, '[') => (State::FirstElement, true),
            (State::BeforeArray, _) => (State::OtherValue, false),
            (State::FirstElement, ']') => (State::AfterArray, true),
            (State::NextElement, ']') => (State::Invalid(JsonError::trailing_comma()), false),
            (State::AfterArray, _) => (State::Invalid(JsonError::trailing_characters()), false),
            _ => (State::Element, false),
        };
        self.state = next;
        self.position += usize::from(is_taken);
        rest.split_at(usize::from(is_taken)).1
    }

    /// Takes an element, or a part of it, and the comma or bracket after it. Returns the rest.
    fn receive_element<'t>(
        &mut self,
        text: &'t str,
        times: &mut ReadingTimes,
        faults: &mut Faults,
    ) -> &'t str {
        if self.begun.is_empty()
            && let Some((row, rest)) = plain_row(text, times)
            && let Some(end) = rest.bytes().next().filter(|byte| matches!(byte, b',' | b']'))
        {
            self.rows.push(self.count, row);
            let rest = rest.split_at(1).1;
            self.end_element(text.split_at(text.len() - rest.len()).0, end);
            return rest;
        }
        let Some((offset, end)) = self.end.find(text) else {
            self.begun.push_str(text);
            return "";
        };
        let (element, rest) = text.split_at(offset + 1);
        if self.begun.is_empty() {
            self.read_element(element, end, times, faults);
        } else {
            self.begun.push_str(element);
            let begun = std::mem::take(&mut self.begun);
            self.read_element(&begun, end, times, faults);
        }
        rest
    }

    /// Reads an element with the comma or bracket after it.
    fn read_element(&mut self, text: &str, end: u8, times: &mut ReadingTimes, faults: &mut Faults) {
        self.end = ElementEnd::default();
        match plain_row(text, times).filter(|(_, rest)| rest.len() == 1) {
            Some((row, _)) => self.rows.push(self.count, row),
            None => match Json::parse_element(text) {
                Ok(element) => {
                    if let Some(row) = read_row(&element, self.count, times, faults) {
                        self.rows.push(self.count, row);
                    }
                }
                Err(error) => {
                    self.state = State::Invalid(error);
                    return;
                }
            },
        }
        self.end_element(text, end);
    }

    /// Counts an element with the comma or bracket after it.
    fn end_element(&mut self, text: &str, end: u8) {
        self.count += 1;
        self.position += text.chars().count();
        self.state = if end == b',' { State::NextElement } else { State::AfterArray };
    }
}

/// Reads a plain object at the beginning of the text. Returns its row, and the text after it and white space.
fn plain_row<'t, R: Row>(text: &'t str, times: &mut ReadingTimes) -> Option<(R, &'t str)> {
    let (plain, rest) = plain_object::read_first(text, times)?;
    Some((R::from_plain_object(plain)?, rest.trim_start_matches(WHITE_SPACE)))
}
