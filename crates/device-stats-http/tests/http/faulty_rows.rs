//! Batches with faulty rows and missing devices: refused as a whole, or stored without them on request.

use std::fmt::Write as _;
use std::sync::Arc;

use arrow_array::{Float64Array, RecordBatch, StringArray};
use arrow_ipc::writer::StreamWriter;
use serde_json::{Value, json};

use crate::server::{Api, READINGS, Response, over_both_stores};

over_both_stores!(
    skip_stores_the_other_rows_in_every_format,
    every_fault_skips_its_row,
    skip_reads_on_after_the_last_kept_fault,
    skip_skips_readings_of_missing_devices,
    register_creates_missing_devices,
    a_repeated_key_returns_the_first_outcome,
    a_body_that_is_no_batch_is_refused,
    invalid_options_are_refused
);

const BATCH: &str = "/api/v1/stats/devices/d/batch";
const MIXED: &str = "/api/v1/stats/batch";
const WRITE: &str = "/api/v1/write";

const JSON: &str = "application/json";
const NDJSON: &str = "application/x-ndjson";
const CSV: &str = "text/csv";
const ARROW: &str = "application/vnd.apache.arrow.stream";

/// Returns accepted and rejected rows, and the location of each fault.
fn outcome(response: &Response) -> (u64, u64, Vec<String>) {
    let answer = response.json();
    let faults = answer["faults"].as_array().unwrap_or_else(|| panic!("{response:?}"));
    let location = |fault: &Value| {
        let steps = fault["loc"].as_array().unwrap().iter();
        let steps: Vec<String> = steps.map(|step| step.to_string().replace('"', "")).collect();
        steps.join(".")
    };
    let count = |name: &str| answer[name].as_u64().unwrap();
    (count("accepted"), count("rejected"), faults.iter().map(location).collect())
}

