//! The requests of Telegraf's outputs for InfluxDB 2 and 1, byte by byte, and the members of the responses
//! that Telegraf reads. The source is Telegraf 1.36, files `plugins/outputs/influxdb_v2/http.go` and
//! `plugins/outputs/influxdb/http.go`. A request has no `Content-Length`, so its body is chunked, and it is
//! compressed with gzip. The output for version 2 also sends the parameters of the address in `urls`.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::server::{Api, READINGS, Response, over_both_stores};

over_both_stores!(
    a_batch_of_version_2_is_stored,
    a_batch_of_version_1_is_stored,
    the_reason_of_a_refused_batch_reaches_the_log,
    one_bad_metric_does_not_cost_the_batch
);

/// Size of a chunk of Go's client, in bytes, made small so that metrics are split.
const CHUNK: usize = 48;
/// A batch of Telegraf's serializer: sorted fields, times in nanoseconds, each line with its end.
const METRICS: &str = "\
accelerometer,device=d,host=gateway\\ 1 temperature=21.5,x=0.0125,y=-0.25,z=9.81 1795428000000000000
accelerometer,device=d,host=gateway\\ 1 temperature=21.5,x=0.5,y=1i,z=9.8 1795428000100000000
";

/// Sends a request as Telegraf does.
async fn send(api: Api, path: &str, more_headers: &[&str], lines: &str) -> Response {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(lines.as_bytes()).unwrap();
    let body = gzip.finish().unwrap();
    let mut request = format!(
        "POST {path} HTTP/1.1\r\nHost: {}\r\nUser-Agent: Telegraf/1.36.4 Go/1.25.3\r\nTransfer-Encoding: chunked\r\n\
         Content-Encoding: gzip\r\nContent-Type: text/plain; charset=utf-8\r\n",
        api.address
    )
    .into_bytes();
    for header in more_headers {
        write!(request, "{header}\r\n").unwrap();
    }
    request.extend_from_slice(b"Accept-Encoding: gzip\r\nConnection: close\r\n\r\n");
    for chunk in body.chunks(CHUNK) {
        write!(request, "{:x}\r\n", chunk.len()).unwrap();
        request.extend_from_slice(chunk);
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"0\r\n\r\n");
    api.send_bytes(&request, true).await
}

/// Sends a request of the output for version 2. `parameters` stand in the address in `urls`.
async fn send_version_2(api: Api, parameters: &str, lines: &str) -> Response {
    // Go writes the parameters by ascending name.
    let path = format!("/api/v2/write?bucket=sensors&{parameters}org=plant");
    send(api, &path, &["Authorization: Token any"], lines).await
}

async fn stored_xs(api: Api) -> Vec<Value> {
    api.list(READINGS).await.iter().map(|reading| reading["x"].clone()).collect()
}

async fn a_batch_of_version_2_is_stored(api: Api) {
    api.device("d").await;
    let response = send_version_2(api, "", METRICS).await;
    assert_eq!((response.status, response.body.len()), (204, 0));
    assert_eq!(stored_xs(api).await, [json!(0.5), json!(0.0125)]);
    // After a lost response, Telegraf sends the batch again.
    assert_eq!(send_version_2(api, "", METRICS).await.status, 204);
    assert_eq!(stored_xs(api).await.len(), 2);
}

/// Version 1 takes only 204 for success.
async fn a_batch_of_version_1_is_stored(api: Api) {
    api.device("d").await;
    let response = send(api, "/write?db=telegraf", &["Authorization: Basic YTpi"], METRICS).await;
    assert_eq!(response.status, 204);
    assert_eq!(stored_xs(api).await, [json!(0.5), json!(0.0125)]);
}

/// Telegraf drops a batch with status 422 and logs this text. `line` has to be an integer.
async fn the_reason_of_a_refused_batch_reaches_the_log(api: Api) {
    api.device("d").await;
    let lines = format!("{METRICS}accelerometer,device=d x=1,y=2 1795428000200000000\n");
    let response = send_version_2(api, "", &lines).await;
    let error = response.json();
    assert_eq!((response.status, error["line"].as_i64()), (422, Some(3)));
    assert_eq!(error["message"], "line 3: z: Field required");
    assert!(error["code"].is_string());
    let response = send(api, "/write?db=telegraf", &[], &lines).await;
    assert_eq!(response.status, 422);
    assert_eq!(response.json()["error"], "line 3: z: Field required");
    assert!(stored_xs(api).await.is_empty());
}

async fn one_bad_metric_does_not_cost_the_batch(api: Api) {
    api.device("d").await;
    let lines = format!(
        "cpu,host=gateway usage_idle=97.1 1795428000000000000\n{METRICS}\
         accelerometer,device=new x=1,y=2,z=3 1795428000000000000\n"
    );
    let response = send_version_2(api, "on_fault=skip&", &lines).await;
    // These are the successful statuses of version 2.
    assert!([200, 201, 202, 204].contains(&response.status), "{response:?}");
    assert_eq!(
        (response.json()["accepted"].as_u64(), response.json()["rejected"].as_u64()),
        (Some(2), Some(2))
    );
    assert_eq!(stored_xs(api).await, [json!(0.5), json!(0.0125)]);
    let response = send_version_2(api, "on_fault=skip&register=true&", &lines).await;
    assert_eq!(response.json()["rejected"].as_u64(), Some(1));
    assert_eq!(api.list("/api/v1/stats/devices/new").await.len(), 1);
}
