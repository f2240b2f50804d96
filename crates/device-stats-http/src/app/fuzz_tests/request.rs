//! Random requests, made from the OpenAPI document, so that most of them pass the first checks.

use std::fmt::Write as _;
use std::io::Write as _;
use std::net::IpAddr;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::request::Builder;
use axum::http::{HeaderValue, Method};
use device_stats_service::ClientAddress;
use fastrand::Rng;
use flate2::Compression;
use flate2::write::GzEncoder;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::credentials::Credentials;
use crate::extract::Arrival;

/// Texts that broke a parser somewhere.
const TEXTS: &[&str] = &[
    "",
    " ",
    "\0",
    "a\0b",
    "\n",
    "\r\n",
    "\t",
    ".",
    "..",
    "../..",
    "/",
    "%",
    "%2F",
    "%00",
    "'",
    "\"",
    "`",
    "\\",
    "null",
    "true",
    "NaN",
    "Infinity",
    "-Infinity",
    "0",
    "-0",
    "1",
    "-1",
    "1.5",
    "1e400",
    "-1e400",
    "1e-400",
    "1e308",
    "9007199254740993",
    "2147483648",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "-9223372036854775809",
    "18446744073709551616",
    "0x10",
    "1_000",
    "01",
    "+1",
    "\u{0661}",
    "\u{feff}",
    "\u{202e}",
    "\u{d7ff}",
    "\u{10ffff}",
    "\u{fffd}",
    "e\u{301}",
    "d0",
    "d1",
    "D0",
    "pump-7",
    "<script>alert(1)</script>",
    "${jndi:x}",
    "'; DROP TABLE users; --",
    "{}",
    "[]",
    "{\"a\":1}",
    "1969-12-31T23:59:59Z",
    "1990-01-01T00:00:00Z",
    "2026-11-23T10:00:00Z",
    "2026-11-23T10:00:00.123456789+14:00",
    "2026-02-30T00:00:00Z",
    "9999-12-31T23:59:59.999999Z",
    "0000-01-01",
    "2026-11-23",
    "20261123",
    "1795428000",
    "1795428000000",
    "253402300800",
    "PT0S",
    "PT1H",
    "P1D",
    "P1M",
    "P99999999999D",
    "-P1D",
    "PT1H1D",
    "Europe/Berlin",
    "Mars/Base",
    "UTC",
    "+25:00",
    "50,99.9",
    "50,50",
    "101",
    "-0.1",
    "mean,stddev",
    "created_at",
    "csv",
    "ndjson",
    "arrow",
    "parquet",
    "skip",
    "refuse",
    "register",
    "ns",
    "us",
    "ms",
    "s",
    "monday",
    "x",
    "y",
    "z",
];
const MEDIA_TYPES: &[&str] = &[
    "application/json",
    "application/json; charset=utf-8",
    "application/x-ndjson",
    "text/csv",
    "text/plain",
    "application/vnd.apache.arrow.stream",
    "application/octet-stream",
    "",
    "a",
    "*/*",
    "text/csv; header=absent",
];
const BODIES: &[&str] = &[
    r#"{"x":1,"y":2,"z":3}"#,
    r#"{"x":1.5,"y":-0.25,"z":9.81,"timestamp":"2026-11-23T10:00:00.25Z"}"#,
    r#"[{"x":1,"y":2,"z":3,"timestamp":1795428000},{"x":1,"y":2,"z":3,"timestamp":1795428001}]"#,
    r#"[{"device_id":"d0","x":1,"y":2,"z":3},{"device_id":"d1","x":1,"y":2,"z":3,"timestamp":"2026-11-23"}]"#,
    "{\"device_id\":\"d0\",\"x\":1,\"y\":2,\"z\":3}\n{\"device_id\":\"d2\",\"x\":1,\"y\":2,\"z\":3}\n",
    "timestamp,x,y,z\n2026-11-23T10:00:00Z,1,2,3\n2026-11-23T10:00:01Z,1,2,\n",
    "device_id;timestamp;x;y;z\nd0;1795428000;1;2;3\n\"d\"\"1\";1795428000,5;1;2;3\n",
    "sensors,device=d0 x=1,y=2,z=3 1795428000250000000\nsensors,device_id=d1 x=1i,y=2,z=3\n",
    r#"{"username":"ada","email":"ada@example.com"}"#,
    r#"{"device_id":"d3","name":"pump","user_id":1}"#,
    r#"{"start_time":"2026-11-23T10:00:00Z","end_time":"2026-11-24T10:00:00Z","percentiles":[50,99.9],"mean":true}"#,
    r#"{"for":{"device_id":"d0"},"scopes":["ingest"],"name":"n","expires_at":"2099-01-01"}"#,
    r#"{"for":"admin"}"#,
    "[]",
    "{}",
    "null",
    "",
];

