//! Rows as the elements of a JSON array.

use serde_json::json;

use super::{Row, Rows, read_object};
use crate::faults::{Faults, Problem};
use crate::json::{Json, NotJson};

/// Reads an array of objects.
pub fn read<R: Row>(text: &str, faults: &mut Faults) -> Rows<R> {
    let mut rows = Rows::default();
    let read = Json::parse_elements(text, |index, element| {
        rows.rows.extend(read_object(element, index, faults));
        !faults.is_full()
    });
    match read {
        Ok(true) => {}
        Ok(false) => {
            let problem = Problem::new("list_type", "Input should be a valid list");
            faults.add(vec!["body".into()], problem, &Json::Null);
        }
        Err(NotJson { position, error }) => {
            // What is no JSON is no batch either: this is the only fault worth telling.
            *faults = Faults::default();
            let problem = Problem::new("json_invalid", "JSON decode error").with(json!({ "error": error }));
            faults.add(vec!["body".into(), position.into()], problem, &Json::Object(Vec::new()));
        }
    }
    rows
}
