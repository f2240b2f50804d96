//! Slow clients of an export, and clients that disconnect. For slow clients, time is paused: it passes only
//! while everybody waits.

use axum::routing::get;
use device_stats_domain::{Axes, DeviceId, Finite, Measurement, Timestamp};
use device_stats_service::{MissingDevices, ServiceSettings};
use device_stats_store::Model;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::sync::Notify;
use tokio::time::sleep;

use super::*;
use crate::app::with_layers;
use crate::limits::WRITE_TIMEOUT;
use crate::observers::Observers;
use crate::testing::Log;

/// Number of readings; their export is far larger than all buffers between service and client.
const READINGS: u32 = 60_000;
/// Size of the buffer between service and client, in bytes.
const BUFFER_BYTES: usize = 32 * 1024;
/// End of a complete body.
const END: &[u8] = b"\r\n0\r\n\r\n";

async fn service() -> Service {
    let service = Service::new(Arc::new(Model::default()), ServiceSettings::default()).unwrap();
    let reading = |n: u32| Measurement {
        time: Some(Timestamp::from_micros(i64::from(n)).unwrap()),
        values: Axes { x: f64::from(n), y: 0.5, z: 0.25 }.map(|number| Finite::new(number).unwrap()),
    };
    let readings: Vec<Measurement> = (0..READINGS).map(reading).collect();
    let device = DeviceId::new("d").unwrap();
    let mut memory = service.body_permit();
    let append = service.append_batch(
        service.anyone().unwrap().grant().unwrap(),
        &device,
        readings,
        MissingDevices::Register,
        None,
        &mut memory,
    );
    assert_eq!(append.await.unwrap().accepted, u64::from(READINGS));
    service
}

/// Exports all readings to a client that pauses before it reads the next part, and disconnects after a number
/// of parts. Returns the response and the log.
async fn export(pause: Duration, parts_max: usize) -> (Vec<u8>, String) {
    request_export("GET", pause, parts_max).await
}

async fn request_export(method: &str, pause: Duration, parts_max: usize) -> (Vec<u8>, String) {
    let (log, _guard) = Log::start();
    let server = Server::new(&ListenerSettings::default());
    server.open(&service().await);
    let (mut client, stream) = duplex(BUFFER_BYTES);
    let connections = GracefulShutdown::new();
    let connection = serve_plain(stream, IpAddr::from([127, 0, 0, 1]), server, &connections);
    let connection = tokio::spawn(connection);
    let request = format!(
        "{method} /api/v1/stats/devices/d/export HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
    );
    client.write_all(request.as_bytes()).await.unwrap();
    let (mut received, mut part) = (Vec::new(), vec![0; BUFFER_BYTES]);
    for _ in 0..parts_max {
        sleep(pause).await;
        match client.read(&mut part).await.unwrap() {
            0 => break,
            bytes => received.extend_from_slice(&part[..bytes]),
        }
    }
    drop(client);
    connection.await.unwrap();
    (received, log.text())
}

/// An export ended when its client paused for more than 30 seconds.
#[tokio::test(start_paused = true)]
async fn a_pause_of_a_slow_client_does_not_end_an_export() {
    let (received, log) = export(Duration::from_secs(40), usize::MAX).await;
    // Each line names the device.
    let lines = String::from_utf8_lossy(&received).matches('d').count();
    assert!(received.ends_with(END) && lines > READINGS as usize, "{lines}");
    assert!(log.contains("request answered") && !log.contains("cut off"), "{log}");
}

/// A client that never read its export kept its permit for exports for ever. The end of its export was not
/// logged.
#[tokio::test(start_paused = true)]
async fn a_client_that_reads_nothing_is_disconnected_and_logged() {
    let (received, log) = export(WRITE_TIMEOUT + Duration::from_secs(1), usize::MAX).await;
    assert!(received.starts_with(b"HTTP/1.1 200 ") && !received.ends_with(END));
    assert!(
        log.contains("export cut off") && log.contains("path=\"/api/v1/stats/devices/d/export\""),
        "{log}"
    );
}

#[tokio::test(start_paused = true)]
async fn an_export_whose_client_disconnects_is_logged() {
    let (received, log) = export(Duration::ZERO, 2).await;
    assert!(received.starts_with(b"HTTP/1.1 200 ") && !received.ends_with(END));
    assert!(log.contains("export cut off"), "{log}");
}

/// The log said that the export was cut off, although the response has no body.
#[tokio::test(start_paused = true)]
async fn a_head_request_for_an_export_is_not_logged_as_cut_off() {
    let (received, log) = request_export("HEAD", Duration::ZERO, usize::MAX).await;
    assert!(received.starts_with(b"HTTP/1.1 200 ") && received.ends_with(b"\r\n\r\n"));
    assert!(log.contains("request answered") && !log.contains("cut off"), "{log}");
}

/// Such a request left no trace in the log.
#[tokio::test]
async fn a_request_whose_client_disconnects_is_logged() {
    let (log, _guard) = Log::start();
    let begun = Arc::new(Notify::new());
    let has_begun = Arc::clone(&begun);
    let never_answers = async move || {
        has_begun.notify_one();
        std::future::pending::<()>().await;
    };
    let routes = Router::new().route("/slow", get(never_answers));
    let routes = with_layers(routes, &BrowserAccess::default(), Observers::default());
    let server = Server::new(&ListenerSettings::default());
    server.app.set(routes).unwrap();
    let (mut client, stream) = duplex(BUFFER_BYTES);
    let connections = GracefulShutdown::new();
    let connection = serve_plain(stream, IpAddr::from([127, 0, 0, 1]), server, &connections);
    let connection = tokio::spawn(connection);
    client.write_all(b"GET /slow HTTP/1.1\r\nhost: localhost\r\nx-request-id: r-1\r\n\r\n").await.unwrap();
    begun.notified().await;
    assert_eq!(log.text(), "");
    drop(client);
    connection.await.unwrap();
    let text = log.text();
    for part in ["id=r-1", "path=\"/slow\"", "connection ended before", "route=\"/slow\"", "duration_us="] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert_eq!(text.lines().count(), 1, "{text}");
}
