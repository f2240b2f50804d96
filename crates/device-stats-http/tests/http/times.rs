//! Times: every form, in bodies and in queries.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::server::{Api, NO_READINGS, READINGS, over_both_stores};

over_both_stores!(
    a_start_time_has_many_forms,
    both_ends_of_a_period_are_inclusive,
    a_malformed_query_time_is_refused,
    a_reading_time_is_in_range_and_unique
);

/// There is a reading at 2026-11-23T00:00:00Z. Each row is a start of the period and the expected response.
async fn a_start_time_has_many_forms(api: Api) {
    api.device("d").await;
    let reading = json!({"x": 1, "y": 2, "z": 3, "timestamp": "2026-11-23T00:00:00Z"});
    assert_eq!(api.post(READINGS, reading).await.status, 201);
    let text = "422 datetime_from_date_parsing";
    for (start, expected) in [
        (json!("2026-11-23T00:00:00"), "2026-11-23T00:00:00.000000Z"),
        (json!("2026-11-23"), "2026-11-23T00:00:00.000000Z"),
        (json!("2026-11-22 23:59:59"), "2026-11-22T23:59:59.000000Z"),
        (json!("2026-11-22t23:59:59z"), "2026-11-22T23:59:59.000000Z"),
        (json!(1_795_391_999), "2026-11-22T23:59:59.000000Z"),
        (json!(1_795_391_999.5), "2026-11-22T23:59:59.500000Z"),
        (json!(1_795_391_999_000_i64), "2026-11-22T23:59:59.000000Z"),
        (json!("1795391999"), "2026-11-22T23:59:59.000000Z"),
        (json!(-1), "1969-12-31T23:59:59.000000Z"),
        (json!("2026-11-23T14:00:00+14:00"), "2026-11-23T00:00:00.000000Z"),
        (json!("2026-11-22T00:00:00-23:59"), "2026-11-22T23:59:00.000000Z"),
        (json!("2026-11-22T23:59:59.123456789Z"), "2026-11-22T23:59:59.123456Z"),
        (json!("2026-11-22T23:59:59.1234567890123Z"), "2026-11-22T23:59:59.123456Z"),
        (json!("1969-07-20T20:17:40Z"), "1969-07-20T20:17:40.000000Z"),
        (json!("0001-01-01T00:00:00Z"), "0001-01-01T00:00:00.000000Z"),
        (json!("0001-01-01T00:00:00+14:00"), "0001-01-01T00:00:00.000000Z"),
        (json!("2026-11-23T00:00:00.000001Z"), NO_READINGS),
        (json!("9999-12-31T23:59:59-12:00"), NO_READINGS),
        (json!("2026-11-23T00:00:00+24:00"), text),
        (json!("2026-02-30"), text),
        (json!("2026-02-30T00:00:00Z"), text),
        (json!("2026-11-22T24:00:00Z"), text),
        (json!("2026-11-22T23:59:60Z"), text),
        (json!("0000-01-01"), "422 datetime_parsing"),
        (json!("10000-01-01"), text),
        (json!("+010000-01-01T00:00:00Z"), text),
        (json!("yesterday"), text),
        (json!(""), text),
        (json!(" 2026-11-23"), text),
        (json!("NaN"), text),
        (json!("Infinity"), text),
        (json!(1e30), "422 datetime_parsing"),
        (json!(true), "422 datetime_type"),
        (json!([]), "422 datetime_type"),
    ] {
        check_start(api, &start, expected).await;
    }
    for word in ["NaN", "Infinity", "-Infinity", "1e999"] {
        let response = api.post(&format!("{READINGS}/analyze"), format!(r#"{{"start_time": {word}}}"#)).await;
        assert_eq!(response.brief(), "422 datetime_parsing body.start_time", "{word}");
    }
}

async fn check_start(api: Api, start: &Value, expected: &str) {
    let response = api.post(&format!("{READINGS}/analyze"), json!({"start_time": start})).await;
    let in_query = start.as_str().map_or_else(|| start.to_string(), str::to_owned);
    let in_query = utf8_percent_encode(&in_query, NON_ALPHANUMERIC);
    let listed = api.get(&format!("{READINGS}?start_time={in_query}")).await;
    if let Some(kind) = expected.strip_prefix("422 ") {
        assert_eq!(response.brief(), format!("422 {kind} body.start_time"), "{start}");
        // A value that is not text in a body is text in a query.
        if start.is_string() {
            assert_eq!(listed.brief(), format!("422 {kind} query.start_time"), "{start}");
        } else {
            assert_eq!(listed.status, 422, "{start}");
        }
    } else if expected.starts_with("404 ") {
        assert_eq!(response.brief(), expected, "{start}");
        assert_eq!(listed.json(), json!([]), "{start}");
    } else {
        assert_eq!(response.json()["period_start"], expected, "{start}: {response:?}");
        assert_eq!(listed.json().as_array().map(Vec::len), Some(1), "{start}");
    }
}

async fn both_ends_of_a_period_are_inclusive(api: Api) {
    api.device("d").await;
    let reading = json!({"x": 1, "y": 2, "z": 3, "timestamp": "2026-11-23T00:00:00Z"});
    assert_eq!(api.post(READINGS, reading).await.status, 201);
    for (start, end, count) in [
        ("2026-11-23", "2026-11-23", 1),
        ("2026-11-23T00:00:00.000001Z", "2026-11-22", 0),
        ("0001-01-01", "9999-12-31T23:59:59-12:00", 1),
        ("2026-11-24", "2026-11-23", 0),
        ("2026-01-01", "2026-11-22T23:59:59.999999Z", 0),
    ] {
        let period = json!({"start_time": start, "end_time": end});
        let response = api.post(&format!("{READINGS}/analyze"), period).await;
        assert_eq!(response.status, if count == 0 { 404 } else { 200 }, "{start} {end}");
        let listed = api.list(&format!("{READINGS}?start_time={start}&end_time={end}")).await;
        assert_eq!(listed.len(), count, "{start} {end}");
    }
}

async fn a_malformed_query_time_is_refused(api: Api) {
    api.device("d").await;
    let response = api.get(&format!("{READINGS}?start_time=2026-11-23T00:00:00+01:00")).await;
    assert_eq!(response.brief(), "422 datetime_from_date_parsing query.start_time");
    let words = response.json()["detail"][0]["msg"].as_str().unwrap().to_owned();
    assert!(words.ends_with("encode + as %2B"), "{words}");
    for (query, expected) in [
        ("start_time=2026-11-23&start_time=2026-11-24", "422 repeated query.start_time"),
        ("end_time=2026-11-23&end_time=2026-11-23", "422 repeated query.end_time"),
        ("start_time=", "422 datetime_from_date_parsing query.start_time"),
        ("unknown=1&unknown=2", "200"),
    ] {
        assert_eq!(api.get(&format!("{READINGS}?{query}")).await.brief(), expected, "{query}");
    }
}

async fn a_reading_time_is_in_range_and_unique(api: Api) {
    api.device("d").await;
    for (time, expected) in [
        (json!("0001-01-01T00:00:00+14:00"), "422 datetime_parsing body.timestamp"),
        (json!("9999-12-31T23:59:59-12:00"), "422 datetime_parsing body.timestamp"),
        (json!("soon"), "422 datetime_from_date_parsing body.timestamp"),
        (json!(true), "422 datetime_type body.timestamp"),
    ] {
        let response = api.post(READINGS, json!({"x": 1, "y": 2, "z": 3, "timestamp": time})).await;
        assert_eq!(response.brief(), expected, "{time}");
    }
    assert!(api.list(READINGS).await.is_empty());
    for (time, written) in [
        ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
        ("0001-01-01", "0001-01-01T00:00:00.000000Z"),
    ] {
        let first = api.post(READINGS, json!({"x": 1, "y": 2, "z": 3, "timestamp": time})).await;
        assert_eq!((first.status, &first.json()["timestamp"]), (201, &json!(written)));
        let repeat = api.post(READINGS, json!({"x": 9, "y": 9, "z": 9, "timestamp": time})).await;
        assert_eq!((repeat.status, repeat.json()), (201, first.json()));
    }
    assert_eq!(api.list(READINGS).await.len(), 2);
}
