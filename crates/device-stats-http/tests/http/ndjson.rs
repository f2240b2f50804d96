//! Batches as NDJSON: each line is a row, and a fault names its row and its line.

use serde_json::{Value, json};

use crate::server::{Api, BATCH, MIXED, READINGS, Response, over_both_stores};

const NDJSON: &str = "content-type: application/x-ndjson";

over_both_stores!(
    ndjson_is_accepted,
    every_ndjson_content_type_is_accepted,
    numbers_keep_every_bit,
    faults_name_row_line_and_field,
    faults_equal_those_of_an_array,
    an_unknown_device_is_a_fault_of_its_row,
    at_most_a_hundred_faults_are_listed
);

async fn ndjson(api: Api, path: &str, text: &str) -> Response {
    api.send("POST", path, &[NDJSON, "x-request-id: r-1"], Some(text.as_bytes())).await
}

async fn ndjson_is_accepted(api: Api) {
    api.device("d").await;
    api.device("e ü").await;
    let row = r#"{"x":1,"y":2,"z":3}"#;
    let timed = r#"{"timestamp":"2026-11-23T10:00:00Z","x":1,"y":2,"z":3}"#;
    let same_time = r#"{"x":"7","y":true,"z":null,"timestamp":1795428000}"#.replace("null", "9");
    for (text, expected) in [
        (format!("{row}\n"), (1, 0)),
        (format!("{row}\n{row}"), (2, 0)),
        (format!("\n\r\n {row}\r\n\t\n{row} \r\n\n"), (2, 0)),
        (format!("\u{feff}{timed}\n{same_time}\n"), (1, 1)),
        ("\n".to_owned(), (0, 0)),
        (" \r\n\t".to_owned(), (0, 0)),
    ] {
        assert_eq!(ndjson(api, BATCH, &text).await.counts(), expected, "{text}");
    }
    assert_eq!(ndjson(api, BATCH, "").await.brief(), "422 missing body");
    let mixed = "{\"device_id\":\"d\",\"x\":1,\"y\":2,\"z\":3}\n{\"device_id\":\"e \\u00fc\",\"x\":4,\"y\":5,\"z\":6}\n";
    assert_eq!(ndjson(api, MIXED, mixed).await.counts(), (2, 0));
    assert_eq!(api.list("/api/v1/stats/devices/e%20%C3%BC").await[0]["x"], json!(4.0));
}

