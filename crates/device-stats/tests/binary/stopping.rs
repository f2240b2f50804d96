//! The end of a server: readiness first, then the accepted requests; a second signal ends it at once.

use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::server::{Server, device_stats, run, stdout_of};

/// Time after which `docker stop` kills a container.
const DOCKER_STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// A request whose body never arrives.
const UNFINISHED: &[u8] =
    b"POST /api/v1/users HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{";

/// The server refused connections as soon as it was told to stop, while load balancers still sent requests.
#[test]
fn a_stopping_server_is_not_ready_but_answers_for_a_while() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::in_folder(folder.path());
    assert_eq!(server.get("/health/ready").0, 200);
    server.signal("TERM");
    let refused = loop {
        let (status, body) = server.get("/health/ready");
        if status != 200 {
            break (status, body["code"].clone());
        }
    };
    assert_eq!(refused, (503, json!("stopping")));
    assert_eq!(server.get("/health/live").0, 200);
    assert_eq!(server.post("/api/v1/devices/", r#"{"device_id": "pump"}"#).0, 201);
    assert_eq!(server.wait(), Some(0));
}

/// The server ignored all signals after the first one.
#[test]
fn a_second_signal_ends_the_server_at_once() {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::in_folder(folder.path());
        let mut unfinished = TcpStream::connect(server.url.strip_prefix("http://").unwrap()).unwrap();
        unfinished.write_all(UNFINISHED).unwrap();
        // After an answer to a later connection, the server has accepted the earlier one.
        assert_eq!(server.get("/health/live").0, 200);
        server.signal("INT");
        while !server.log().contains("\"stopping\"") {
            std::thread::yield_now();
        }
        server.signal(signal);
        assert_eq!(server.wait(), Some(code), "{signal}");
    }
}

/// The last notes of a server waited for a database that was locked, for longer than `docker stop` waits.
#[test]
fn a_database_that_does_not_answer_does_not_hold_up_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("test.db");
    let server = Server::start_with(&format!("sqlite:{}", file.display()), &["--auth", "token"]);
    let unknown = stdout_of(&["token", "generate"]);
    let mut refused = device_stats(&["--url", &server.url, "users", "list"]);
    let refused = refused.env("DEVICE_STATS_TOKEN", unknown.trim_end()).output().unwrap();
    assert!(!refused.status.success());
    let lock = rusqlite::Connection::open(&file).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    let log = server.log_handle();
    let stopping = Instant::now();
    assert!(server.terminate());
    assert!(stopping.elapsed() < DOCKER_STOP_TIMEOUT, "{:?}", stopping.elapsed());
    assert!(log.lock().unwrap().contains("were not written"), "{}", log.lock().unwrap());
}

#[test]
fn the_health_check_needs_only_the_address_of_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::in_folder(folder.path());
    let port = server.url.rsplit(':').next().unwrap();
    let address = format!("0.0.0.0:{port}");
    assert!(run(&["health", "--listen", &address]).status.success());
    let mut check = device_stats(&["health"]);
    check.env("DEVICE_STATS_LISTEN", &address);
    assert_eq!(check.status().unwrap().code(), Some(0));
    server.kill();
    assert_eq!(check.status().unwrap().code(), Some(4));
}
