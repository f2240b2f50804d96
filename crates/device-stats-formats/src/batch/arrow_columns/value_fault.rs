//! The fault of a value in a column.

use crate::faults::Problem;
use crate::json::Json;

/// The rule that a value breaks, and the value. Boxed, since it is large and rare.
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