/// Returns an Arrow stream with a reading for each x.
fn arrow(xs: &[f64]) -> Vec<u8> {
    let numbers = || Arc::new(Float64Array::from(vec![1.0; xs.len()])) as _;
    let devices = Arc::new(StringArray::from(vec!["d"; xs.len()])) as _;
    let times: Vec<String> = (0..xs.len()).map(|n| format!("2026-11-23T00:00:{n:02}Z")).collect();
    let columns = [
        ("device_id", devices),
        ("timestamp", Arc::new(StringArray::from(times)) as _),
        ("x", Arc::new(Float64Array::from(xs.to_vec())) as _),
        ("y", numbers()),
        ("z", numbers()),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    // Two record batches, so that a row after the fault is in another one.
    writer.write(&batch.slice(0, 2)).unwrap();
    writer.write(&batch.slice(2, xs.len() - 2)).unwrap();
    writer.into_inner().unwrap()
}

/// One faulty row of four kept the others from being stored.
async fn skip_stores_the_other_rows_in_every_format(api: Api) {
    let row = |n: usize, x: &str| {
        format!(r#"{{"device_id":"d","x":{x},"y":1,"z":1,"timestamp":"2026-11-23T00:00:0{n}Z"}}"#)
    };
    let rows: Vec<String> = ["1", "\"bad\"", "3", "4"].iter().enumerate().map(|(n, x)| row(n, x)).collect();
    let (mut table, mut lines) = ("device_id,x,y,z,timestamp\n".to_owned(), String::new());
    for (n, x) in ["1", "bad", "3", "4"].iter().enumerate() {
        writeln!(table, "d,{x},1,1,2026-11-23T00:00:0{n}Z").unwrap();
        writeln!(lines, "m,device=d x={x},y=1,z=1 179539200{n}000000000").unwrap();
    }
    let arrow = arrow(&[1.0, f64::NAN, 3.0, 4.0]);
    for (path, kind, body, fault) in [
        (MIXED, JSON, format!("[{}]", rows.join(",")).into_bytes(), "body.1.x"),
        (MIXED, NDJSON, rows.join("\n").into_bytes(), "body.1.x"),
        (MIXED, CSV, table.into_bytes(), "body.1.x"),
        (MIXED, ARROW, arrow, "body.1.x"),
        (WRITE, "text/plain", lines.into_bytes(), "body.1"),
    ] {
        api.device("d").await;
        assert_eq!(api.post_as(path, kind, &body).await.status, 422, "{kind}");
        assert!(api.list(READINGS).await.is_empty(), "{kind}");
        let response = api.post_as(&format!("{path}?on_fault=skip"), kind, &body).await;
        assert_eq!(outcome(&response), (3, 1, vec![fault.to_owned()]), "{kind}");
        let xs: Vec<Value> = api.list(READINGS).await.iter().map(|reading| reading["x"].clone()).collect();
        assert_eq!(xs, [json!(4.0), json!(3.0), json!(1.0)], "{kind}");
        api.delete("/api/v1/devices/d").await;
    }
    api.device("d").await;
    let response =
        api.post_as(&format!("{WRITE}?on_fault=skip"), "text/plain", b"m,device=d x=1,y=2,z=3").await;
    assert_eq!(response.status, 204);
    let response = api.post_as(&format!("{BATCH}?on_fault=skip"), JSON, br#"[{"x":1,"y":2,"z":3}]"#).await;
    assert_eq!(outcome(&response), (1, 0, Vec::new()));
    let response = api.post_as(BATCH, JSON, br#"[{"x":1,"y":2,"z":3}]"#).await.json();
    assert!(response.get("rejected").is_none() && response.get("faults").is_none());
}

/// A row with an unknown member was stored although it had a fault.
async fn every_fault_skips_its_row(api: Api) {
    api.device("d").await;
    let good = r#"{"x":1,"y":2,"z":3}"#;
    for bad in [
        r#"{"x":1,"y":2,"z":3,"unit":"g"}"#,
        r#"{"x":1,"y":2,"z":3,"Timestamp":"2020-01-01"}"#,
        r#"{"x":1,"x":1,"y":2,"z":3}"#,
        r#"{"x":1,"y":2}"#,
        r#"{"x":1,"y":2,"z":3,"timestamp":2026}"#,
        "7",
    ] {
        for (kind, body) in [(JSON, format!("[{bad},{good}]")), (NDJSON, format!("{bad}\n{good}\n"))] {
            let response = api.post_as(&format!("{BATCH}?on_fault=skip"), kind, body.as_bytes()).await;
            let (accepted, rejected, faults) = outcome(&response);
            assert_eq!((accepted, rejected), (1, 1), "{bad}");
            assert!(!faults.is_empty(), "{bad}");
        }
    }
    assert_eq!(api.list(READINGS).await.len(), 12);
}

async fn skip_reads_on_after_the_last_kept_fault(api: Api) {
    api.device("d").await;
    let rows = format!("x,y,z\n{}1,2,3\n", "1,2,three\n".repeat(250));
    let response = api.post_as(&format!("{BATCH}?on_fault=skip"), CSV, rows.as_bytes()).await;
    let (accepted, rejected, faults) = outcome(&response);
    assert_eq!((accepted, rejected, faults.len()), (1, 250, 100));
}

async fn skip_skips_readings_of_missing_devices(api: Api) {
    api.device("d").await;
    let rows = "device_id,x,y,z\nd,1,2,3\nd,1,2,bad\nnone,1,2,3\nd,4,5,6\n";
    let response = api.post_as(&format!("{MIXED}?on_fault=skip"), CSV, rows.as_bytes()).await;
    let expected = vec!["body.1.z".to_owned(), "body.2.device_id".to_owned()];
    assert_eq!(outcome(&response), (2, 2, expected));
    let faults = &response.json()["faults"];
    assert_eq!((&faults[0]["line"], &faults[1]["line"]), (&json!(3), &json!(4)));
    // Without `on_fault`, the position of a missing device counts all rows.
    let response = api.post_as(MIXED, CSV, b"device_id,x,y,z\nd,1,2,3\nnone,1,2,3\n").await;
    assert_eq!(response.brief(), "422 device_not_found body.1.device_id");
    let response =
        api.post_as("/api/v1/stats/devices/none/batch?on_fault=skip", CSV, b"x,y,z\n1,2,3\n").await;
    assert_eq!(response.brief(), "404 Device not found");
}

async fn register_creates_missing_devices(api: Api) {
    let response = api
        .post_as(&format!("{MIXED}?register=true"), CSV, b"device_id,x,y,z\na,1,2,3\nb,1,2,3\na,4,5,6\n")
        .await;
    assert_eq!(response.json()["accepted"], 3, "{response:?}");
    let response =
        api.post_as("/api/v1/stats/devices/c/batch?register=1", JSON, br#"[{"x":1,"y":2,"z":3}]"#).await;
    assert_eq!(response.json()["accepted"], 1, "{response:?}");
    let response =
        api.post_as(&format!("{WRITE}?register=true"), "text/plain", b"m,device=e x=1,y=2,z=3").await;
    assert_eq!(response.status, 204);
    for device in ["a", "b", "c", "e"] {
        assert_eq!(api.get(&format!("/api/v1/devices/{device}")).await.json()["user_id"], Value::Null);
    }
    let mut many = "device_id,x,y,z\n".to_owned();
    for n in 0..1_001 {
        writeln!(many, "new-{n},1,2,3").unwrap();
    }
    let response = api.post_as(&format!("{MIXED}?register=true"), CSV, many.as_bytes()).await;
    assert_eq!(response.brief(), "422 too_many_new_devices query.register");
    assert_eq!(api.get("/api/v1/devices/new-0").await.status, 404);
    // A faulty batch registers nothing.
    let response = api.post_as(&format!("{MIXED}?register=true"), CSV, b"device_id,x,y,z\nf,1,2,bad\n").await;
    assert_eq!(response.status, 422);
    assert_eq!(api.get("/api/v1/devices/f").await.status, 404);
}

async fn a_repeated_key_returns_the_first_outcome(api: Api) {
    api.device("d").await;
    let path = format!("{MIXED}?on_fault=skip");
    let rows = b"device_id,x,y,z\nd,1,2,3\nnone,1,2,3\nd,1,2,bad\n";
    for _ in 0..2 {
        let headers = ["content-type: text/csv", "idempotency-key: k"];
        let response = api.send("POST", &path, &headers, Some(rows)).await;
        let (accepted, rejected, _) = outcome(&response);
        assert_eq!((accepted, rejected), (1, 2));
    }
    assert_eq!(api.list(READINGS).await.len(), 1);
    // The missing device exists now, so the request would store another reading.
    api.device("none").await;
    let response =
        api.send("POST", &path, &["content-type: text/csv", "idempotency-key: k"], Some(rows)).await;
    assert_eq!(response.brief(), "422 idempotency_key_reused header.Idempotency-Key");
}

/// A body whose rows cannot be told apart has no good rows.
async fn a_body_that_is_no_batch_is_refused(api: Api) {
    api.device("d").await;
    for (kind, body, expected) in [
        (JSON, "[{\"x\":1,\"y\":2,\"z\":3},", "422 json_invalid body.21"),
        (JSON, "{}", "422 list_type body"),
        (CSV, "x,y\n1,2\n", "422 missing body.header.z"),
        // The rest of the body is one record.
        (CSV, "x,y,z\n1,2,3\n\"1,2,3\n4,5,6\n", "422 csv_invalid body.1"),
        (NDJSON, "", "422 missing body"),
    ] {
        let response = api.post_as(&format!("{BATCH}?on_fault=skip"), kind, body.as_bytes()).await;
        assert_eq!(response.brief(), expected, "{body}");
    }
    assert!(api.list(READINGS).await.is_empty());
}

async fn invalid_options_are_refused(api: Api) {
    api.device("d").await;
    for (query, expected) in [
        ("on_fault=ignore", "422 literal_error query.on_fault"),
        ("on_fault=", "422 literal_error query.on_fault"),
        ("register=maybe", "422 bool_parsing query.register"),
        ("on_fault=skip&on_fault=skip", "422 repeated query.on_fault"),
    ] {
        let response = api.post_as(&format!("{BATCH}?{query}"), JSON, br#"[{"x":1,"y":2,"z":3}]"#).await;
        assert_eq!(response.brief(), expected, "{query}");
    }
    assert!(api.list(READINGS).await.is_empty());
}
