//! A column of numbers.

use std::borrow::Cow;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Float64Type};
use arrow_array::{Array, ArrayRef, downcast_integer_array};
use arrow_schema::DataType;
use device_stats_domain::Finite;

use super::ValueFault;
use crate::arrow::holds_numbers;
use crate::faults::Problem;
use crate::json::Json;
use crate::values;

/// A column of floats or integers.
pub(crate) struct NumberColumn<'a>(&'a ArrayRef);

impl<'a> NumberColumn<'a> {
    /// Wraps a column; `None` if it does not hold numbers.
    pub(crate) fn new(column: &'a ArrayRef) -> Option<Self> {
        holds_numbers(column.data_type()).then_some(Self(column))
    }

    /// Returns all numbers as doubles; `None` if one is missing or is not exact as a double.
    pub(crate) fn read_all(&self) -> Option<Cow<'a, [f64]>> {
        let column = self.0;
        if column.null_count() > 0 {
            return None;
        }
        match column.data_type() {
            DataType::Float64 => Some(Cow::Borrowed(column.as_primitive::<Float64Type>().values())),
            DataType::Float32 => {
                let numbers = column.as_primitive::<Float32Type>().values();
                Some(numbers.iter().map(|number| f64::from(*number)).collect())
            }
            _ => downcast_integer_array!(
                column => column.values().iter().map(|number| exact(i128::from(*number))).collect(),
                _ => None
            ),
        }
    }

    /// Returns the number of a row.
    pub(crate) fn read(&self, row: usize) -> Result<Finite, ValueFault> {
        let column = self.0;
        let number = match column.data_type() {
            _ if column.is_null(row) => return Err(Box::new((values::not_a_number(), Json::Null))),
            DataType::Float64 => column.as_primitive::<Float64Type>().value(row),
            DataType::Float32 => f64::from(column.as_primitive::<Float32Type>().value(row)),
            _ => {
                let integer = downcast_integer_array!(
                    column => i128::from(column.value(row)),
                    other => unreachable!("a column of the type {other} is not read as numbers")
                );
                exact(integer).ok_or_else(|| Box::new((not_exact(), Json::Number(integer.to_string()))))?
            }
        };
        values::finite_number(number).map_err(|problem| Box::new((problem, Json::Number(number.to_string()))))
    }
}

/// Returns the double that equals an integer, if there is one.
fn exact(integer: i128) -> Option<f64> {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "the comparison shows whether it is exact"
    )]
    let (number, again) = (integer as f64, integer as f64 as i128);
    (again == integer).then_some(number)
}

fn not_exact() -> Problem {
    Problem::new("integer_inexact", "Input should be an integer that a double holds exactly")
}
