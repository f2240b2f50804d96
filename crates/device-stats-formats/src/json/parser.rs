//! Parses JSON with pydantic's own parser (`jiter`), within limits of depth and number of values.

use jiter::{Jiter, JiterError, JsonErrorType, Peek};

use super::value::Json;
use crate::limits::{JSON_DEPTH_MAX, JSON_VALUES_MAX};

/// Reason why a text is not JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonError {
    /// Position of the error, in characters from the start of the text, from 0.
    pub position: usize,
    /// Description of the error.
    pub error: String,
}

impl JsonError {
    /// The error of a text that ends inside an array, at its end.
    pub(crate) fn unclosed_list() -> Self {
        Self::at_start(&JsonErrorType::EofWhileParsingList)
    }

    /// The error of a text that ends before a value, at its end.
    pub(crate) fn missing_value() -> Self {
        Self::at_start(&JsonErrorType::EofWhileParsingValue)
    }

    /// The error of a closing bracket after a comma.
    pub(crate) fn trailing_comma() -> Self {
        Self::at_start(&JsonErrorType::TrailingComma)
    }

    /// The error of characters after a value.
    pub(crate) fn trailing_characters() -> Self {
        Self::at_start(&JsonErrorType::TrailingCharacters)
    }

    fn at_start(error: &JsonErrorType) -> Self {
        Self { position: 0, error: error.to_string() }
    }
}

impl Json {
    /// Parses a text that is one JSON value.
    ///
    /// # Errors
    /// [`JsonError`] for the first error, also if arrays and objects nest deeper than [`JSON_DEPTH_MAX`] or
    /// contain more than [`JSON_VALUES_MAX`] values.
    pub fn parse(text: &str) -> Result<Self, JsonError> {
        let mut parser = Parser::new(text);
        let value = parser.value()?;
        parser.finish()?;
        Ok(value)
    }

    /// Parses an element of an array. The text ends with the comma or bracket after the element, or without
    /// it if the array is cut off there.
    ///
    /// # Errors
    /// The [`JsonError`] that parsing the whole array finds in this element.
    pub(crate) fn parse_element(text: &str) -> Result<Self, JsonError> {
        let mut parser = Parser::new(text);
        let peek = parser.peek()?;
        let value = parser.known_value(peek, 1)?;
        let begin = parser.jiter.current_index();
        let rest = text.get(begin..).unwrap_or_default().trim_start_matches([' ', '\t', '\r', '\n']);
        let problem = match rest {
            "," | "]" => return Ok(value),
            "" => JsonErrorType::EofWhileParsingList,
            _ => JsonErrorType::ExpectedListCommaOrEnd,
        };
        Err(parser.error(text.len() - rest.len(), problem.to_string()))
    }

    /// Parses an array and passes on its elements one by one. Parsing ends when `element` returns false.
    /// Returns `Ok(false)` for JSON that is not an array.
    ///
    /// # Errors
    /// [`JsonError`], possibly after some elements have been passed on.
    #[cfg(test)]
    pub(crate) fn parse_elements(
        text: &str,
        mut element: impl FnMut(usize, &Self) -> bool,
    ) -> Result<bool, JsonError> {
        let mut parser = Parser::new(text);
        if parser.peek()? != Peek::Array {
            parser.value()?;
            return parser.finish().map(|()| false);
        }
        let mut next = parser.step(Jiter::known_array)?;
        let mut index = 0;
        while let Some(peek) = next {
            parser.values_left = JSON_VALUES_MAX;
            let value = parser.known_value(peek, 1)?;
            if !element(index, &value) {
                return Ok(true);
            }
            index += 1;
            next = parser.step(Jiter::array_step)?;
        }
        parser.finish().map(|()| true)
    }
}

