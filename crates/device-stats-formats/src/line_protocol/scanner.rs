//! Reads one line of line protocol: `measurement,tags fields timestamp`. The scanner knows only the grammar;
//! it does not know readings.
//!
//! It is as lenient as InfluxDB's own Rust parser, the crate `influxdb-line-protocol`: a tag or field key may
//! contain an unescaped comma, and a backslash before any other character is an ordinary character.

use std::borrow::Cow;

use crate::limits::POINT_KEYS_MAX;

/// A point.
#[derive(Debug, PartialEq)]
pub(super) struct Point<'a> {
    /// Tags in the order of the line, repeated keys included.
    pub(super) tags: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// Fields in the order of the line, repeated keys included.
    pub(super) fields: Vec<(Cow<'a, str>, FieldValue)>,
    /// Timestamp, in a unit that the line does not name.
    pub(super) timestamp: Option<i64>,
}

/// The value of a field. The contents of strings and booleans are not kept.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum FieldValue {
    /// `1.5`; infinite if the number is beyond a double.
    Float(f64),
    /// `1i`.
    Integer(i64),
    /// `1u`.
    Unsigned(u64),
    /// `"text"`.
    String,
    /// `t`, `true`, `F` ...
    Boolean,
}

/// Reason why a line is not line protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LineError {
    /// Position in the line, in characters from 1.
    pub(super) column: usize,
    /// The rule that the line breaks.
    pub(super) message: &'static str,
}

const TOO_MANY_TAGS: &str = "a point has at most 1000 tags";
const TOO_MANY_FIELDS: &str = "a point has at most 1000 fields";
const _: () = assert!(POINT_KEYS_MAX == 1_000, "the messages state the limit");

/// Characters that a backslash escapes in a measurement.
const MEASUREMENT_ESCAPES: &[char] = &[',', ' ', '\\'];
/// Characters that a backslash escapes in tag keys, tag values and field keys.
const KEY_ESCAPES: &[char] = &[',', '=', ' ', '\\'];

/// Reads a line without its line break.
///
/// # Errors
/// [`LineError`] with the first rule that the line breaks.
pub(super) fn scan(line: &str) -> Result<Point<'_>, LineError> {
    let mut scanner = Scanner { line, rest: line };
    scanner.name(b" \t\n\0,", MEASUREMENT_ESCAPES, "the measurement is missing")?;
    let mut tags = Vec::new();
    while scanner.take(",") {
        if tags.len() == POINT_KEYS_MAX {
            return Err(scanner.error(TOO_MANY_TAGS));
        }
        let key = scanner.key("a tag key is missing", "an equals sign should follow the tag key")?;
        tags.push((key, scanner.name(b" \t\n,", KEY_ESCAPES, "a tag value is missing")?));
    }
    if !scanner.take_spaces() {
        return Err(match scanner.rest {
            "" if line.contains("\\ ") => {
                scanner.error("the fields are missing: a backslash escapes the space after it")
            }
            "" => scanner.error("the fields are missing"),
            _ => scanner.error("a comma or a space should follow the measurement or the tags"),
        });
    }
    let mut fields = Vec::new();
    while fields.is_empty() || scanner.take(",") {
        if fields.len() == POINT_KEYS_MAX {
            return Err(scanner.error(TOO_MANY_FIELDS));
        }
        let key = scanner.key("a field key is missing", "an equals sign should follow the field key")?;
        fields.push((key, scanner.field_value()?));
    }
    let timestamp = if scanner.take_spaces() { Some(scanner.timestamp()?) } else { None };
    scanner.take_spaces();
    if !scanner.rest.is_empty() {
        return Err(scanner.error(match timestamp {
            Some(_) => "nothing should follow the timestamp",
            None => "a comma, a space or the end of the line should follow the field value",
        }));
    }
    Ok(Point { tags, fields, timestamp })
}

struct Scanner<'a> {
    line: &'a str,
    /// Part of the line that has not been read.
    rest: &'a str,
}

impl<'a> Scanner<'a> {
    /// Describes an error at the current position.
    fn error(&self, message: &'static str) -> LineError {
        let characters = |text: &str| text.chars().count();
        LineError { column: characters(self.line) - characters(self.rest) + 1, message }
    }

