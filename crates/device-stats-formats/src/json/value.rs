//! A JSON value as it was sent.

use serde_json::{Number, Value};

use crate::limits::ECHO_BYTES_MAX;

/// A JSON value. It keeps the text of numbers, repeated members, and the words `NaN` and `Infinity`, so that
/// each field decides what it accepts and each fault can be located.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// The text of a number in JSON's grammar, or `NaN`, `Infinity` or `-Infinity`.
    Number(String),
    /// A string without its escapes.
    String(String),
    /// An array.
    Array(Vec<Json>),
    /// Members in the order sent, repeated ones included.
    Object(Vec<(String, Json)>),
}

impl Json {
    /// Returns the value for a response. Numbers beyond a double become strings. Up to [`ECHO_BYTES_MAX`]
    /// bytes are kept; the rest is cut or left out. So a response is never much longer than its request.
    pub fn echo(&self) -> Value {
        let mut left = ECHO_BYTES_MAX;
        self.echo_within(&mut left)
    }

    /// Copies the value while bytes are left.
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
