//! A column of numbers.

use std::borrow::Cow;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Float64Type};
use arrow_array::{Array, ArrayRef, downcast_integer_array};
use arrow_schema::DataType;
use device_stats_domain::Finite;

use super::{Wrong, is_null, wrong};
use crate::faults::Problem;
use crate::json::Json;
use crate::values;

/// Whether a column of that type holds numbers.
pub fn is_taken(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Float64 | DataType::Float32) || data_type.is_integer()
}

/// The column.
pub struct Numbers<'a>(&'a ArrayRef);

impl<'a> Numbers<'a> {
    /// `None` where it holds no numbers.
    pub fn of(column: &'a ArrayRef) -> Option<Self> {
        is_taken(column.data_type()).then_some(Self(column))
    }

    /// All of them as doubles; `None` where one is missing, or no double.
    pub fn all(&self) -> Option<Cow<'a, [f64]>> {
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

    /// One of them.
    pub fn read(&self, row: usize) -> Result<Finite, Wrong> {
        let column = self.0;
        let number = match column.data_type() {
            _ if is_null(column, row) => return Err(wrong(values::no_number(), Json::Null)),
            DataType::Float64 => column.as_primitive::<Float64Type>().value(row),
            DataType::Float32 => f64::from(column.as_primitive::<Float32Type>().value(row)),
            _ => {
                let integer = downcast_integer_array!(
                    column => i128::from(column.value(row)),
                    _ => 0
                );
                exact(integer).ok_or_else(|| wrong(not_exact(), Json::Number(integer.to_string())))?
            }
        };
        values::finite_number(number).map_err(|problem| wrong(problem, Json::Number(number.to_string())))
    }
}

/// An integer as the double that equals it.
fn exact(integer: i128) -> Option<f64> {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "whether it is exact is seen"
    )]
    let (number, again) = (integer as f64, integer as f64 as i128);
    (again == integer).then_some(number)
}

fn not_exact() -> Problem {
    Problem::new("integer_inexact", "Input should be an integer that a double holds exactly")
}
