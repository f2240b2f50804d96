//! Faults of a batch find their way back to the lines of the file.

use std::path::Path;

use device_stats_formats::file::Place;
use serde_json::json;

use super::line_of;
use device_stats_client::Fault;

#[test]
fn a_fault_is_told_with_its_line() {
    let told = |loc| {
        let fault: Fault = serde_json::from_value(json!({ "loc": loc, "msg": "wrong" })).unwrap();
        line_of(&fault, Path::new("data.csv"), &[2, 5], Place::Line)
    };
    assert_eq!(told(json!(["body", 1, "x"])), "data.csv:5: x: wrong");
    assert_eq!(told(json!(["body", 0])), "data.csv:2: wrong");
    assert_eq!(told(json!(["body", 7, "x"])), "data.csv: 7.x: wrong");
    assert_eq!(told(json!(["body", "header", "x"])), "data.csv: header.x: wrong");
    assert_eq!(told(json!(["body"])), "data.csv: wrong");
}
