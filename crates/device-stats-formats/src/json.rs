//! JSON as it was sent: the text of numbers, repeated members and the words `NaN` and `Infinity` are kept, so that each
//! field decides what it takes and every fault can be told with its place. Read by pydantic's own reader (`jiter`).

use device_stats_domain::limits::{ECHO_BYTES_MAX, JSON_DEPTH_MAX, JSON_VALUES_MAX};
use jiter::{Jiter, JiterError, Peek};
use serde_json::{Number, Value};

/// A JSON value.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    Null,
    Bool(bool),
    /// The text of the number: JSON's grammar, `NaN`, `Infinity` or `-Infinity`.
    Number(String),
    String(String),
    Array(Vec<Json>),
    /// Members in the order sent, repeated ones included.
    Object(Vec<(String, Json)>),
}

/// Why a text is no JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotJson {
    /// Where, in characters from the start of the text.
    pub position: usize,
    /// In which way.
    pub error: String,
}

impl Json {
    /// Reads one JSON value that fills the text.
    ///
    /// # Errors
    /// [`NotJson`] with the place of the first fault, also where arrays and objects nest deeper than
    /// [`JSON_DEPTH_MAX`], or hold more than [`JSON_VALUES_MAX`].
    pub fn parse(text: &str) -> Result<Self, NotJson> {
        let mut reader = Reader::new(text);
        let value = reader.value()?;
        reader.finish()?;
        Ok(value)
    }

    /// Reads an array and hands out its elements one by one, so that only one is held at a time. `Ok(false)` where the
    /// text is JSON, but no array. `element` says whether it wants more; where not, the rest is not read.
    ///
    /// # Errors
    /// [`NotJson`], possibly after some elements have been handed out.
    pub fn parse_elements(
        text: &str,
        mut element: impl FnMut(usize, &Self) -> bool,
    ) -> Result<bool, NotJson> {
        let mut reader = Reader::new(text);
        if reader.peek()? != Peek::Array {
            reader.value()?;
            return reader.finish().map(|()| false);
        }
        let mut next = reader.place(Jiter::known_array)?;
        let mut index = 0;
        while let Some(peek) = next {
            reader.values_left = JSON_VALUES_MAX;
            let value = reader.known_value(peek, 1)?;
            if !element(index, &value) {
                return Ok(true);
            }
            index += 1;
            next = reader.place(Jiter::array_step)?;
        }
        reader.finish().map(|()| true)
    }

    /// The value as part of an answer. Numbers beyond a double and the words for them become text; what is longer than
    /// [`ECHO_BYTES_MAX`] is cut or left out, so that an answer is never much longer than its request.
    pub fn echo(&self) -> Value {
        let mut left = ECHO_BYTES_MAX;
        self.echo_within(&mut left)
    }

    fn echo_within(&self, left: &mut usize) -> Value {
        let size = match self {
            Self::Null | Self::Bool(_) => 4,
            Self::Number(text) | Self::String(text) => text.len() + 2,
            Self::Array(_) | Self::Object(_) => 2,
        };
        if size > *left {
            let characters = std::mem::take(left) / 4;
            return match self {
                Self::String(text) => Value::String(text.chars().take(characters).chain(['…']).collect()),
                _ => Value::Null,
            };
        }
        *left -= size;
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(*value),
            Self::Number(text) => echo_number(text),
            Self::String(text) => Value::String(text.clone()),
            Self::Array(elements) => {
                let mut echo = Vec::new();
                for element in elements {
                    if *left == 0 {
                        break;
                    }
                    echo.push(element.echo_within(left));
                }
                Value::Array(echo)
            }
            Self::Object(members) => {
                let mut echo = serde_json::Map::new();
                for (name, value) in members {
                    *left = left.saturating_sub(name.len());
                    if *left == 0 {
                        break;
                    }
                    echo.insert(name.clone(), value.echo_within(left));
                }
                Value::Object(echo)
            }
        }
    }
}

fn echo_number(text: &str) -> Value {
    let integer = text.parse::<i64>().map(Number::from);
    let number = integer.ok().or_else(|| Number::from_f64(text.parse().ok()?));
    number.map_or_else(|| Value::String(text.to_owned()), Value::Number)
}

