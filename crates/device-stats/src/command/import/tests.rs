//! The location of a fault in the imported file.

use std::path::Path;

use device_stats_client::Fault;
use device_stats_formats::file::RowNumbering;
use serde_json::json;

use super::locate_fault;

#[test]
fn a_fault_of_a_row_names_its_line() {
    let located = |loc| {
        let fault: Fault = serde_json::from_value(json!({ "loc": loc, "msg": "wrong" })).unwrap();
        locate_fault(&fault, Path::new("data.csv"), &[2, 5], RowNumbering::Lines)
    };
    assert_eq!(located(json!(["body", 1, "x"])), "data.csv:5: x: wrong");
    assert_eq!(located(json!(["body", 0])), "data.csv:2: wrong");
    assert_eq!(located(json!(["body", 7, "x"])), "data.csv: 7.x: wrong");
    assert_eq!(located(json!(["body", "header", "x"])), "data.csv: header.x: wrong");
    assert_eq!(located(json!(["body"])), "data.csv: wrong");
}
