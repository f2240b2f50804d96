//! The columns that a schema must have, and the types that they may have.

use arrow_schema::{DataType, Schema};
use serde_json::json;

use super::text_column::holds_text;
use crate::column_names::{ColumnNames, column_location};
use crate::faults::{Faults, Problem};
use crate::json::Json;

/// Notes missing, unknown and repeated columns, and columns of a wrong type; `None` if there is a fault.
pub(crate) fn check_columns(names: ColumnNames, schema: &Schema, faults: &mut Faults) -> Option<()> {
    let columns: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    names.check(&columns, faults)?;
    for field in schema.fields() {
        let data_type = field.data_type();
        let (is_accepted, expected) = match field.name().as_str() {
            "device_id" => (holds_text(data_type), "Utf8, or a dictionary of it"),
            "timestamp" => (holds_times(data_type), "Timestamp, Int64 or Utf8"),
            _ => (holds_numbers(data_type), "Float64, Float32 or an integer"),
        };
        if !is_accepted {
            let problem = Problem::new("column_type", format!("Column should be of the type {expected}"));
            let problem = problem.with(json!({ "expected": expected }));
            faults.add(column_location(field.name()), problem, &Json::String(data_type.to_string()));
        }
    }
    faults.is_empty().then_some(())
}

/// Returns whether a column of this type is read as numbers.
pub(crate) fn holds_numbers(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Float64 | DataType::Float32) || data_type.is_integer()
}

/// Returns whether a column of this type is read as times.
fn holds_times(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Timestamp(..) | DataType::Int64 | DataType::Null) || holds_text(data_type)
}
