//! Points in InfluxDB's line protocol.

use serde_json::{Value, json};

use crate::server::{Api, READINGS, Response, over_both_stores};

const WRITE: &str = "/api/v1/write";

over_both_stores!(
    points_are_stored,
    conflicts_are_in_a_header,
    every_path_and_content_type_is_accepted,
    every_precision_is_accepted,
    numbers_are_rounded_to_the_nearest_double,
    faults_name_row_line_and_field,
    an_unknown_device_is_a_fault_of_its_row,
    at_most_a_hundred_faults_are_listed,
    a_body_without_points_stores_nothing,
    compressed_points_are_accepted,
    an_error_has_the_members_of_influxdb,
);

async fn write(api: Api, path: &str, text: &str) -> Response {
    let headers = ["content-type: text/plain; charset=utf-8", "x-request-id: r-1"];
    api.send("POST", path, &headers, Some(text.as_bytes())).await
}

/// Returns the readings of the device, oldest first.
async fn readings(api: Api) -> Vec<Value> {
    let mut readings = api.list(READINGS).await;
    readings.reverse();
    readings
}

async fn points_are_stored(api: Api) {
    api.device("d").await;
    api.device("a b,c=ü\"").await;
    let text = "# made by hand\nsensors,device=d x=1.5,y=-2i,z=3u 1795428000000000000\r\n\n\
        m,unit=m,device=d,site=a\\ b note=\"x=1,\n\\\"y\\\"=2\",z=3,y=2,x=1,ok=true 1795428001000000000\n\
        m\\ n,device=a\\ b\\,c\\=ü\" x=4,y=5,z=6\n";
    let response = write(api, WRITE, text).await;
    assert_eq!((response.status, response.body.as_slice()), (204, b"".as_slice()));
    // A second request with the same times stores only repeats, and succeeds.
    assert_eq!(write(api, WRITE, text).await.status, 204);
    let stored: Vec<_> = readings(api)
        .await
        .iter()
        .map(|r| (r["x"].clone(), r["y"].clone(), r["z"].clone(), r["timestamp"].clone()))
        .collect();
    assert_eq!(
        stored,
        [
            (json!(1.5), json!(-2.0), json!(3.0), json!("2026-11-23T10:00:00.000000Z")),
            (json!(1.0), json!(2.0), json!(3.0), json!("2026-11-23T10:00:01.000000Z")),
        ]
    );
    assert_eq!(api.list("/api/v1/stats/devices/a%20b%2Cc%3D%C3%BC%22").await.len(), 2);
}

/// The response has no body, so conflicts left no trace.
async fn conflicts_are_in_a_header(api: Api) {
    api.device("d").await;
    let line = |x: &str| format!("m,device=d x={x},y=0,z=0 1795428000000000000\n");
    for (text, conflicts) in [
        (line("1"), None),
        (line("1"), None),
        (line("2"), Some("1")),
        (line("1") + &line("2") + &line("3"), Some("2")),
    ] {
        let response = write(api, WRITE, &text).await;
        assert_eq!((response.status, response.header("x-conflicts")), (204, conflicts), "{text}");
    }
    let response = write(api, "/api/v1/write?on_fault=skip", &(line("2") + "m\n")).await;
    assert_eq!((response.status, &response.json()["conflicts"]), (200, &json!(1)));
    assert_eq!(readings(api).await[0]["x"], 1.0);
}

