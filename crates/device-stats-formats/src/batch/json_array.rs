//! Rows as the elements of a JSON array.

use serde_json::json;

use super::batch_rows::BatchRows;
use super::json_row::read_row;
use super::row::Row;
use crate::faults::{Faults, Problem};
use crate::json::{Json, JsonError};
use crate::reading_times::ReadingTimes;

/// Reads an array of objects, and notes its faults; `None` if the text is not an array.
pub(super) fn read<R: Row>(
    text: &str,
    times: &mut ReadingTimes,
    faults: &mut Faults,
) -> Option<BatchRows<R>> {
    let mut rows = BatchRows::default();
    let mut count = 0;
    let read = Json::parse_elements(text, |index, element| {
        count = index + 1;
        if let Some(row) = read_row(element, index, times, faults) {
            rows.push(index, row);
        }
        !faults.is_full()
    });
    match read {
        Ok(true) => {
            rows.count_rejected(count);
            return Some(rows);
        }
        Ok(false) => {
            let problem = Problem::new("list_type", "Input should be a valid list");
            faults.add(vec!["body".into()], problem, &Json::Null);
        }
        Err(JsonError { position, error }) => {
            // Invalid JSON is no batch, so its other faults are dropped.
            *faults = Faults::default();
            let problem = Problem::new("json_invalid", "JSON decode error").with(json!({ "error": error }));
            faults.add(vec!["body".into(), position.into()], problem, &Json::Object(Vec::new()));
        }
    }
    None
}
