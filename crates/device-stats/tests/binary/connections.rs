//! The limit on the connections of one client address.

use std::io::{Read, Write};
use std::net::{IpAddr, TcpStream};

use crate::killed_servers::wait_until;
use crate::server::Server;
use crate::tls::client;

/// Opens a connection and sends a request. Returns the connection if it is answered.
fn open(server: &Server) -> Option<TcpStream> {
    let mut stream = TcpStream::connect(server.url.strip_prefix("http://").unwrap()).unwrap();
    // The server may have closed the connection already.
    let _closed = stream.write_all(b"GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n");
    let mut start = [0; 12];
    stream.read_exact(&mut start).ok()?;
    assert_eq!(&start, b"HTTP/1.1 200");
    Some(stream)
}

fn start(flags: &[&str]) -> (tempfile::TempDir, Server) {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("test.db").display());
    let server = Server::start_with(&database, flags);
    (folder, server)
}

/// A single client could hold all connections of a server.
#[test]
fn an_address_with_many_connections_does_not_lock_out_others() {
    let (_folder, server) = start(&["--connections-per-address", "2"]);
    let mut held = vec![open(&server).unwrap(), open(&server).unwrap()];
    for _ in 0..20 {
        assert!(open(&server).is_none());
    }
    let other = client().local_address(IpAddr::from([127, 0, 0, 2])).build().unwrap();
    assert_eq!(other.get(format!("{}/health/live", server.url)).send().unwrap().status(), 200);
    held.pop();
    wait_until(|| open(&server).is_some());
    wait_until(|| {
        let log = server.log();
        let lines = log.lines().filter(|line| line.contains("connections refused"));
        let counts = lines.filter_map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!(line["fields"]["address"], "127.0.0.1");
            line["fields"]["count"].as_u64()
        });
        counts.sum::<u64>() >= 20
    });
}

#[test]
fn a_trusted_proxy_may_open_any_number_of_connections() {
    let (_folder, server) = start(&["--connections-per-address", "1", "--trusted-proxy", "127.0.0.1"]);
    let held: Vec<_> = (0..5).map(|_| open(&server).unwrap()).collect();
    assert_eq!(held.len(), 5);
}

/// A load test from one machine needs more connections than the limit.
#[test]
fn an_open_service_has_no_limit_and_zero_turns_it_off() {
    for flags in [&[][..], &["--auth", "token", "--connections-per-address", "0"]] {
        let (_folder, server) = start(flags);
        let held: Vec<_> = (0..300).map(|_| open(&server).unwrap()).collect();
        assert_eq!(held.len(), 300);
    }
    let (_folder, server) = start(&["--auth", "token"]);
    let held: Vec<_> = (0..257).map_while(|_| open(&server)).collect();
    assert_eq!(held.len(), 256);
}