    /// Takes a prefix; returns whether it was there.
    fn take(&mut self, prefix: &str) -> bool {
        let rest = self.rest.strip_prefix(prefix);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// Takes spaces; returns whether there was one.
    fn take_spaces(&mut self) -> bool {
        let before = self.rest.len();
        self.rest = self.rest.trim_start_matches(' ');
        self.rest.len() < before
    }

    /// Takes the text up to one of these ASCII characters that is not escaped.
    fn take_until(&mut self, ends: &[u8]) -> &'a str {
        let mut is_escaped = false;
        let end = self.rest.bytes().position(|byte| {
            let is_end = !is_escaped && ends.contains(&byte);
            is_escaped = !is_escaped && byte == b'\\';
            is_end
        });
        let (text, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        text
    }

    /// Reads a key and the equals sign after it.
    fn key(&mut self, missing: &'static str, no_equals: &'static str) -> Result<Cow<'a, str>, LineError> {
        let key = self.name(b" \t\n=", KEY_ESCAPES, missing)?;
        if self.take("=") { Ok(key) } else { Err(self.error(no_equals)) }
    }

    /// Reads a measurement, a key or a tag value up to one of these ASCII characters.
    fn name(
        &mut self,
        ends: &[u8],
        escapes: &[char],
        missing: &'static str,
    ) -> Result<Cow<'a, str>, LineError> {
        let text = self.take_until(ends);
        if text.is_empty() {
            return Err(self.error(missing));
        }
        let name = if text.contains('\\') { unescape(text, escapes).into() } else { Cow::Borrowed(text) };
        // InfluxDB refuses this backslash, too, whether it is escaped or not.
        if name.ends_with('\\') {
            return Err(self.error("a measurement, a key or a tag value must not end with a backslash"));
        }
        Ok(name)
    }

    fn field_value(&mut self) -> Result<FieldValue, LineError> {
        let begin = Scanner { ..*self };
        if self.take("\"") {
            self.take_until(b"\"");
            return if self.take("\"") {
                Ok(FieldValue::String)
            } else {
                Err(begin.error("the string is not closed by a quote"))
            };
        }
        let end = self.rest.find([',', ' ']).unwrap_or(self.rest.len());
        let (text, rest) = self.rest.split_at(end);
        self.rest = rest;
        parse_field_value(text).map_err(|message| begin.error(message))
    }

    fn timestamp(&mut self) -> Result<i64, LineError> {
        let begin = Scanner { ..*self };
        let end = self.rest.find(' ').unwrap_or(self.rest.len());
        let (text, rest) = self.rest.split_at(end);
        self.rest = rest;
        if !is_integer(text) {
            return Err(begin.error("the timestamp should be an integer"));
        }
        text.parse().map_err(|_| begin.error("the timestamp should fit into 64 bits"))
    }
}

/// Removes the backslash before each escaped character. Keeps any other backslash, and the character after
/// it.
fn unescape(text: &str, escapes: &[char]) -> String {
    let mut unescaped = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        let next = if character == '\\' { characters.next() } else { None };
        if !next.is_some_and(|next| escapes.contains(&next)) {
            unescaped.push(character);
        }
        unescaped.extend(next);
    }
    unescaped
}

fn parse_field_value(text: &str) -> Result<FieldValue, &'static str> {
    const OUT_OF_RANGE: &str = "the integer should fit into 64 bits";
    if let "t" | "T" | "true" | "True" | "TRUE" | "f" | "F" | "false" | "False" | "FALSE" = text {
        return Ok(FieldValue::Boolean);
    }
    if let Some(digits) = text.strip_suffix('i').filter(|digits| is_integer(digits)) {
        return digits.parse().map(FieldValue::Integer).map_err(|_| OUT_OF_RANGE);
    }
    if let Some(digits) = text.strip_suffix('u').filter(|digits| is_digits(digits)) {
        return digits.parse().map(FieldValue::Unsigned).map_err(|_| OUT_OF_RANGE);
    }
    let number = text.parse().ok().filter(|_| is_float(text));
    number.map(FieldValue::Float).ok_or_else(|| describe_field_value(text))
}

/// Describes why a text is not a field value.
fn describe_field_value(text: &str) -> &'static str {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if text.ends_with('\\') {
        "the value must not end with a backslash"
    } else if text.is_empty() {
        "the value is missing"
    } else if ["nan", "inf", "infinity"].iter().any(|word| unsigned.eq_ignore_ascii_case(word)) {
        "NaN and infinite numbers are not allowed in line protocol"
    } else if text.parse::<f64>().is_err() {
        "the value should be a number, a boolean or a string in double quotes"
    } else if text.starts_with('+') {
        "a number must not begin with a plus sign"
    } else {
        "a number needs a digit on both sides of its decimal point"
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_integer(text: &str) -> bool {
    is_digits(text.strip_prefix('-').unwrap_or(text))
}

/// Returns whether the text is a number as line protocol writes it: with digits on both sides of a point, and
/// without a plus sign in front.
fn is_float(text: &str) -> bool {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let is_mantissa = match mantissa.split_once('.') {
        Some((whole, fraction)) => is_integer(whole) && is_digits(fraction),
        None => is_integer(mantissa),
    };
    is_mantissa
        && exponent.is_none_or(|exponent| is_digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)))
}
