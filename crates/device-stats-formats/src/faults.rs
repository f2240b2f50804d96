//! Faults of a request in the form of FastAPI: rule, location, message and input.

use std::borrow::Cow;

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
            let Problem { kind, msg, ctx } = problem;
            self.found.push(Fault { kind, loc, line: self.line, msg, input: input.echo(), ctx });
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
