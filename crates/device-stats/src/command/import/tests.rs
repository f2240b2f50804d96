//! The parts of an import that need no server.

use std::path::Path;

use device_stats_client::Fault;
use device_stats_domain::{Axes, DeviceId, Finite, Measurement, Timestamp};
use device_stats_formats::file::{DecimalMark, FileRow, RowNumbering, RowPosition};
use serde_json::json;

use super::batch::{Batch, overlap};
use super::faults::report_faults;
use super::row_selection::RowSelection;

fn row(device: &str, time: Option<i64>, index: u64) -> FileRow {
    FileRow {
        position: RowPosition { index, number: index + 2 },
        device: DeviceId::new(device).unwrap(),
        measurement: Measurement {
            time: time.map(|micros| Timestamp::from_micros(micros).unwrap()),
            values: Axes { x: 1.5, y: -0.25, z: 9.81 }.map(|number| Finite::new(number).unwrap()),
        },
    }
}

fn batch(rows: Vec<FileRow>) -> Batch {
    let (file, numbering) = (Path::new("data.csv").into(), RowNumbering::Lines);
    Batch {
        file,
        numbering,
        decimal_mark: DecimalMark::Point,
        rows_before: 10,
        rows,
        rejected: Vec::new(),
        begin: 10,
        end: 13,
    }
}

#[test]
fn batches_with_a_common_time_of_a_device_overlap() {
    let spans =
        |device, times: [i64; 2]| batch(times.map(|time| row(device, Some(time), 0)).to_vec()).spans();
    for (one, other, expected) in [
        (("a", [1, 5]), ("a", [6, 9]), false),
        (("a", [1, 5]), ("a", [5, 9]), true),
        (("a", [1, 9]), ("a", [3, 4]), true),
        (("a", [7, 9]), ("a", [3, 4]), false),
        (("a", [1, 5]), ("b", [1, 5]), false),
    ] {
        let (one, other) = (spans(one.0, one.1), spans(other.0, other.1));
        assert_eq!((overlap(&one, &other), overlap(&other, &one)), (expected, expected));
    }
}

#[test]
fn rows_that_the_server_refuses_are_taken_out() {
    let mut batch = batch((0..3).map(|index| row("a", Some(1), index)).collect());
    let fault = |loc| -> Fault { serde_json::from_value(json!({ "loc": loc, "msg": "wrong" })).unwrap() };
    assert_eq!(batch.reject(&[fault(json!(["body"])), fault(json!(["query", "x"]))]), []);
    let rejected = batch.reject(&[fault(json!(["body", 1, "device_id"]))]);
    assert_eq!(rejected.len(), 1);
    assert_eq!(rejected[0].position, RowPosition { index: 1, number: 3 });
    assert_eq!(rejected[0].values, ["a", "1970-01-01T00:00:00.000001Z", "1.5", "-0.25", "9.81"]);
    assert_eq!(
        (rejected[0].faults[0].column.as_deref(), &*rejected[0].faults[0].msg),
        (Some("device_id"), "wrong")
    );
    assert_eq!(batch.rows.iter().map(|row| row.position.index).collect::<Vec<_>>(), [0, 2]);
}

#[test]
fn an_error_names_the_rows_to_leave_out() {
    let mut batch = batch(vec![row("a", None, 1)]);
    batch.rejected = batch_rejects();
    let words = report_faults(&batch).unwrap().to_string();
    assert!(words.starts_with("2 faults in data.csv; ") && words.ends_with("--skip-rows 11,13"), "{words}");
    // If all rows have the same fault, the rows are not the reason.
    batch.rows.clear();
    let words = report_faults(&batch).unwrap().to_string();
    assert!(words.contains("all 2 rows have the same fault") && !words.contains("--skip-rows"), "{words}");
    let mut file = device_stats_formats::file::FileBatch { rows: Vec::new(), rejected: batch_rejects() };
    RowSelection::new(0, &[11, 13]).apply(&mut file, 10);
    assert!(file.is_empty());
    let mut file = device_stats_formats::file::FileBatch { rows: Vec::new(), rejected: batch_rejects() };
    RowSelection::new(12, &[]).apply(&mut file, 10);
    assert_eq!(file.rejected.iter().map(|row| row.position.index).collect::<Vec<_>>(), [2]);
}

fn batch_rejects() -> Vec<device_stats_formats::file::RejectedRow> {
    let fault = || device_stats_formats::file::RowFault::of_row("wrong");
    [0, 2].map(|index| row("a", None, index).reject(fault(), DecimalMark::Point)).to_vec()
}
