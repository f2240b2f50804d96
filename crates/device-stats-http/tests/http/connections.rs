//! Connections: kept alive, timed out, and closed at shutdown.

use std::sync::Arc;

use device_stats_http::limits::HEAD_TIMEOUT;
use device_stats_sqlite::SqliteStore;
use device_stats_store::Model;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::server::{Api, BATCH, JSON, Response, Server, over_both_stores, over_sqlite};

over_both_stores!(
    a_connection_stays_open_after_errors,
    a_long_head_is_refused,
    a_client_that_sends_too_much_can_read_the_response,
    a_body_that_nobody_reads_is_drained
);

async fn a_connection_stays_open_after_errors(api: Api) {
    let mut stream = TcpStream::connect(api.address).await.unwrap();
    for path in ["/health/live", "/nothing", "/api/v1/users?limit=0", "/health/ready"] {
        stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n").as_bytes()).await.unwrap();
        let response = Response::read(&mut stream, true).await;
        assert_eq!(response.status, api.get(path).await.status, "{path}");
    }
}

async fn a_long_head_is_refused(api: Api) {
    let many: String = (0..100).fold(String::new(), |lines, index| format!("{lines}h{index}: v\r\n"));
    for lines in [format!("long: {}\r\n", "x".repeat(30_000)), many] {
        let request = format!("GET /health/live HTTP/1.1\r\nhost: localhost\r\n{lines}\r\n");
        assert_eq!(api.send_bytes(request.as_bytes(), true).await.status, 431);
    }
}

async fn a_client_that_sends_too_much_can_read_the_response(api: Api) {
    api.device("d").await;
    let size = 12 * 1024 * 1024;
    let head = format!("POST /api/v1/stats/devices/d/batch HTTP/1.1\r\nhost: localhost\r\n{JSON}\r\n");
    for framing in [format!("content-length: {size}\r\n\r\n"), "transfer-encoding: chunked\r\n\r\n".into()] {
        let mut stream = TcpStream::connect(api.address).await.unwrap();
        stream.write_all(format!("{head}{framing}").as_bytes()).await.unwrap();
        if framing.starts_with("content") {
            stream.write_all(&vec![b' '; size]).await.unwrap();
        } else {
            stream.write_all(format!("{size:x}\r\n").as_bytes()).await.unwrap();
            stream.write_all(&vec![b' '; size]).await.unwrap();
            stream.write_all(b"\r\n0\r\n\r\n").await.unwrap();
        }
        let response = Response::read(&mut stream, true).await;
        assert_eq!(response.brief(), "413 The body is larger than 10485760 bytes");
    }
}

/// The connection was reset before the client had read the response.
async fn a_body_that_nobody_reads_is_drained(api: Api) {
    api.device("d").await;
    let size = 12 * 1024 * 1024;
    for (method, path, expected) in [
        ("POST", "/api/v1/nothing", "404 Not Found"),
        ("POST", "/nothing", "404 Not Found"),
        ("PATCH", "/api/v1/users", "405 Method Not Allowed"),
        ("PUT", "/api/v1/devices/%ff", "404 Not Found"),
        ("POST", "/api/v1/stats/devices/%ff/batch", "404 Not Found"),
        ("POST", "/api/v1/stats/devices/missing/batch", "404 Device not found"),
        ("GET", "/api/v1/devices/d", "200"),
    ] {
        let mut stream = TcpStream::connect(api.address).await.unwrap();
        let head = format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {size}\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&vec![b' '; size]).await.unwrap();
        assert_eq!(Response::read(&mut stream, true).await.brief(), expected, "{method} {path}");
        // The connection is still in use.
        stream.write_all(b"GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
        assert_eq!(Response::read(&mut stream, true).await.status, 200, "{method} {path}");
        // A client that asks first sends no body after a refusal.
        let mut stream = TcpStream::connect(api.address).await.unwrap();
        stream
            .write_all(head.replace("\r\n\r\n", "\r\nexpect: 100-continue\r\n\r\n").as_bytes())
            .await
            .unwrap();
        assert_eq!(Response::read(&mut stream, true).await.brief(), expected, "{method} {path}");
    }
}