async fn every_ndjson_content_type_is_accepted(api: Api) {
    api.device("d").await;
    let row = Some(br#"{"x":1,"y":2,"z":3}"#.as_slice());
    for name in ["application/ndjson", "application/jsonl", "Application/X-NDJSON; charset=utf-8"] {
        let response = api.send("POST", BATCH, &[&format!("content-type: {name}")], row).await;
        assert_eq!(response.counts(), (1, 0), "{name}");
    }
    let response = api.send("POST", BATCH, &["content-type: text/x-ndjson"], row).await;
    assert_eq!(response.status, 415);
}

/// A parser with incorrect rounding loses the last bit of these numbers. Each number is read by the fast path
/// and by the general path of the parser.
async fn numbers_keep_every_bit(api: Api) {
    api.device("d").await;
    let mut bits = 0x9e37_79b9_7f4a_7c15_u64;
    let mut texts: Vec<String> = (0..60)
        .map(|_| {
            bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            format!("{:e}", f64::from_bits(bits & !(1 << 62)))
        })
        .collect();
    texts.extend(
        ["9007199254740993", "2.2250738585072011e-308", "5e-324", "-0.0", "123456789012345678901234567890"]
            .map(str::to_owned),
    );
    texts.push(format!("0.1{}1", "0".repeat(800)));
    for unusual in [false, true] {
        let extra = if unusual { r#","timestamp":null"# } else { "" };
        let rows: Vec<String> =
            texts.iter().map(|text| format!("{{\"x\":{text},\"y\":0,\"z\":0{extra}}}")).collect();
        assert_eq!(ndjson(api, BATCH, &rows.join("\n")).await.counts(), (texts.len() as u64, 0));
        let listed = api.list(READINGS).await;
        for (text, reading) in texts.iter().rev().zip(&listed) {
            let expected = text.parse::<f64>().unwrap() + 0.0;
            assert_eq!(reading["x"].as_f64().map(f64::to_bits), Some(expected.to_bits()), "{text}");
        }
    }
}

async fn faults_name_row_line_and_field(api: Api) {
    api.device("d").await;
    let text = "{\"x\":1,\"y\":2,\"z\":3}\n\n{\"x\":1,\"y\":2\n{\"x\":1e999,\"y\":2,\"z\":3,\"unit\":\"m\"}\r\n[1,2,3]\n";
    let response = ndjson(api, BATCH, text).await;
    insta::allow_duplicates! { insta::assert_snapshot!(String::from_utf8_lossy(&response.body), @r#"{"detail":[{"type":"json_invalid","loc":["body",1],"line":3,"msg":"JSON decode error","input":"{\"x\":1,\"y\":2","ctx":{"error":"EOF while parsing an object","column":13}},{"type":"finite_number","loc":["body",2,"x"],"line":4,"msg":"Input should be a finite number","input":"1e999"},{"type":"extra_forbidden","loc":["body",2,"unit"],"line":4,"msg":"Extra inputs are not permitted","input":"m"},{"type":"model_attributes_type","loc":["body",3],"line":5,"msg":"Input should be a valid dictionary or object to extract fields from","input":[1,2,3]}],"code":"invalid_request","request_id":"r-1"}"#) };
    for (text, expected) in [
        ("[{\"x\":1,\"y\":2,\"z\":3}]\n", "422 model_attributes_type body.0"),
        ("{\"x\":1,\n\"y\":2,\"z\":3}\n", "422 json_invalid body.0, json_invalid body.1"),
        ("{\"x\":1,\"y\":2,\"z\":3}{}\n", "422 json_invalid body.0"),
        ("{\"x\":1,\"y\":2,\"z\":3},\n", "422 json_invalid body.0"),
        ("{\"x\":1,\"x\":1,\"y\":2,\"z\":3}\n", "422 repeated body.0.x"),
        ("{\"x\":1,\"\\u0078\":1,\"y\":2,\"z\":3}\n", "422 repeated body.0.x"),
        ("{\"device_id\":\"d\",\"x\":1,\"y\":2,\"z\":3}\n", "422 extra_forbidden body.0.device_id"),
        (
            "{\"x\":NaN,\"y\":2,\"z\":3,\"timestamp\":\"soon\"}\n",
            "422 finite_number body.0.x, datetime_from_date_parsing body.0.timestamp",
        ),
        ("\u{c}\n", "422 json_invalid body.0"),
    ] {
        assert_eq!(ndjson(api, BATCH, text).await.brief(), expected, "{text}");
    }
    let nested = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(ndjson(api, BATCH, &nested).await.brief(), "422 json_invalid body.0");
    let response = api.send("POST", BATCH, &[NDJSON], Some(b"{\"x\":1,\"y\":2,\"z\":3}\n\xff\n")).await;
    assert_eq!(response.brief(), "400 There was an error parsing the body: line 2 is not UTF-8");
    assert!(api.list(READINGS).await.is_empty());
}

async fn faults_equal_those_of_an_array(api: Api) {
    api.device("d").await;
    let good = r#"{"device_id":"d","x":1,"y":2,"z":3}"#;
    let rows = [
        r#"{"device_id":"","x":1,"y":2,"z":3}"#,
        r#"{"device_id":7,"x":"a","y":null,"z":[]}"#,
        r#"{"x":1,"y":2}"#,
        r#"{"device_id":"d","x":1,"y":2,"z":1e400,"w":{"a":[1]}}"#,
        r#"{"device_id":"d","x":1,"y":2,"z":3,"timestamp":"10000-01-01"}"#,
        r#"{"device_id":"d","x":1,"y":2,"z":3,"timestamp":-1e30}"#,
        r#"{"device_id":"d","x":1,"y":2,"z":3,"timestamp":"0001-01-01T00:00:00+10:00"}"#,
        "null",
        "\"text\"",
    ];
    let rows: Vec<&str> = rows.into_iter().flat_map(|row| [good, row]).collect();
    let array = api.post(MIXED, format!("[{}]", rows.join(","))).await;
    let mut lines = ndjson(api, MIXED, &rows.join("\n")).await.json()["detail"].take();
    for fault in lines.as_array_mut().unwrap() {
        let line = fault.as_object_mut().unwrap().remove("line").unwrap();
        assert_eq!(line.as_u64(), fault["loc"][1].as_u64().map(|row| row + 1));
    }
    assert_eq!((array.status, array.json()["detail"].take()), (422, lines));
}

async fn an_unknown_device_is_a_fault_of_its_row(api: Api) {
    api.device("d").await;
    let row = |device: &str| format!("{{\"device_id\":\"{device}\",\"x\":1,\"y\":2,\"z\":3}}");
    let text = format!("{}\n\n{}\n{}\n\n{}", row("d"), row("no"), row("d"), row("none"));
    let response = ndjson(api, MIXED, &text).await;
    insta::allow_duplicates! { insta::assert_snapshot!(String::from_utf8_lossy(&response.body), @r#"{"detail":[{"type":"device_not_found","loc":["body",1,"device_id"],"line":3,"msg":"Device not found","input":"no"},{"type":"device_not_found","loc":["body",3,"device_id"],"line":6,"msg":"Device not found","input":"none"}],"code":"invalid_request","request_id":"r-1"}"#) };
    assert!(api.list(READINGS).await.is_empty());
}

async fn at_most_a_hundred_faults_are_listed(api: Api) {
    api.device("d").await;
    let response = ndjson(api, BATCH, &"{\n".repeat(1000)).await;
    let detail: Value = response.json()["detail"].take();
    assert_eq!((response.status, detail.as_array().map(Vec::len)), (422, Some(100)));
    assert_eq!(detail[99]["line"], json!(100));
}