struct Parser<'a> {
    /// The whole text, for positions in characters.
    text: &'a str,
    jiter: Jiter<'a>,
    /// Number of values that may follow.
    values_left: usize,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Self {
        let jiter = Jiter::new(text.as_bytes()).with_allow_inf_nan();
        Self { text, jiter, values_left: JSON_VALUES_MAX }
    }

    /// Runs a step of the parser, and locates its error.
    fn step<T>(
        &mut self,
        step: impl FnOnce(&mut Jiter<'a>) -> Result<T, JiterError>,
    ) -> Result<T, JsonError> {
        step(&mut self.jiter).map_err(|error| self.error(error.index, error.error_type.to_string()))
    }

    fn error(&self, index: usize, error: String) -> JsonError {
        let position = self.text.char_indices().take_while(|(at, _)| *at < index).count();
        JsonError { position, error }
    }

    fn peek(&mut self) -> Result<Peek, JsonError> {
        self.step(Jiter::peek)
    }

    fn finish(&mut self) -> Result<(), JsonError> {
        self.step(Jiter::finish)
    }

    fn value(&mut self) -> Result<Json, JsonError> {
        let peek = self.peek()?;
        self.known_value(peek, 0)
    }

    fn known_value(&mut self, peek: Peek, depth: usize) -> Result<Json, JsonError> {
        // The number of values is limited because a value takes far more memory than its text.
        self.values_left = self.values_left.checked_sub(1).ok_or_else(|| {
            let error = format!("arrays and objects hold more than {JSON_VALUES_MAX} values");
            self.error(self.jiter.current_index(), error)
        })?;
        Ok(match peek {
            Peek::Null => self.step(Jiter::known_null).map(|()| Json::Null)?,
            Peek::True | Peek::False => Json::Bool(self.step(|jiter| jiter.known_bool(peek))?),
            Peek::String => Json::String(self.step(|jiter| jiter.known_str().map(str::to_owned))?),
            Peek::Array => self.array(depth + 1)?,
            Peek::Object => self.object(depth + 1)?,
            number => {
                let bytes = self.step(|jiter| jiter.known_number_bytes(number).map(<[u8]>::to_vec))?;
                let text = String::from_utf8(bytes);
                Json::Number(text.unwrap_or_else(|_| unreachable!("the text of a number is ASCII")))
            }
        })
    }

    fn array(&mut self, depth: usize) -> Result<Json, JsonError> {
        self.check_depth(depth)?;
        let mut elements = Vec::new();
        let mut next = self.step(Jiter::known_array)?;
        while let Some(peek) = next {
            elements.push(self.known_value(peek, depth)?);
            next = self.step(Jiter::array_step)?;
        }
        Ok(Json::Array(elements))
    }

    fn object(&mut self, depth: usize) -> Result<Json, JsonError> {
        self.check_depth(depth)?;
        let mut members = Vec::new();
        let mut next = self.step(|jiter| jiter.known_object().map(|name| name.map(str::to_owned)))?;
        while let Some(name) = next {
            let peek = self.peek()?;
            members.push((name, self.known_value(peek, depth)?));
            next = self.step(|jiter| jiter.next_key().map(|name| name.map(str::to_owned)))?;
        }
        Ok(Json::Object(members))
    }

    /// Checks the depth before parsing goes deeper, which bounds the use of the stack.
    fn check_depth(&self, depth: usize) -> Result<(), JsonError> {
        if depth > JSON_DEPTH_MAX {
            return Err(self.error(
                self.jiter.current_index(),
                format!("arrays and objects nest deeper than {JSON_DEPTH_MAX} levels"),
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    #[test]
    fn text_of_numbers_and_repeated_members_are_kept() {
        let number = |text: &str| Json::Number(text.to_owned());
        let member = |name: &str, value| (name.to_owned(), value);
        assert_eq!(
            Json::parse(r#" {"x": 1e999, "x": NaN, "é\n": [-Infinity, -0.0]} "#).unwrap(),
            Json::Object(vec![
                member("x", number("1e999")),
                member("x", number("NaN")),
                member("é\n", Json::Array(vec![number("-Infinity"), number("-0.0")])),
            ])
        );
    }

    #[test]
    fn invalid_json_is_refused() {
        for text in [
            "",
            " ",
            "{",
            "[1,]",
            "{\"x\":1,}",
            "{'x':1}",
            "01",
            "+1",
            ".5",
            "1.",
            "{} {}",
            "nul",
            "\"\\ud800\"",
            "\"a\u{1}b\"",
            "{\"x\":1 \"y\":2}",
            "1e",
            "-",
            "\"abc",
        ] {
            assert!(Json::parse(text).is_err(), "{text} is JSON?");
        }
        assert_eq!(Json::parse("{\"é\": x}").unwrap_err().position, 6);
    }

    #[test]
    fn nesting_is_bounded() {
        let nested = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(Json::parse(&nested(JSON_DEPTH_MAX)).is_ok());
        assert!(Json::parse(&nested(JSON_DEPTH_MAX + 1)).is_err());
        assert!(Json::parse(&nested(100_000)).is_err());
    }

    #[test]
    fn values_are_bounded() {
        let array = |count: usize| format!("[{}0]", "0,".repeat(count - 1));
        assert!(Json::parse(&array(JSON_VALUES_MAX - 1)).is_ok());
        let error = Json::parse(&array(JSON_VALUES_MAX)).unwrap_err();
        assert_eq!((error.position, error.error.contains("65536")), (2 * JSON_VALUES_MAX - 1, true));
        assert!(Json::parse(&format!("{{\"a\":{}}}", array(JSON_VALUES_MAX))).is_err());
        // Each element of a batch has its own limit.
        let element = array(JSON_VALUES_MAX - 1);
        let batch = |element: &str| Json::parse_elements(&format!("[{element},{element},1]"), |_, _| true);
        assert_eq!(batch(&element), Ok(true));
        assert!(batch(&array(JSON_VALUES_MAX)).is_err());
    }

    proptest! {
        #[test]
        fn agrees_with_serde_on_what_it_reads(text in "\\PC{0,40}|[\\[\\]{}\",:0-9a-z \\\\.eE+-]{0,40}") {
            let elements = Json::parse_elements(&text, |_, _| true);
            let whole = Json::parse(&text);
            prop_assert_eq!(whole.is_ok(), elements.is_ok());
            prop_assert_eq!(matches!(whole, Ok(Json::Array(_))), elements == Ok(true));
            if let Ok(theirs) = serde_json::from_str::<Value>(&text) {
                prop_assert!(whole.is_ok(), "{:?} read {} as {}", whole, text, theirs);
            }
        }
    }
}
