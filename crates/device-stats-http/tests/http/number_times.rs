//! Numeric times of readings: a number whose unit is not certain is refused, never stored as another time.

use serde_json::json;

use crate::server::{Api, READINGS, Response, over_both_stores};

over_both_stores!(
    an_implausible_number_is_refused_in_every_format,
    a_stated_unit_allows_any_time,
    numbers_of_two_units_are_refused,
    skip_keeps_the_unit_of_the_first_number,
    every_notation_of_an_instant_is_one_reading,
    a_period_refuses_dates_written_as_numbers
);

const BATCH: &str = "/api/v1/stats/devices/d/batch";
const MIXED: &str = "/api/v1/stats/batch";
const WRITE: &str = "/api/v1/write";

/// Numbers that were stored with the years 1970, 2603 and 2612.
const IMPLAUSIBLE: [&str; 12] = [
    "2026",
    "20261123",
    "20261123100000",
    "46349.4167",
    "4.63494167e4",
    "2.026e3",
    "0",
    "86400",
    "-1",
    "19999999999",
    "1795428000000000",
    "1795428000000000000",
];

/// Posts a time in a path's format, and returns the response.
async fn post_time(api: Api, format: &str, time: &str, query: &str) -> Response {
    let row = format!(r#"{{"device_id":"d","x":1,"y":2,"z":3,"timestamp":{time}}}"#);
    let plain = row.replace(r#""device_id":"d","#, "");
    match format {
        "single" => api.post_as(&format!("{READINGS}{query}"), "application/json", &plain).await,
        "json" => api.post_as(&format!("{BATCH}{query}"), "application/json", &format!("[{plain}]")).await,
        "ndjson" => api.post_as(&format!("{MIXED}{query}"), "application/x-ndjson", &row).await,
        // A text with a number.
        "text" => {
            let text = plain.replace(time, &format!("\"{time}\""));
            api.post_as(&format!("{BATCH}{query}"), "application/x-ndjson", &text).await
        }
        "csv" => {
            let table = format!("x,y,z,timestamp\n1,2,3,{time}\n");
            api.post_as(&format!("{BATCH}{query}"), "text/csv", &table).await
        }
        other => panic!("{other}"),
    }
}

async fn an_implausible_number_is_refused_in_every_format(api: Api) {
    api.device("d").await;
    for time in IMPLAUSIBLE {
        for format in ["single", "json", "ndjson", "text", "csv"] {
            let response = post_time(api, format, time, "").await;
            assert_eq!(response.status, 422, "{format} {time}: {response:?}");
            let fault = &response.json()["detail"][0];
            assert_eq!(fault["type"], "time_unit_unknown", "{format} {time}");
            let words = fault["msg"].as_str().unwrap();
            assert!(words.contains("set precision to s, ms, us or ns"), "{words}");
        }
    }
    // Without `precision`, line protocol has nanoseconds.
    for time in ["1795428000", "1795428000000", "1795428000000000", "0"] {
        let response = api.post_as(WRITE, "text/plain", &format!("m,device=d x=1,y=2,z=3 {time}")).await;
        assert_eq!(response.brief(), "422 time_unit_unknown body.0.timestamp", "{time}");
    }
    assert!(api.list(READINGS).await.is_empty());
}

async fn a_stated_unit_allows_any_time(api: Api) {
    api.device("d").await;
    for (time, precision, expected) in [
        ("0", "s", "1970-01-01T00:00:00.000000Z"),
        ("20261123100000", "ms", "2612-01-19T17:45:00.000000Z"),
        ("1795428000123456", "us", "2026-11-23T10:00:00.123456Z"),
        ("1795428001123456789", "ns", "2026-11-23T10:00:01.123456Z"),
    ] {
        for format in ["single", "json", "ndjson", "text", "csv"] {
            let response = post_time(api, format, time, &format!("?precision={precision}")).await;
            assert_eq!(response.status, 201, "{format} {time}: {response:?}");
        }
        let found = api.list(&format!("{READINGS}?start_time={expected}&end_time={expected}")).await;
        assert_eq!(found.len(), 1, "{expected}");
    }
    for format in ["single", "json", "ndjson", "csv"] {
        let response = post_time(api, format, "1795428000", "?precision=h").await;
        assert_eq!(response.brief(), "422 literal_error query.precision", "{format}");
    }
}

/// The first reading was stored in 2603, and the second one in 1970.
async fn numbers_of_two_units_are_refused(api: Api) {
    api.device("d").await;
    let rows = "x,y,z,timestamp\n1,2,3,1795428000\n1,2,3,2026-11-23\n1,2,3,1795428001000\n";
    let response = api.post_as(BATCH, "text/csv", rows).await;
    assert_eq!(response.brief(), "422 time_units_mixed body.2.timestamp");
    let lines = r#"{"x":1,"y":2,"z":3,"timestamp":1795428000000}
        {"x":1,"y":2,"z":3,"timestamp":1795428001}"#;
    let response = api.post_as(BATCH, "application/x-ndjson", lines).await;
    assert_eq!(response.brief(), "422 time_units_mixed body.1.timestamp");
    assert!(api.list(READINGS).await.is_empty());
}

/// Rows with another unit than the first numeric time are faulty. So `on_fault=skip` rejects them.
async fn skip_keeps_the_unit_of_the_first_number(api: Api) {
    api.device("d").await;
    let path = format!("{BATCH}?on_fault=skip");
    let table = "x,y,z,timestamp\n1,2,3,1795428000\n1,2,3,1795428001000\n1,2,3,1795428002\n";
    let lines =
        table.replace("x,y,z,timestamp\n", "").replace("1,2,3,", r#"{"x":1,"y":2,"z":3,"timestamp":"#);
    let lines = lines.replace('\n', "}\n");
    for (kind, body, stored) in
        [("text/csv", table, "accepted"), ("application/x-ndjson", lines.as_str(), "duplicates")]
    {
        let response = api.post_as(&path, kind, body).await.json();
        assert_eq!((&response[stored], &response["rejected"]), (&json!(2), &json!(1)), "{response}");
        assert_eq!(response["faults"][0]["type"], "time_units_mixed", "{response}");
    }
    assert_eq!(api.list(READINGS).await.len(), 2);
}

/// A number passed through a double, and became another microsecond than the same instant as text.
async fn every_notation_of_an_instant_is_one_reading(api: Api) {
    api.device("d").await;
    for time in [
        "1795428000.1234567",
        "\"1795428000.1234567\"",
        "\"1.7954280001234567e9\"",
        "1795428000123.4567",
        "1.7954280001234567e9",
        "\"2026-11-23T10:00:00.1234567Z\"",
        "\"2026-11-23T11:00:00.123456999+01:00\"",
    ] {
        let response = post_time(api, "single", time, "").await;
        assert_eq!(response.json()["timestamp"], "2026-11-23T10:00:00.123456Z", "{time}");
    }
    assert_eq!(api.list(READINGS).await.len(), 1);
}

async fn a_period_refuses_dates_written_as_numbers(api: Api) {
    api.device("d").await;
    for time in ["2026", "1900", "2026.0", "2.026e3", "202611", "20261123", "202611231000", "20261123100000"]
    {
        for path in [READINGS.to_owned(), format!("{READINGS}/histogram"), format!("{READINGS}/export")] {
            let response = api.get(&format!("{path}?start_time={time}")).await;
            assert_eq!(response.brief(), "422 datetime_parsing query.start_time", "{path} {time}");
        }
        let body = format!(r#"{{"end_time": {time}}}"#);
        let response = api.post_as(&format!("{READINGS}/analyze"), "application/json", &body).await;
        assert_eq!(response.brief(), "422 datetime_parsing body.end_time", "{time}");
    }
    let response = api.get(&format!("{READINGS}?start_time=20261123")).await.json();
    let expected = "Input looks like a date, not like a Unix time; write it as 2026-11-23";
    assert_eq!(response["detail"][0]["msg"], expected);
    // Numbers that are no dates keep their meaning.
    for time in ["0", "-1", "1899", "2101", "20269999", "1795428000", "1795428000000", "2026.5"] {
        let response = api.get(&format!("{READINGS}?start_time={time}")).await;
        assert_eq!(response.status, 200, "{time}: {response:?}");
    }
    assert_eq!(api.post(&format!("{READINGS}/analyze"), json!({"start_time": 0})).await.status, 404);
}