/// Valid bodies of operations, with their media types.
const FITTING_BODIES: &[(&str, &str, &str)] = &[
    ("create_user", "application/json", r#"{"username":"ada","email":"ada@example.com"}"#),
    ("update_user", "application/json", r#"{"username":"ada"}"#),
    ("create_device", "application/json", r#"{"device_id":"d1","name":"pump"}"#),
    ("create_device", "application/json", r#"{"device_id":"d2"}"#),
    ("update_device", "application/json", r#"{"name":"fan"}"#),
    ("update_device", "application/json", r#"{"expected_interval_s":90.5}"#),
    ("append_reading", "application/json", r#"{"x":1,"y":2,"z":3}"#),
    (
        "append_reading",
        "application/json",
        r#"{"x":1.5,"y":-0.25,"z":9.81,"timestamp":"2026-11-23T10:00:00Z"}"#,
    ),
    (
        "append_batch",
        "application/json",
        r#"[{"x":1,"y":2,"z":3,"timestamp":1795428000},{"x":1,"y":2,"z":3}]"#,
    ),
    ("append_batch", "text/csv", "timestamp,x,y,z\n2026-11-23T10:00:00Z,1,2,3\n"),
    ("append_batch", "application/x-ndjson", "{\"x\":1,\"y\":2,\"z\":3}\n"),
    ("append_mixed_batch", "application/json", r#"[{"device_id":"d0","x":1,"y":2,"z":3}]"#),
    ("append_mixed_batch", "text/csv", "device_id,timestamp,x,y,z\nd0,1795428000,1,2,3\n"),
    ("append_points", "text/plain", "sensors,device=d0 x=1,y=2,z=3 1795428000250000000\n"),
    ("analyze_device", "application/json", r#"{"percentiles":[50,99.9],"mean":true}"#),
    ("analyze_user", "application/json", "{}"),
    ("create_token", "application/json", r#"{"for":{"device_id":"d0"},"scopes":["ingest"]}"#),
    ("create_token", "application/json", r#"{"for":{"user_id":1},"scopes":["read"],"name":"n"}"#),
];
/// Valid queries of operations that need one.
const FITTING_QUERIES: &[(&str, &str)] = &[
    ("get_devices_analysis", "?device_id=d0"),
    ("list_latest", "?user_id=1"),
    ("list_status", "?points=10&span=PT1H"),
    ("delete_readings", "?start_time=2026-11-23T09:00:00Z&end_time=2026-11-23T11:00:00Z"),
    ("list_device_series", "?points=10"),
    ("list_user_series", "?bucket=PT1H"),
];

/// An operation of the document, with the names of its parameters in the query.
pub(super) struct Operation {
    pub(super) id: String,
    /// Whether it needs a token, unless the service is open.
    pub(super) needs_token: bool,
    method: Method,
    path: String,
    queries: Vec<String>,
    has_body: bool,
}

/// Returns the operations of the document.
pub(super) fn operations() -> Vec<Operation> {
    let document: Value = serde_json::from_str(&crate::openapi::openapi()).unwrap();
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            let queries = parameters.filter(|parameter| parameter["in"] == "query");
            operations.push(Operation {
                id: operation["operationId"].as_str().unwrap().to_owned(),
                needs_token: operation.get("security").is_some(),
                method: method.to_uppercase().parse().unwrap(),
                path: path.clone(),
                queries: queries.map(|parameter| parameter["name"].as_str().unwrap().to_owned()).collect(),
                has_body: operation.get("requestBody").is_some(),
            });
        }
    }
    operations
}

/// Returns one of several values.
pub(super) fn pick<'a, T: ?Sized>(rng: &mut Rng, all: &[&'a T]) -> &'a T {
    all[rng.usize(..all.len())]
}

/// Returns a text that may break a parser.
pub(super) fn text(rng: &mut Rng) -> String {
    match rng.u8(..10) {
        0 => (0..rng.usize(..40)).map(|_| rng.char(..)).collect(),
        1 => pick(rng, TEXTS).repeat(rng.usize(1..200)),
        2 => format!("{}{}", pick(rng, TEXTS), pick(rng, TEXTS)),
        _ => pick(rng, TEXTS).to_owned(),
    }
}

/// Returns the path of a request. Most ids in it name existing objects.
fn path(rng: &mut Rng, operation: &Operation, is_plain: bool) -> String {
    let mut parts = Vec::new();
    for part in operation.path.split('/') {
        let part = match part {
            "{device_id}" if is_plain => "d0".to_owned(),
            "{user_id}" | "{token_id}" if is_plain => "1".to_owned(),
            "{timestamp}" if is_plain => "2026-11-23T10:00:00Z".to_owned(),
            _ if !is_plain && rng.u8(..100) == 0 => text(rng),
            "{device_id}" if rng.u8(..10) > 1 => format!("d{}", rng.u8(..4)),
            "{user_id}" | "{token_id}" if rng.u8(..10) > 1 => rng.u8(..4).to_string(),
            "{timestamp}" if rng.u8(..10) > 3 => "2026-11-23T10:00:00Z".to_owned(),
            _ if part.starts_with('{') => text(rng),
            other => other.to_owned(),
        };
        parts.push(utf8_percent_encode(&part, NON_ALPHANUMERIC).to_string().replace("%5F", "_"));
    }
    parts.join("/")
}

/// Returns a random query of an operation.
fn query(rng: &mut Rng, operation: &Operation) -> String {
    let (mut query, mut separator) = (String::new(), '?');
    for name in &operation.queries {
        while rng.u8(..10) < 3 {
            let name = if rng.u8(..50) == 0 { text(rng) } else { name.clone() };
            let (name, value) = (utf8_percent_encode(&name, NON_ALPHANUMERIC), text(rng));
            write!(query, "{separator}{name}={}", utf8_percent_encode(&value, NON_ALPHANUMERIC)).unwrap();
            separator = '&';
        }
    }
    query
}

/// Returns random JSON.
fn json_value(rng: &mut Rng, depth: u32) -> Value {
    match rng.u8(..if depth == 0 { 5 } else { 8 }) {
        0 => Value::Null,
        1 => rng.bool().into(),
        2 => json!(rng.i64(..)),
        3 => json!(f64::from_bits(rng.u64(..))),
        4 => text(rng).into(),
        5 => (0..rng.usize(..5)).map(|_| json_value(rng, depth - 1)).collect(),
        _ => {
            let names =
                ["x", "y", "z", "timestamp", "device_id", "name", "user_id", "for", "username", "email"];
            let members = 0..rng.usize(..6);
            members.map(|_| (pick(rng, &names).to_owned(), json_value(rng, depth - 1))).collect()
        }
    }
}

fn body(rng: &mut Rng) -> Vec<u8> {
    let mut bytes = match rng.u8(..10) {
        0 => json_value(rng, 4).to_string().into_bytes(),
        1 => "[".repeat(rng.usize(..200_000)).into_bytes(),
        2 => (0..rng.usize(..300)).map(|_| rng.u8(..)).collect(),
        3 => pick(rng, BODIES).repeat(rng.usize(1..100)).into_bytes(),
        _ => pick(rng, BODIES).as_bytes().to_vec(),
    };
    if rng.bool() {
        return bytes;
    }
    for _ in 0..rng.usize(..4) {
        let at = rng.usize(..=bytes.len());
        match rng.u8(..4) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, rng.u8(..)),
            2 => drop(bytes.splice(at..at, text(rng).into_bytes())),
            _ if at < bytes.len() => bytes[at] = rng.u8(..),
            _ => {}
        }
    }
    bytes
}

/// Returns a text as the value of a header, or another value if it contains control characters.
pub(super) fn header_value(text: &str) -> HeaderValue {
    HeaderValue::from_bytes(text.as_bytes()).unwrap_or(HeaderValue::from_static("x"))
}

/// Returns a request for an operation, with some of these credentials: a plain request, or one with texts
/// that may break a parser.
pub(super) fn request(rng: &mut Rng, operation: &Operation, credentials: &Credentials) -> Request {
    let is_plain = rng.u8(..10) < 4;
    let method = if !is_plain && rng.u8(..100) == 0 { Method::PATCH } else { operation.method.clone() };
    let client = ClientAddress::from(IpAddr::from([10, 0, 0, rng.u8(..4)]));
    let arrival = Arrival { is_encrypted: rng.bool(), is_local: rng.bool() };
    let path = path(rng, operation, is_plain);
    let builder = Request::builder().method(method).extension(client).extension(arrival);
    let builder = credentials.add_to(rng, builder);
    let request = if is_plain {
        plain(rng, operation, credentials, builder, &path)
    } else {
        let query = query(rng, operation);
        unusual(rng, operation, credentials, builder.uri(path + &query))
    };
    request.unwrap_or_else(|_| Request::new(Body::empty()))
}

/// Completes a request that is valid, unless its object is missing or its credentials are not.
fn plain(
    rng: &mut Rng,
    operation: &Operation,
    credentials: &Credentials,
    builder: Builder,
    path: &str,
) -> axum::http::Result<Request> {
    let query = FITTING_QUERIES.iter().find(|(id, _)| *id == operation.id).map_or("", |(_, query)| query);
    let builder = builder.uri(format!("{path}{query}"));
    if operation.id == "create_session" {
        let body = credentials.session_body(rng);
        return builder.header("content-type", "application/json").body(Body::from(body));
    }
    let fitting: Vec<_> = FITTING_BODIES.iter().filter(|(id, ..)| *id == operation.id).collect();
    if fitting.is_empty() {
        return builder.body(Body::empty());
    }
    let (_, media_type, body) = fitting[rng.usize(..fitting.len())];
    builder.header("content-type", *media_type).body(Body::from(*body))
}

/// Completes a request with random headers and a random body.
fn unusual(
    rng: &mut Rng,
    operation: &Operation,
    credentials: &Credentials,
    mut builder: Builder,
) -> axum::http::Result<Request> {
    for name in ["idempotency-key", "if-match", "if-none-match", "accept", "host", "origin"] {
        if rng.u8(..20) == 0 {
            builder = builder.header(name, header_value(&text(rng)));
        }
    }
    let bytes = match operation.id.as_str() {
        // No other body signs in.
        "create_session" if rng.bool() => credentials.session_body(rng),
        _ if operation.has_body || rng.u8(..20) == 0 => body(rng),
        _ => Vec::new(),
    };
    builder = builder.header("content-type", pick(rng, MEDIA_TYPES));
    let bytes = match rng.u8(..10) {
        0 => {
            builder = builder.header("content-encoding", "gzip");
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(&bytes).unwrap();
            encoder.finish().unwrap()
        }
        1 => {
            builder = builder.header("content-encoding", pick(rng, &["gzip", "zstd", "identity", "br", "x"]));
            bytes
        }
        _ => bytes,
    };
    builder.body(Body::from(Bytes::from(bytes)))
}
