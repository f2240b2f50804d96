//! Many large bodies at once, each within its limit. Memory stays bounded although the bodies are compressed,
//! and single readings are still accepted.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use device_stats_formats::limits::BATCH_BYTES_MAX;
use device_stats_service::limits::BODIES_BYTES_MAX;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::random::Random;
use crate::server::Server;

/// Number of bodies: twice the number that the service admits.
const BODIES: usize = 2 * BODIES_BYTES_MAX / BATCH_BYTES_MAX;

/// Returns a batch of 10 MiB, compressed to a fourth or less. Its only row is held until its end.
fn compressed_body() -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let row = r#""x":1,"y":2,"z":3"#;
    // Repeated white space would be so short that the service decompresses it only at its end.
    let mut random = Random::with_seed(1);
    let spaces = (row.len() + 4..BATCH_BYTES_MAX).map(|_| random.choose(&[' ', '\n']));
    let spaces: String = spaces.collect();
    encoder.write_all(format!("[{{{spaces}{row}}}]").as_bytes()).unwrap();
    encoder.finish().unwrap()
}

/// Returns the status of the response, or `None` after a timeout.
fn status(stream: &mut TcpStream, timeout: Duration) -> Option<u16> {
    let mut answer = [0; 12];
    stream.set_read_timeout(Some(timeout)).unwrap();
    stream.peek(&mut answer).ok()?;
    stream.read_exact(&mut answer).ok()?;
    std::str::from_utf8(&answer).ok()?.strip_prefix("HTTP/1.1 ")?.parse().ok()
}

#[test]
fn many_large_bodies_at_once_take_bounded_memory() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::in_folder(folder.path());
    assert_eq!(server.post("/api/v1/devices", r#"{"device_id":"d"}"#).0, 201);
    let before = server.memory_peak();
    let body = compressed_body();
    let (last, beginning) = body.split_last().unwrap();
    let address = server.url.strip_prefix("http://").unwrap();
    let head = format!(
        "POST /api/v1/stats/devices/d/batch HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n\
         content-encoding: gzip\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let mut streams: Vec<TcpStream> = (0..BODIES)
        .map(|_| {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.write_all(&[head.as_bytes(), beginning].concat()).unwrap();
            stream
        })
        .collect();
    // Bodies above the limit are refused at once; the others are answered after their last byte. If this
    // takes seconds, they are too slow for the memory that they hold.
    let (mut refused, mut slow, mut quiet) = (0, 0, 0);
    while quiet < 20 {
        let waiting = streams.len();
        streams.retain_mut(|stream| {
            status(stream, Duration::from_millis(1)).is_none_or(|code| {
                assert!(matches!(code, 503 | 408), "{code}");
                slow += usize::from(code == 408);
                false
            })
        });
        refused += waiting - streams.len();
        quiet = if waiting == streams.len() && refused > 0 { quiet + 1 } else { 0 };
    }
    let admitted = streams.len() + slow;
    assert!((5..=BODIES_BYTES_MAX / BATCH_BYTES_MAX).contains(&admitted), "{admitted} were admitted");
    assert_eq!(server.post("/api/v1/stats/devices/d", r#"{"x":1,"y":2,"z":3}"#).0, 201);
    for mut stream in streams {
        // Writing fails if the body was too slow.
        let _ = stream.write_all(&[*last]);
        assert!(matches!(status(&mut stream, Duration::from_mins(1)), Some(201 | 408)));
    }
    // The permits are released.
    assert_eq!(server.post("/api/v1/stats/devices/d/batch", r#"[{"x":1,"y":2,"z":3}]"#).0, 201);
    // The buffers together have at most `BODIES_BYTES_MAX`. Each buffer grew by doubling. Its earlier,
    // smaller allocations together have at most the same size. The allocator keeps them for a second after
    // they were freed. If all bodies arrive at the same pace, no other body uses them again. All of that is
    // above the memory of an idle server.
    let peak = server.memory_peak() - before;
    assert!(peak < 2 * BODIES_BYTES_MAX, "the peak was {peak} bytes above {before}");
}