/// Clients of InfluxDB 1 and 2 and Telegraf use these paths, with and without `/api/v1` in the address of the
/// server.
async fn every_path_and_content_type_is_accepted(api: Api) {
    api.device("d").await;
    let paths = [
        "/write?db=readings&rp=autogen&consistency=all&u=ada&p=secret",
        "/api/v2/write?org=o&bucket=readings&precision=ns",
        "/api/v1/write?db=readings",
        "/api/v1/write/",
        "/api/v1/api/v2/write?orgID=1&bucket=readings",
    ];
    let types = ["text/plain; charset=utf-8", "application/x-www-form-urlencoded", "application/json"];
    for (time, path) in (0..).zip(paths) {
        for (later, kind) in (0..).zip(types) {
            let headers = [&format!("content-type: {kind}"), "authorization: Token t"];
            let time = 1_795_428_000_000_000_000_i64 + time * 1_000_000 + later * 1_000;
            let line = format!("m,device=d x=1,y=2,z=3 {time}");
            let response = api.send("POST", path, &headers, Some(line.as_bytes())).await;
            assert_eq!(response.status, 204, "{path} {kind}: {response:?}");
        }
    }
    assert_eq!(api.list(READINGS).await.len(), paths.len() * types.len());
    assert_eq!(api.get("/write").await.brief(), "405 Method Not Allowed");
}

async fn every_precision_is_accepted(api: Api) {
    api.device("d").await;
    for (query, timestamp, expected) in [
        ("", "1795428000123456789", "2026-11-23T10:00:00.123456Z"),
        ("?precision=ns", "-1", "1969-12-31T23:59:59.999999Z"),
        ("?precision=n", "1999", "1970-01-01T00:00:00.000001Z"),
        ("?precision=us", "1795428000123456", "2026-11-23T10:00:00.123456Z"),
        ("?precision=u", "-1", "1969-12-31T23:59:59.999999Z"),
        ("?precision=ms", "1795428000123", "2026-11-23T10:00:00.123000Z"),
        ("?precision=s", "1795428000", "2026-11-23T10:00:00.000000Z"),
        ("?precision=s", "253402300799", "9999-12-31T23:59:59.000000Z"),
        ("?precision=s", "-62135596800", "0001-01-01T00:00:00.000000Z"),
    ] {
        let path = format!("{WRITE}{query}");
        assert_eq!(write(api, &path, &format!("m,device=d x=1,y=2,z=3 {timestamp}")).await.status, 204);
        let found = api.list(&format!("{READINGS}?start_time={expected}&end_time={expected}")).await;
        assert_eq!(found.len(), 1, "{query} {timestamp}");
    }
    for (query, timestamp) in [
        ("?precision=s", "253402300800"),
        ("?precision=s", "-62135596801"),
        ("?precision=s", "9223372036854775807"),
        ("?precision=ms", "-9223372036854775808"),
        ("?precision=us", "9223372036854775807"),
    ] {
        let path = format!("{WRITE}{query}");
        let response = write(api, &path, &format!("m,device=d x=1,y=2,z=3 {timestamp}")).await;
        assert_eq!(response.brief(), "422 datetime_parsing body.0.timestamp", "{query} {timestamp}");
    }
    for query in ["?precision=h", "?precision=", "?precision=NS"] {
        let response = write(api, &format!("{WRITE}{query}"), "m,device=d x=1,y=2 1").await;
        assert_eq!(response.brief(), "422 literal_error query.precision, missing body.0.z");
    }
    let response = write(api, &format!("{WRITE}?precision=s&precision=s"), "m,device=d x=1,y=2,z=3 1").await;
    assert_eq!(response.brief(), "422 repeated query.precision");
}

