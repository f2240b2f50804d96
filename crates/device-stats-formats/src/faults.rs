//! Faults of a request in the form of FastAPI: rule, location, message and input.

use std::borrow::Cow;

use device_stats_domain::redact_tokens;
use serde::Serialize;
use serde_json::Value;

use crate::json::Json;
use crate::limits::{ECHO_BYTES_MAX, FAULTS_MAX};

/// A step of the location of a fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum LocationStep {
    /// `body`, `path`, `query`, or the name of a member, column or parameter.
    Name(Cow<'static, str>),
    /// Position of an element in an array, of a row in a table or of a character in a text, from 0.
    Index(usize),
}

impl LocationStep {
    /// Creates a step from a name that a client sent. The name is cut to about a quarter of
    /// [`ECHO_BYTES_MAX`].
    pub fn from_sent(name: &str) -> Self {
        let cut: String = name.chars().take(ECHO_BYTES_MAX / 4).collect();
        Self::Name(if cut.len() < name.len() { format!("{cut}…") } else { cut }.into())
    }
}

impl From<&'static str> for LocationStep {
    fn from(name: &'static str) -> Self {
        Self::Name(Cow::Borrowed(name))
    }
}

impl From<usize> for LocationStep {
    fn from(index: usize) -> Self {
        Self::Index(index)
    }
}

/// The rule that a value breaks, in pydantic's words.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// Pydantic's type of the error: `missing`, `float_parsing` ...
    pub kind: &'static str,
    /// Pydantic's message, or our own if pydantic has no such rule.
    pub msg: Cow<'static, str>,
    /// Numbers and words of the message, as values that a program can read.
    pub ctx: Option<Value>,
}

impl Problem {
    /// Creates a problem without context.
    pub fn new(kind: &'static str, msg: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, msg: msg.into(), ctx: None }
    }

    /// Adds the numbers and words of the message.
    #[must_use]
    pub fn with(self, ctx: Value) -> Self {
        Self { ctx: Some(ctx), ..self }
    }
}

/// A problem at a location of a request.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Fault {
    /// Pydantic's type of the error.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Location in the request.
    pub loc: Vec<LocationStep>,
    /// Line number in the body, from 1, if the body consists of lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// Message for people.
    pub msg: Cow<'static, str>,
    /// The faulty value, cut to [`ECHO_BYTES_MAX`].
    pub input: Value,
    /// Numbers and words of the message, as values that a program can read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ctx: Option<Value>,
}

impl Fault {
    /// Creates the fault of a problem. Redacts tokens that a client has sent in a wrong place, because
    /// clients log faults.
    pub fn new(loc: Vec<LocationStep>, line: Option<u64>, problem: Problem, input: Value) -> Self {
        let Problem { kind, msg, ctx } = problem;
        let loc = loc.into_iter().map(|step| match step {
            LocationStep::Name(name) => LocationStep::Name(redact_text(name)),
            LocationStep::Index(index) => LocationStep::Index(index),
        });
        let (msg, input, ctx) = (redact_text(msg), redact_json(input), ctx.map(redact_json));
        Self { kind, loc: loc.collect(), line, msg, input, ctx }
    }
}

fn redact_text(text: Cow<'static, str>) -> Cow<'static, str> {
    match text {
        Cow::Borrowed(own) => Cow::Borrowed(own),
        Cow::Owned(text) => Cow::Owned(redact_tokens(&text).into_owned()),
    }
}

fn redact_json(value: Value) -> Value {
    match value {
        Value::String(text) => redact_tokens(&text).into(),
        Value::Array(elements) => elements.into_iter().map(redact_json).collect(),
        Value::Object(members) => {
            let redacted =
                |(name, value): (String, Value)| (redact_tokens(&name).into_owned(), redact_json(value));
            Value::Object(members.into_iter().map(redacted).collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value,
    }
}

/// The faults found so far, up to [`FAULTS_MAX`].
#[derive(Debug, Default)]
pub struct Faults {
    found: Vec<Fault>,
    /// Whether reading continues after [`FAULTS_MAX`] faults. Further faults are not kept.
    reads_on: bool,
    /// Line number of the next fault.
    line: Option<u64>,
}

impl Faults {
    /// Creates the faults of rows that are skipped: all rows are read.
    pub(crate) fn of_skipped_rows() -> Self {
        Self { reads_on: true, ..Self::default() }
    }

    /// Sets the line number, from 1, of the faults that are noted from now on.
    pub(crate) fn at_line(&mut self, line: u64) {
        self.line = Some(line);
    }

    /// Notes a fault, unless there are [`FAULTS_MAX`] already.
    pub fn add(&mut self, loc: Vec<LocationStep>, problem: Problem, input: &Json) {
        if self.found.len() < FAULTS_MAX {
            self.found.push(Fault::new(loc, self.line, problem, input.echo()));
        }
    }

    /// Returns the value of a result, or notes its problem.
    pub fn keep<T>(&mut self, loc: Vec<LocationStep>, input: &Json, read: Result<T, Problem>) -> Option<T> {
        read.map_err(|problem| self.add(loc, problem, input)).ok()
    }

    /// Adds faults that were found elsewhere.
    pub(crate) fn append(&mut self, others: Self) {
        self.found.extend(others.found);
        self.found.truncate(FAULTS_MAX);
    }

    /// Returns whether no fault has been found.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Returns whether nothing more needs to be read, because further faults would not be kept.
    pub(crate) fn is_full(&self) -> bool {
        !self.reads_on && self.found.len() >= FAULTS_MAX
    }

    /// Returns whether a further fault would be kept.
    pub(crate) fn keeps_more(&self) -> bool {
        self.found.len() < FAULTS_MAX
    }

    /// Returns the faults in the order in which they were found.
    pub fn into_vec(self) -> Vec<Fault> {
        self.found
    }
}

#[cfg(test)]
mod tests {
    use device_stats_domain::{Token, TokenKind};
    use serde_json::json;

    use super::*;

    /// A fault repeated the token that a client had sent in a wrong place.
    #[test]
    fn a_fault_shows_no_token() {
        let token = Token::from_random(TokenKind::User, &[0xAB; 32]);
        let (text, shown) = (token.expose(), "dss_u_q6urq6***");
        let problem = Problem::new("extra_forbidden", format!("{text} is unknown"));
        let problem = problem.with(json!({"names": [text, 1, null, true]}));
        let loc = vec!["query".into(), LocationStep::from_sent(text), LocationStep::Index(7)];
        let input = Json::Object(vec![
            (text.to_owned(), Json::Null),
            ("list".to_owned(), Json::Array(vec![Json::String(format!("a {text} b"))])),
        ]);
        let mut faults = Faults::default();
        faults.at_line(3);
        faults.add(loc, problem, &input);
        let expected = json!([{
            "type": "extra_forbidden",
            "loc": ["query", shown, 7],
            "line": 3,
            "msg": format!("{shown} is unknown"),
            "input": {(shown): null, "list": [format!("a {shown} b")]},
            "ctx": {"names": [shown, 1, null, true]},
        }]);
        assert_eq!(serde_json::to_value(faults.into_vec()).unwrap(), expected);
    }
}
