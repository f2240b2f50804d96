//! Connections: kept alive, cut, and brought to an end.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use device_stats_domain::limits::{HEAD_TIMEOUT, WRITE_TIMEOUT};
use device_stats_sqlite::SqliteStore;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, sleep, timeout};

use crate::served::{Answer, Api, CSV, JSON, Served, over_both_stores, over_sqlite};

over_both_stores!(kept_alive, heads_too_long, too_much_is_answered);

async fn kept_alive(api: Api) {
    let mut stream = TcpStream::connect(api.address).await.unwrap();
    for path in ["/health/live", "/nothing", "/api/v1/users?limit=0", "/health/ready"] {
        stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: t\r\n\r\n").as_bytes()).await.unwrap();
        let answer = Answer::read(&mut stream, true).await;
        assert_eq!(answer.status, api.get(path).await.status, "{path}");
    }
}

async fn heads_too_long(api: Api) {
    let many: String = (0..100).fold(String::new(), |lines, index| format!("{lines}h{index}: v\r\n"));
    for lines in [format!("long: {}\r\n", "x".repeat(30_000)), many] {
        let request = format!("GET /health/live HTTP/1.1\r\nhost: t\r\n{lines}\r\n");
        assert_eq!(api.send_bytes(request.as_bytes(), true).await.status, 431);
    }
}

/// A client that sends all of a body that is too large gets to read why it was refused.
async fn too_much_is_answered(api: Api) {
    api.device("d").await;
    let size = 12 * 1024 * 1024;
    let head = format!("POST /api/v1/stats/devices/d/batch HTTP/1.1\r\nhost: t\r\n{JSON}\r\n");
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
        let answer = Answer::read(&mut stream, true).await;
        assert_eq!(answer.brief(), "413 The body is larger than 10485760 bytes");
    }
}

#[tokio::test]
async fn a_head_that_does_not_come_is_not_waited_for() {
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

/// A client that asked for an export and never read it kept one of the places for exports for ever.
#[tokio::test]
async fn a_client_that_takes_nothing_is_not_waited_for() {
    over_sqlite(async |api: Api| {
        api.device("d").await;
        let mut body = "x,y,z,timestamp\n".to_owned();
        for n in 0..150_000 {
            writeln!(body, "{n}.125,{n}.25,{n}.5,{n}").unwrap();
        }
        let posted = api.send("POST", "/api/v1/stats/devices/d/batch", &[CSV], Some(body.as_bytes())).await;
        assert_eq!(posted.status, 201);
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4_096).unwrap();
        let mut stream = socket.connect(api.address).await.unwrap();
        let started = Instant::now();
        stream.write_all(b"GET /api/v1/stats/devices/d/export HTTP/1.1\r\nhost: t\r\n\r\n").await.unwrap();
        // Once it is closed, the system refuses what is sent to it.
        let closed = async {
            while stream.write_all(b"?").await.is_ok() {
                sleep(Duration::from_millis(100)).await;
            }
        };
        assert!(timeout(WRITE_TIMEOUT * 3, closed).await.is_ok(), "the connection is still open");
        assert!(started.elapsed() >= WRITE_TIMEOUT.mul_f64(0.9));
    })
    .await;
}

/// A request whose head has arrived is answered, though the service is told to stop before its body has.
#[tokio::test]
async fn a_stop_waits_for_what_is_accepted() {
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&directory.path().join("http.db"), true).unwrap();
    let served = Served::start(Arc::new(store)).await;
    let api = served.api;
    let mut stream = TcpStream::connect(api.address).await.unwrap();
    let body = r#"{"device_id":"d"}"#;
    // The `100 Continue` says that the request has reached its handler.
    let head = format!(
        "POST /api/v1/devices HTTP/1.1\r\nhost: t\r\n{JSON}\r\nexpect: 100-continue\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    assert_eq!(Answer::read(&mut stream, false).await.status, 100);
    let stopped = served.begin_stop();
    // Once nobody listens any more, the stop has begun.
    while TcpStream::connect(api.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    stream.write_all(body.as_bytes()).await.unwrap();
    assert_eq!(Answer::read(&mut stream, true).await.status, 201);
    timeout(HEAD_TIMEOUT, stopped).await.expect("a stop in time").unwrap();
}
