//! The fault of a value in a column.

use crate::faults::Problem;
use crate::json::Json;

/// The rule that a value breaks, and the value. The value is boxed, because it is large and faults are rare.
#[derive(Debug)]
pub(super) struct ValueFault {
    pub(super) problem: Box<Problem>,
    pub(super) input: Box<Json>,
}

impl ValueFault {
    pub(super) fn new(problem: Problem, input: Json) -> Self {
        Self { problem: Box::new(problem), input: Box::new(input) }
    }
}