/// The reader, with the text it reads, to tell places in characters.
struct Reader<'a> {
    text: &'a str,
    jiter: Jiter<'a>,
    /// How many more values there may be.
    values_left: usize,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str) -> Self {
        let jiter = Jiter::new(text.as_bytes()).with_allow_inf_nan();
        Self { text, jiter, values_left: JSON_VALUES_MAX }
    }

    /// Does one step of reading and tells the place where it fails.
    fn place<T>(&mut self, step: impl FnOnce(&mut Jiter<'a>) -> Result<T, JiterError>) -> Result<T, NotJson> {
        step(&mut self.jiter).map_err(|error| self.not_json(error.index, error.error_type.to_string()))
    }

    fn not_json(&self, index: usize, error: String) -> NotJson {
        let position = self.text.char_indices().take_while(|(at, _)| *at < index).count();
        NotJson { position, error }
    }

    fn peek(&mut self) -> Result<Peek, NotJson> {
        self.place(Jiter::peek)
    }

    fn finish(&mut self) -> Result<(), NotJson> {
        self.place(Jiter::finish)
    }

    fn value(&mut self) -> Result<Json, NotJson> {
        let peek = self.peek()?;
        self.known_value(peek, 0)
    }

    fn known_value(&mut self, peek: Peek, depth: usize) -> Result<Json, NotJson> {
        // Each takes far more memory than its text.
        self.values_left = self.values_left.checked_sub(1).ok_or_else(|| {
            let error = format!("arrays and objects hold more than {JSON_VALUES_MAX} values");
            self.not_json(self.jiter.current_index(), error)
        })?;
        Ok(match peek {
            Peek::Null => self.place(Jiter::known_null).map(|()| Json::Null)?,
            Peek::True | Peek::False => Json::Bool(self.place(|jiter| jiter.known_bool(peek))?),
            Peek::String => Json::String(self.place(|jiter| jiter.known_str().map(str::to_owned))?),
            Peek::Array => self.array(depth + 1)?,
            Peek::Object => self.object(depth + 1)?,
            number => {
                let text = self.place(|jiter| jiter.known_number_bytes(number).map(<[u8]>::to_vec))?;
                Json::Number(String::from_utf8_lossy(&text).into_owned())
            }
        })
    }

    fn array(&mut self, depth: usize) -> Result<Json, NotJson> {
        self.check_depth(depth)?;
        let mut elements = Vec::new();
        let mut next = self.place(Jiter::known_array)?;
        while let Some(peek) = next {
            elements.push(self.known_value(peek, depth)?);
            next = self.place(Jiter::array_step)?;
        }
        Ok(Json::Array(elements))
    }

    fn object(&mut self, depth: usize) -> Result<Json, NotJson> {
        self.check_depth(depth)?;
        let mut members = Vec::new();
        let mut next = self.place(|jiter| jiter.known_object().map(|name| name.map(str::to_owned)))?;
        while let Some(name) = next {
            let peek = self.peek()?;
            members.push((name, self.known_value(peek, depth)?));
            next = self.place(|jiter| jiter.next_key().map(|name| name.map(str::to_owned)))?;
        }
        Ok(Json::Object(members))
    }

    /// Checked on the way down, so that no text makes the reader use more stack than the deepest one allowed.
    fn check_depth(&self, depth: usize) -> Result<(), NotJson> {
        if depth > JSON_DEPTH_MAX {
            return Err(self.not_json(
                self.jiter.current_index(),
                format!("arrays and objects nest deeper than {JSON_DEPTH_MAX} levels"),
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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
    fn what_is_no_json() {
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
        // Each element of a batch has its own.
        let element = array(JSON_VALUES_MAX - 1);
        let batch = |element: &str| Json::parse_elements(&format!("[{element},{element},1]"), |_, _| true);
        assert_eq!(batch(&element), Ok(true));
        assert!(batch(&array(JSON_VALUES_MAX)).is_err());
    }

    #[test]
    fn an_echo_is_bounded_and_always_json() {
        let many = |value: Json| Json::Array(vec![value; 50_000]);
        for long in [
            Json::Array(vec![Json::String("é".repeat(5000)); 10]),
            many(Json::Null),
            many(Json::String(String::new())),
            many(Json::Array(Vec::new())),
            Json::Object((0..50_000).map(|n| (n.to_string(), Json::Null)).collect()),
            Json::Object(vec![("x".repeat(50_000), Json::Null)]),
        ] {
            assert!(long.echo().to_string().len() < 3 * ECHO_BYTES_MAX);
        }
        assert_eq!(
            Json::parse("[1e999, NaN, 1.5, 7]").unwrap().echo().to_string(),
            r#"["1e999","NaN",1.5,7]"#
        );
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