async fn numbers_are_rounded_to_the_nearest_double(api: Api) {
    api.device("d").await;
    let mut texts: Vec<String> = [
        "0.1",
        "-0.0",
        "1e5",
        "-1e+5",
        "1.5E-7",
        "-2.25e3",
        "5e-324",
        "1e-400",
        "17976931348623157e292",
        "9007199254740993",
        "9007199254740993i",
        "9223372036854775807i",
        "-9223372036854775808i",
        "18446744073709551615u",
        "123456789012345678901234567890",
        "2.2250738585072011e-308",
    ]
    .map(str::to_owned)
    .to_vec();
    let mut bits = 0x9e37_79b9_7f4a_7c15_u64;
    texts.extend((0..60).map(|_| {
        bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        format!("{:e}", f64::from_bits(bits & !(1 << 62)))
    }));
    let lines: Vec<String> = (0..)
        .zip(&texts)
        .map(|(row, text)| format!("m,device=d x={text},y=0,z=0 17954280000{row:05}000"))
        .collect();
    assert_eq!(write(api, WRITE, &lines.join("\n")).await.brief(), "204");
    for (text, reading) in texts.iter().zip(readings(api).await) {
        let expected = text.trim_end_matches(['i', 'u']).parse::<f64>().unwrap() + 0.0;
        assert_eq!(reading["x"].as_f64().map(f64::to_bits), Some(expected.to_bits()), "{text}");
    }
    for (number, kind) in [
        ("1e400", "finite_number"),
        ("-1e400", "finite_number"),
        ("\"1\"", "float_type"),
        ("true", "float_type"),
    ] {
        let response = write(api, WRITE, &format!("m,device=d x={number},y=0,z=0")).await;
        assert_eq!(response.brief(), format!("422 {kind} body.0.x"), "{number}");
    }
    for number in ["NaN", "inf", "0x10", "1_0", "9223372036854775808i", "-1u", "1.5i", "", "--1"] {
        let response = write(api, WRITE, &format!("m,device=d x={number},y=0,z=0")).await;
        assert_eq!(response.brief(), "422 line_invalid body.0", "{number}");
    }
}

