//! Bodies that are malformed, empty, of an unsupported type, or too large.

use device_stats_formats::limits::BATCH_BYTES_MAX;
use device_stats_http::limits::BODY_BYTES_MAX;

use crate::server::{Api, BATCH, CSV, JSON, NO_READINGS, READINGS, over_both_stores};

const READING: &[u8] = br#"{"x":1,"y":2,"z":3}"#;

over_both_stores!(
    a_malformed_body_is_refused,
    an_empty_body_is_missing,
    an_unsupported_type_or_coding_is_refused,
    a_body_above_the_limit_is_refused,
    malformed_framing_is_refused
);

async fn a_malformed_body_is_refused(api: Api) {
    api.device("d").await;
    let nested = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth)).into_bytes();
    let utf16: Vec<u8> = "\u{feff}{}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (body, expected) in [
        (b"null".to_vec(), "422 model_attributes_type body"),
        (b"[]".to_vec(), "422 model_attributes_type body"),
        (b"\"s\"".to_vec(), "422 model_attributes_type body"),
        (b"[1,2,3]".to_vec(), "422 model_attributes_type body"),
        (b"{}".to_vec(), "422 missing body.x, missing body.y, missing body.z"),
        (br#"{"x":1,"x":1,"y":2,"z":3}"#.to_vec(), "422 repeated body.x"),
        (
            b"{\"x\":1,\"y\":2,\"z\":3,\"w\":\"\xff\"}".to_vec(),
            "400 There was an error parsing the body: line 1 is not UTF-8",
        ),
        (utf16, "422 json_invalid body.0"),
        (br#"{"x":1,"y":2,"z":3,}"#.to_vec(), "422 json_invalid body.19"),
        (br#"{"x":1,"y":2,"z":3}{}"#.to_vec(), "422 json_invalid body.19"),
        (br#"{"x":1,"y":2,"z":3"#.to_vec(), "422 json_invalid body.18"),
        (br"{'x':1,'y':2,'z':3}".to_vec(), "422 json_invalid body.1"),
        (nested(64), "422 model_attributes_type body"),
        (nested(65), "422 json_invalid body.64"),
        (nested(1000), "422 json_invalid body.64"),
        (nested(30_000), "422 json_invalid body.64"),
        (nested(100_000), "413 The body is larger than 65536 bytes"),
        (br#"{"x":1,"y":2,"z":3,"w":"\ud800"}"#.to_vec(), "422 json_invalid body.30"),
    ] {
        let response = api.send("POST", READINGS, &[JSON], Some(&body)).await;
        assert_eq!(response.brief(), expected, "{}", String::from_utf8_lossy(&body[..body.len().min(40)]));
    }
    let response = api.send("POST", BATCH, &[JSON], Some(&nested(100_000))).await;
    assert_eq!(response.brief(), "422 json_invalid body.64");
    // The response echoes a bounded part of a row and of its names.
    let zeros = "0,".repeat(60_000);
    let rows = [
        format!(r#"[{{"a":[{zeros}0]}}]"#),
        format!(r#"[{{"{}":1}}]"#, "a".repeat(1_000_000)),
        format!("[{{{}}}]", (0..60_000).map(|n| format!(r#""{n}":1"#)).collect::<Vec<_>>().join(",")),
    ];
    for rows in rows {
        let response = api.send("POST", BATCH, &[JSON], Some(rows.as_bytes())).await;
        assert_eq!((response.status, response.body.len() < 2_000_000), (422, true));
    }
    let response = api.post("/api/v1/devices", r#"{"device_id":"\ud800"}"#).await;
    assert_eq!(response.brief(), "422 json_invalid body.20");
    assert!(api.list(READINGS).await.is_empty());
    let marked = [b"\xef\xbb\xbf", READING].concat();
    let unknown = br#"{"x":1,"y":2,"z":3,"w":[{}],"w":null}"#;
    for body in [marked.as_slice(), unknown, b" \r\n\t{\"x\":1,\"y\":2,\"z\":3} \n"] {
        assert_eq!(api.send("POST", READINGS, &[JSON], Some(body)).await.brief(), "201");
    }
}

async fn an_empty_body_is_missing(api: Api) {
    api.device("d").await;
    let user = api.user("ada").await;
    let user = format!("/api/v1/users/{user}");
    for (method, path) in [
        ("POST", READINGS),
        ("POST", BATCH),
        ("POST", "/api/v1/stats/batch"),
        ("POST", "/api/v1/users"),
        ("POST", "/api/v1/devices"),
        ("PUT", "/api/v1/devices/d"),
        ("PUT", &user),
    ] {
        for body in [None, Some(b"".as_slice())] {
            let response = api.send(method, path, &[JSON], body).await;
            assert_eq!(response.brief(), "422 missing body", "{method} {path}");
        }
    }
    for body in [None, Some(b"".as_slice()), Some(b"null"), Some(b"{}")] {
        assert_eq!(
            api.send("POST", &format!("{READINGS}/analyze"), &[JSON], body).await.brief(),
            NO_READINGS
        );
    }
}

async fn an_unsupported_type_or_coding_is_refused(api: Api) {
    api.device("d").await;
    let single = "415 The Content-Encoding is not supported here; use none";
    let coding = "415 The Content-Encoding is not supported here; use gzip, zstd or none";
    let media = "415 The Content-Type is not supported here; use application/json, application/x-ndjson, \
        text/csv or application/vnd.apache.arrow.stream";
    let text = "422 model_attributes_type body";
    for (path, headers, expected) in [
        (READINGS, vec!["content-type: text/plain"], text),
        (READINGS, vec!["content-type: application/x-www-form-urlencoded"], text),
        (READINGS, vec![CSV], text),
        (READINGS, vec![], text),
        (READINGS, vec![JSON, "content-encoding: gzip"], single),
        (READINGS, vec![JSON, "content-encoding: br"], single),
        (READINGS, vec![JSON, "content-encoding: zstd"], single),
        (BATCH, vec![JSON, "content-encoding: br"], coding),
        (BATCH, vec![JSON, "content-encoding: gzip, gzip"], coding),
        (BATCH, vec![JSON, "content-encoding: gzip, zstd"], coding),
        (BATCH, vec![JSON, "content-encoding: gzip", "content-encoding: gzip"], coding),
        (BATCH, vec!["content-type: text/plain"], media),
        (BATCH, vec!["content-type: application/xml"], media),
        (BATCH, vec![], media),
    ] {
        let response = api.send("POST", path, &headers, Some(READING)).await;
        assert_eq!(response.brief(), expected, "{path} {headers:?}");
    }
    assert!(api.list(READINGS).await.is_empty());
    for headers in [
        vec!["content-type: application/json; charset=utf-8"],
        vec!["content-type: Application/JSON"],
        vec!["content-type: application/senml+json"],
        vec![JSON, "content-encoding: identity"],
    ] {
        assert_eq!(api.send("POST", READINGS, &headers, Some(READING)).await.brief(), "201", "{headers:?}");
    }
}

async fn a_body_above_the_limit_is_refused(api: Api) {
    api.device("d").await;
    let head = |path: &str, length: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n{length}\r\n\r\n"
        )
    };
    for (path, most) in [(READINGS, BODY_BYTES_MAX), (BATCH, BATCH_BYTES_MAX)] {
        let expected = format!("413 The body is larger than {most} bytes");
        // No byte of the body is sent.
        for length in [most + 1, 1 << 30] {
            let request = head(path, &format!("content-length: {length}"));
            assert_eq!(api.send_bytes(request.as_bytes(), true).await.brief(), expected);
        }
        // The end of the body is never sent.
        let mut request = head(path, "transfer-encoding: chunked").into_bytes();
        for _ in 0..=most / 65_536 {
            request.extend_from_slice(b"10000\r\n");
            request.extend_from_slice(&vec![b' '; 65_536]);
            request.extend_from_slice(b"\r\n");
        }
        request.extend_from_slice(b"1\r\n \r\n");
        assert_eq!(api.send_bytes(&request, true).await.brief(), expected);
        let mut filled = if path == BATCH { [b"[", READING, b"]"].concat() } else { READING.to_vec() };
        filled.resize(most, b' ');
        assert_eq!(api.send("POST", path, &[JSON], Some(&filled)).await.brief(), "201", "{path}");
    }
}

/// Malformed HTTP is refused before a handler runs.
async fn malformed_framing_is_refused(api: Api) {
    api.device("d").await;
    for lines in [
        "content-length: x",
        "content-length: -1",
        "content-length: 19\r\ncontent-length: 20",
        "content-length: 19\r\nobs\r\n fold: 1",
        "transfer-encoding: gzip",
        "bad header",
    ] {
        let head = format!("POST {READINGS} HTTP/1.1\r\nhost: localhost\r\n{JSON}\r\n{lines}\r\n\r\n");
        let response = api.send_bytes(&[head.as_bytes(), READING].concat(), true).await;
        assert_eq!(response.status, 400, "{lines}");
    }
    // A `Content-Length` with a chunked body is ignored, and the connection is closed.
    let head = format!("POST {READINGS} HTTP/1.1\r\nhost: localhost\r\n{JSON}\r\n");
    let both = format!("{head}content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n");
    let response = api.send_bytes(both.as_bytes(), true).await;
    assert!(matches!(response.status, 400 | 422), "{response:?}");
    let bad_chunk = format!("{head}transfer-encoding: chunked\r\n\r\nzz\r\n");
    let response = api.send_bytes(bad_chunk.as_bytes(), true).await;
    assert_eq!(response.brief(), "400 There was an error parsing the body");
    assert!(api.list(READINGS).await.is_empty());
}