#[tokio::test]
async fn a_connection_without_a_complete_head_is_closed() {
    over_sqlite(async |api: Api| {
        let mut stream = TcpStream::connect(api.address).await.unwrap();
        let started = Instant::now();
        stream.write_all(b"GET /health/live HTTP/1.1\r\nhost:").await.unwrap();
        let mut rest = Vec::new();
        let ended = timeout(HEAD_TIMEOUT * 3, stream.read_to_end(&mut rest)).await;
        assert!(ended.is_ok(), "the connection is still open");
        assert!(started.elapsed() >= HEAD_TIMEOUT.mul_f64(0.9));
        assert!(rest.is_empty() || rest.starts_with(b"HTTP/1.1 408"));
    })
    .await;
}

/// Behind a proxy, the address of the client counts.
#[tokio::test]
async fn an_address_with_many_open_requests_waits_and_others_do_not() {
    let server = Server::start_with_open_requests_max(Arc::new(Model::default()), 2).await;
    let api = server.api;
    api.device("d").await;
    let live =
        "GET /api/v1/stats/devices/d/live HTTP/1.1\r\nhost: localhost\r\nx-forwarded-for: 10.0.0.1\r\n\r\n";
    let open = async || {
        let mut stream = TcpStream::connect(api.address).await.unwrap();
        stream.write_all(live.as_bytes()).await.unwrap();
        assert_eq!(Response::read(&mut stream, false).await.status, 200);
        stream
    };
    let mut streams = vec![open().await, open().await];
    let get = async |path: &str, address: &str| {
        let headers = [&format!("x-forwarded-for: {address}"), "x-request-id: r"];
        api.send("GET", path, &headers, None).await
    };
    for path in ["/api/v1/version", "/api/v1/stats/devices/d/live", "/docs/", "/missing"] {
        let refused = get(path, "10.0.0.1").await;
        assert_eq!((refused.status, refused.header("retry-after")), (429, Some("1")), "{path}");
        assert!(refused.header("content-security-policy").is_some(), "{path}");
        insta::allow_duplicates! {
            insta::assert_snapshot!(String::from_utf8_lossy(&refused.body), @r#"{"detail":"2 requests of this client address are open, which is the limit; nothing was done, try again when some are answered","code":"too_many_open_requests","request_id":"r"}"#);
        }
    }
    let body = vec![b' '; 12 * 1024 * 1024];
    let refused = api.send("POST", BATCH, &[JSON, "x-forwarded-for: 10.0.0.1"], Some(&body)).await;
    assert_eq!(refused.status, 429, "a client that sends much can read the refusal");
    assert_eq!(get("/health/live", "10.0.0.1").await.status, 200);
    assert_eq!(get("/health/ready", "10.0.0.1").await.status, 200);
    assert_eq!(get("/api/v1/version", "10.0.0.2").await.status, 200);
    streams.pop();
    // The service notices the end of a connection a little later.
    let passes = async { while get("/api/v1/version", "10.0.0.1").await.status != 200 {} };
    timeout(HEAD_TIMEOUT, passes).await.expect("a place is free again");
    server.stop().await;
}

/// A request whose head has arrived is finished, even if the shutdown starts before its body arrives.
#[tokio::test]
async fn a_shutdown_finishes_accepted_requests() {
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&directory.path().join("http.db"), true).unwrap();
    let server = Server::start(Arc::new(store)).await;
    let api = server.api;
    let mut stream = TcpStream::connect(api.address).await.unwrap();
    let body = r#"{"device_id":"d"}"#;
    // `100 Continue` shows that the request has reached its handler.
    let head = format!(
        "POST /api/v1/devices HTTP/1.1\r\nhost: localhost\r\n{JSON}\r\nexpect: 100-continue\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    assert_eq!(Response::read(&mut stream, false).await.status, 100);
    let stopped = server.begin_stop();
    // The shutdown has started once connections are refused.
    while TcpStream::connect(api.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    stream.write_all(body.as_bytes()).await.unwrap();
    assert_eq!(Response::read(&mut stream, true).await.status, 201);
    timeout(HEAD_TIMEOUT, stopped).await.expect("a shutdown in time").unwrap();
}
