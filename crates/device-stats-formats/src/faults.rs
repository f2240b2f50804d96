//! Faults of a request, in the form FastAPI's clients know: what kind, where, in which words, and what was sent.

use std::borrow::Cow;

use device_stats_domain::limits::{ECHO_BYTES_MAX, FAULTS_MAX};
use serde::Serialize;
use serde_json::Value;

use crate::json::Json;

/// A step on the way to the part of a request that is at fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Step {
    /// `body`, `path`, `query`, or the name of a member or parameter.
    Name(Cow<'static, str>),
    /// A position: of an element in an array, of a row in a table, or of a character in a text; from 0.
    Index(usize),
}

impl Step {
    /// A name as it was sent, cut where it is longer than [`ECHO_BYTES_MAX`].
    pub fn sent(name: &str) -> Self {
        let cut: String = name.chars().take(ECHO_BYTES_MAX / 4).collect();
        Self::Name(if cut.len() < name.len() { format!("{cut}…") } else { cut }.into())
    }
}

impl From<&'static str> for Step {
    fn from(name: &'static str) -> Self {
        Self::Name(Cow::Borrowed(name))
    }
}

impl From<usize> for Step {
    fn from(index: usize) -> Self {
        Self::Index(index)
    }
}

/// Which rule a value breaks: pydantic's word for it and pydantic's sentence.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// Pydantic's word: `missing`, `float_parsing`, ...
    pub kind: &'static str,
    /// Pydantic's sentence, or ours where pydantic has no such rule.
    pub msg: Cow<'static, str>,
    /// The numbers and words inside the sentence, for programs.
    pub ctx: Option<Value>,
}

impl Problem {
    /// A problem whose sentence holds no more than it says.
    pub fn new(kind: &'static str, msg: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, msg: msg.into(), ctx: None }
    }

    /// The same with its numbers or words told apart.
    pub fn with(self, ctx: Value) -> Self {
        Self { ctx: Some(ctx), ..self }
    }
}

/// One fault.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Fault {
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub loc: Vec<Step>,
    /// The line of the body, from 1, where the body consists of lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    pub msg: Cow<'static, str>,
    pub input: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ctx: Option<Value>,
}

/// All faults found so far.
#[derive(Debug, Default)]
pub struct Faults {
    found: Vec<Fault>,
    /// On which line of the body the next one is.
    line: Option<u64>,
}

impl Faults {
    /// Says on which line of the body is what is noted from now on, counted from 1.
    pub fn at_line(&mut self, line: u64) {
        self.line = Some(line);
    }

    /// Notes a fault; beyond [`FAULTS_MAX`] no more are kept.
    pub fn add(&mut self, loc: Vec<Step>, problem: Problem, input: &Json) {
        if !self.is_full() {
            let Problem { kind, msg, ctx } = problem;
            self.found.push(Fault { kind, loc, line: self.line, msg, input: input.echo(), ctx });
        }
    }

    /// Notes the fault of a result and returns what is right.
    pub fn keep<T>(&mut self, loc: Vec<Step>, input: &Json, read: Result<T, Problem>) -> Option<T> {
        read.map_err(|problem| self.add(loc, problem, input)).ok()
    }

    /// Notes faults that were found elsewhere.
    pub fn append(&mut self, others: Self) {
        self.found.extend(others.found);
        self.found.truncate(FAULTS_MAX);
    }

    /// Whether no fault has been found.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Whether looking for more is of no use.
    pub fn is_full(&self) -> bool {
        self.found.len() >= FAULTS_MAX
    }

    /// The faults, in the order found.
    pub fn into_vec(self) -> Vec<Fault> {
        self.found
    }
}