async fn faults_name_row_line_and_field(api: Api) {
    api.device("d").await;
    let text = "# first\nm,device=d x=1,y=2,z=3\n\nm,device=d x=1e999,y=\"a\"\nnonsense\nm x=1,x=2,y=2,z=3\n";
    let response = write(api, WRITE, text).await;
    insta::allow_duplicates! { insta::assert_snapshot!(String::from_utf8_lossy(&response.body), @r#"{"detail":[{"type":"finite_number","loc":["body",1,"x"],"line":4,"msg":"Input should be a finite number","input":"m,device=d x=1e999,y=\"a\""},{"type":"float_type","loc":["body",1,"y"],"line":4,"msg":"Input should be a valid number","input":"m,device=d x=1e999,y=\"a\""},{"type":"missing","loc":["body",1,"z"],"line":4,"msg":"Field required","input":"m,device=d x=1e999,y=\"a\""},{"type":"line_invalid","loc":["body",2],"line":5,"msg":"Input should be a line of InfluxDB's line protocol","input":"nonsense","ctx":{"error":"the fields are missing","column":9}},{"type":"missing","loc":["body",3,"device"],"line":6,"msg":"Tag required","input":"m x=1,x=2,y=2,z=3"},{"type":"repeated","loc":["body",3,"x"],"line":6,"msg":"Field is repeated","input":"m x=1,x=2,y=2,z=3"}],"code":"invalid_request","request_id":"r-1","message":"line 4: x: Input should be a finite number","error":"line 4: x: Input should be a finite number","line":4}"#) };
    for (line, expected) in [
        ("m,device=d,device=d x=1,y=2,z=3", "422 repeated body.0.device"),
        ("m,device=d,device=e x=1,y=2,z=3", "422 repeated body.0.device"),
        ("m,Device=d x=1,y=2,z=3", "422 missing body.0.device"),
        ("m device=\"d\",x=1,y=2,z=3", "422 missing body.0.device"),
        ("m,device=.. x=1,y=2,z=3", "422 value_error body.0.device"),
        ("m,device= x=1,y=2,z=3", "422 line_invalid body.0"),
        ("m,device=d", "422 line_invalid body.0"),
        ("m,device=d x=1,y=2,z=3 soon", "422 line_invalid body.0"),
        ("m,device=d x=1,y=2,z=3 1 2", "422 line_invalid body.0"),
        ("m,device=d x=1,y=2,z=3 9223372036854775808", "422 line_invalid body.0"),
        (",device=d x=1,y=2,z=3", "422 line_invalid body.0"),
        ("{\"device_id\":\"d\",\"x\":1,\"y\":2,\"z\":3}", "422 line_invalid body.0"),
        ("m,device=d x=1,y=2,z=3\nm,device=d x=\"1,y=2,z=3\n", "422 line_invalid body.1"),
    ] {
        assert_eq!(write(api, WRITE, line).await.brief(), expected, "{line}");
    }
    let long = "x".repeat(1_000_000);
    let response = write(api, WRITE, &format!("m,device=d x=1,y=2,z=3 {long}")).await;
    assert!(response.status == 422 && response.body.len() < 20_000, "{}", response.body.len());
    let response = api.send("POST", WRITE, &[], Some(b"m,device=\xff x=1,y=2,z=3")).await;
    assert_eq!(response.brief(), "400 There was an error parsing the body: line 1 is not UTF-8");
    assert!(api.list(READINGS).await.is_empty());
}

async fn an_unknown_device_is_a_fault_of_its_row(api: Api) {
    api.device("d").await;
    let text = "m,device=d x=1,y=2,z=3\n\nm,device=no x=1,y=2,z=3\n";
    let response = write(api, WRITE, text).await;
    insta::allow_duplicates! { insta::assert_snapshot!(String::from_utf8_lossy(&response.body), @r#"{"detail":[{"type":"device_not_found","loc":["body",1,"device"],"line":3,"msg":"Device not found","input":"no"}],"code":"invalid_request","request_id":"r-1","message":"line 3: device: Device not found","error":"line 3: device: Device not found","line":3}"#) };
    assert!(api.list(READINGS).await.is_empty());
}

async fn at_most_a_hundred_faults_are_listed(api: Api) {
    api.device("d").await;
    let response = write(api, WRITE, &"nonsense\n".repeat(1000)).await;
    assert_eq!((response.status, response.json()["detail"].as_array().map(Vec::len)), (422, Some(100)));
}

async fn a_body_without_points_stores_nothing(api: Api) {
    assert_eq!(write(api, WRITE, "").await.brief(), "422 missing body");
    for text in ["\n", "# nothing", "\r\n\t# nothing \"\r\n"] {
        assert_eq!(write(api, WRITE, text).await.brief(), "204", "{text}");
    }
}

async fn compressed_points_are_accepted(api: Api) {
    api.device("d").await;
    let line = b"m,device=d x=1,y=2,z=3 1795428000000001000\n";
    let stream = zstd::encode_all(&line[..], 3).unwrap();
    for (coding, body, expected) in [
        ("zstd", stream.as_slice(), "204"),
        ("identity", line, "204"),
        ("gzip", line, "400 The body is not a complete gzip stream"),
        ("br", line, "415 The Content-Encoding is not supported here; use gzip, zstd or none"),
    ] {
        let response = api.send("POST", WRITE, &[&format!("content-encoding: {coding}")], Some(body)).await;
        assert_eq!(response.brief(), expected, "{coding}");
    }
    assert_eq!(api.list(READINGS).await.len(), 1);
}

/// Errors had no `message` and no `error`, so Telegraf dropped the batch without a reason in its log.
async fn an_error_has_the_members_of_influxdb(api: Api) {
    api.device("d").await;
    for path in [WRITE, "/write", "/api/v2/write", "/api/v1/write/"] {
        let response = write(api, path, "m,device=d x=1,y=2,z=3\nm,device=d x=1,y=2\n").await;
        let error = response.json();
        assert_eq!((response.status, &error["line"]), (422, &json!(2)), "{path}");
        assert_eq!(error["message"], "line 2: z: Field required");
        assert_eq!(error["error"], error["message"]);
        assert_eq!(error["code"], "invalid_request");
        let response = write(api, path, "m,device=none x=1,y=2,z=3").await.json();
        assert_eq!(response["message"], "line 1: device: Device not found");
        let response = write(api, path, "nonsense").await.json();
        assert_eq!(
            response["message"],
            "line 1: Input should be a line of InfluxDB's line protocol: the fields are missing"
        );
    }
    let response = api.send("POST", WRITE, &["content-encoding: br"], Some(b"x")).await.json();
    assert_eq!(response["message"], response["detail"]);
    assert!(response.get("line").is_none());
    let other = api.get("/api/v1/users/9").await.json();
    assert!(other.get("message").is_none());
}
