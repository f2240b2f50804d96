//! Compression of JSON responses on request.

use std::io::Read as _;

use flate2::read::GzDecoder;
use serde_json::json;

use crate::server::{Api, READINGS, Response, over_both_stores};

over_both_stores!(json_is_compressed_on_request, other_responses_are_sent_as_they_are);

const LIST: &str = "/api/v1/devices?after=0&limit=1000";

async fn get(api: Api, path: &str, accept: &str) -> Response {
    let header = format!("accept-encoding: {accept}");
    api.send("GET", path, &[&header], None).await
}

fn gunzip(bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    GzDecoder::new(bytes).read_to_end(&mut text).unwrap();
    text
}

async fn json_is_compressed_on_request(api: Api) {
    for n in 0..50 {
        api.device(&format!("device-{n}")).await;
    }
    let plain = api.get(LIST).await;
    assert_eq!(plain.header("content-encoding"), None);
    assert!(plain.body.len() > 2_000);
    for (accept, coding) in [
        ("gzip", Some("gzip")),
        ("deflate, GZIP;q=0.5", Some("gzip")),
        ("zstd", Some("zstd")),
        ("gzip;q=0, zstd", Some("zstd")),
        ("br", None),
        ("identity", None),
        ("gzip;q=0", None),
    ] {
        let response = get(api, LIST, accept).await;
        assert_eq!(response.status, 200);
        assert_eq!(response.header("content-encoding"), coding, "{accept}");
        assert_eq!(response.header("vary"), Some("accept-encoding"));
        assert_eq!(response.header("content-type"), Some("application/json"));
        assert!(response.header("x-request-id").is_some());
        let decoded = match coding {
            Some("gzip") => gunzip(&response.body),
            Some(_) => zstd::decode_all(response.body.as_slice()).unwrap(),
            None => response.body.clone(),
        };
        assert_eq!(decoded, plain.body, "{accept}");
        assert!(coding.is_none() || response.body.len() < plain.body.len() / 2);
    }
    // Errors too.
    let rows = vec![json!({"x": "a"}); 50];
    let path = "/api/v1/stats/devices/device-1/batch";
    let headers = ["content-type: application/json", "accept-encoding: gzip"];
    let refused = api.send("POST", path, &headers, Some(json!(rows).to_string().as_bytes())).await;
    assert_eq!((refused.status, refused.header("content-encoding")), (422, Some("gzip")));
    assert!(String::from_utf8(gunzip(&refused.body)).unwrap().contains("float_parsing"));
}

async fn other_responses_are_sent_as_they_are(api: Api) {
    let user = api.user("ada").await;
    for n in 0..50 {
        api.owned_device(&format!("device-{n}"), user).await;
    }
    api.device("d").await;
    let rows: Vec<_> =
        (0..200).map(|n| json!({"x": n, "y": 0, "z": 0, "timestamp": 1_795_428_000 + n})).collect();
    assert_eq!(api.post(&format!("{READINGS}/batch"), json!(rows)).await.status, 201);
    let coding = async |path: &str, accept: &str| {
        let response = get(api, path, accept).await;
        assert_eq!(response.status, 200, "{path}");
        response.header("content-encoding").map(str::to_owned)
    };
    // Small.
    assert_eq!(coding("/health/live", "gzip").await, None);
    assert_eq!(coding(&format!("{READINGS}/latest"), "gzip, zstd").await, None);
    // With a strong tag.
    assert_eq!(coding(&format!("/api/v1/users/{user}"), "gzip").await, None);
    // Exports compress themselves, once.
    let export = format!("{READINGS}/export");
    assert_eq!(coding(&format!("{export}?format=ndjson"), "zstd").await, None);
    assert_eq!(coding(&format!("{export}?format=parquet"), "gzip, zstd").await, None);
    let response = get(api, &export, "gzip, zstd").await;
    assert_eq!(response.header("content-encoding"), Some("gzip"));
    assert!(gunzip(&response.body).starts_with(b"device_id,timestamp,x,y,z\n"));
    // An event must not wait in an encoder.
    let live =
        format!("GET {READINGS}/live HTTP/1.1\r\nhost: localhost\r\naccept-encoding: gzip, zstd\r\n\r\n");
    let response = api.send_bytes(live.as_bytes(), false).await;
    assert_eq!((response.status, response.header("content-encoding")), (200, None));
}
