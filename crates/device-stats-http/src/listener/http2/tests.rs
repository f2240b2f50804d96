//! HTTP/2 with a client that sees frames. Time is paused: it passes only while everybody waits.

use std::convert::Infallible;
use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::{any, get};
use bytes::Bytes;
use futures_util::stream;
use h2::client::{Builder, SendRequest};
use h2::{Reason, RecvStream};
use hyper::StatusCode;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::app::with_layers;
use crate::browsers::BrowserAccess;
use crate::limits::{HSTS_MAX_AGE_DEFAULT, HTTP2_ABANDONED_MAX, HTTP2_PIECE_BYTES};
use crate::listener::ListenerSettings;
use crate::listener::connection::serve_plain;
use crate::observers::Observers;
use crate::testing::Log;

/// Size of the buffer between server and client, in bytes.
const BUFFER_BYTES: usize = 64 * 1024;
/// Size of the response of `/large`, in bytes.
const LARGE_BYTES: usize = 10 * HTTP2_PIECE_BYTES + 1;
/// Pause of the response of `/silent`.
const SILENCE: Duration = Duration::from_mins(10);
/// The preface of a client, and an empty frame of settings (RFC 9113, section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// A connection to a server with the paths `/small`, `/large`, `/silent` and `/never`.
struct Connection {
    stream: DuplexStream,
    serving: JoinHandle<()>,
    stop: CancellationToken,
    /// Notified when a request for `/never` has arrived.
    begun: Arc<Notify>,
    connections: GracefulShutdown,
}

/// Returns a server with the routes of [`Connection`].
fn server(settings: &ListenerSettings, begun: &Arc<Notify>) -> Server {
    let has_begun = Arc::clone(begun);
    let never = async move || {
        has_begun.notify_one();
        std::future::pending::<()>().await;
    };
    let routes = Router::new()
        .route("/small", any(async || "small"))
        .route("/large", get(async || vec![b'x'; LARGE_BYTES]))
        .route("/silent", get(async || Body::from_stream(stream::unfold(0, silent))))
        .route("/never", get(never));
    let server = Server::new(settings);
    server.app.set(with_layers(routes, &BrowserAccess::default(), Observers::default())).unwrap();
    server
}

/// Returns the next part of a body that pauses between its parts.
async fn silent(part: usize) -> Option<(Result<&'static str, Infallible>, usize)> {
    match part {
        0 => {}
        1 => sleep(SILENCE).await,
        _ => return None,
    }
    Some((Ok("part"), part + 1))
}

fn connect_to(server: Server, begun: Arc<Notify>) -> Connection {
    let (stream, far) = duplex(BUFFER_BYTES);
    let (connections, stop) = (GracefulShutdown::new(), CancellationToken::new());
    let stopping = Stopping { watcher: connections.watcher(), stop: stop.clone() };
    let serving = tokio::spawn(serve_http2(far, IpAddr::from([127, 0, 0, 1]), server, stopping));
    Connection { stream, serving, stop, begun, connections }
}

fn connect() -> Connection {
    let begun = Arc::default();
    connect_to(server(&ListenerSettings::default(), &begun), begun)
}

/// Performs the handshake. The returned task reads and writes frames until the connection ends.
async fn handshake(
    stream: DuplexStream,
    builder: &Builder,
) -> (SendRequest<Bytes>, JoinHandle<Option<Reason>>) {
    let (requests, connection) = builder.handshake(stream).await.unwrap();
    let running = tokio::spawn(async move { connection.await.err().and_then(|error| error.reason()) });
    (requests.ready().await.unwrap(), running)
}

fn request(path: &str) -> axum::http::Request<()> {
    axum::http::Request::get(format!("https://localhost{path}")).body(()).unwrap()
}

/// Sends a request without a body, and returns the response.
async fn send(
    requests: &mut SendRequest<Bytes>,
    request: axum::http::Request<()>,
) -> Result<axum::http::Response<RecvStream>, h2::Error> {
    poll_fn(|context| requests.poll_ready(context)).await?;
    requests.send_request(request, true)?.0.await
}

/// Reads a body, and gives the server room for more after each part. Returns the size.
async fn read(mut body: RecvStream, pause: Duration) -> Result<usize, h2::Error> {
    let mut size = 0;
    while let Some(data) = body.data().await {
        let bytes = data?.len();
        size += bytes;
        sleep(pause).await;
        body.flow_control().release_capacity(bytes)?;
    }
    Ok(size)
}

#[tokio::test]
async fn a_request_is_answered_and_browsers_must_encrypt() {
    let settings = ListenerSettings { hsts_max_age: HSTS_MAX_AGE_DEFAULT, ..ListenerSettings::default() };
    let begun = Arc::default();
    let Connection { stream, .. } = connect_to(server(&settings, &begun), begun);
    let (mut requests, _running) = handshake(stream, &Builder::new()).await;
    let named = axum::http::Request::get("https://stats.localhost.example/small").body(()).unwrap();
    let refused = send(&mut requests, named).await.unwrap();
    assert_eq!(refused.status(), StatusCode::MISDIRECTED_REQUEST);
    assert_eq!(refused.headers()["strict-transport-security"], "max-age=31536000");
    let response = send(&mut requests, request("/small")).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers().get("strict-transport-security"), None, "localhost");
    assert_eq!(response.headers()["content-length"], "5");
    assert_eq!(read(response.into_body(), Duration::ZERO).await.unwrap(), 5);
    let response = send(&mut requests, request("/large")).await.unwrap();
    assert_eq!(response.headers()["content-length"], LARGE_BYTES.to_string());
    assert_eq!(read(response.into_body(), Duration::ZERO).await.unwrap(), LARGE_BYTES);
    let head = axum::http::Request::head("https://localhost/small").body(()).unwrap();
    let response = send(&mut requests, head).await.unwrap();
    assert_eq!(read(response.into_body(), Duration::ZERO).await.unwrap(), 0);
    assert_eq!(requests.current_max_send_streams(), HTTP2_STREAMS_MAX as usize);
}

#[tokio::test]
async fn a_long_head_is_refused() {
    let Connection { stream, .. } = connect();
    let (mut requests, _running) = handshake(stream, &Builder::new()).await;
    let with = |count: usize, value: &str| {
        let mut request = request("/small");
        for n in 0..count {
            let name: axum::http::HeaderName = format!("h{n}").parse().unwrap();
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        request
    };
    for (request, status) in [
        (with(HEADERS_MAX, "v"), 200),
        (with(HEADERS_MAX + 1, "v"), 431),
        (with(1, &"v".repeat(HEAD_BYTES_MAX - 1024)), 200),
        (with(1, &"v".repeat(HEAD_BYTES_MAX)), 431),
    ] {
        assert_eq!(send(&mut requests, request).await.unwrap().status(), status);
    }
}

/// A client could hold a connection for ever.
#[tokio::test(start_paused = true)]
async fn an_http_2_connection_without_a_complete_head_is_closed() {
    // A frame of headers that announces more bytes than it has.
    let partial_head = [PREFACE, b"\0\0\x40\x01\x05\0\0\0\x01\x82"].concat();
    for sent in [&b""[..], &PREFACE[..10], PREFACE, &partial_head] {
        let Connection { mut stream, serving, .. } = connect();
        let started = Instant::now();
        stream.write_all(sent).await.unwrap();
        serving.await.unwrap();
        assert_eq!(started.elapsed().as_secs(), HEAD_TIMEOUT.as_secs(), "{sent:?}");
        stream.read_to_end(&mut Vec::new()).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_closed_politely() {
    let Connection { stream, serving, .. } = connect();
    let (mut requests, running) = handshake(stream, &Builder::new()).await;
    for _ in 0..3 {
        sleep(HEAD_TIMEOUT / 2).await;
        assert_eq!(send(&mut requests, request("/small")).await.unwrap().status(), 200);
    }
    let idle_since = Instant::now();
    serving.await.unwrap();
    assert_eq!(idle_since.elapsed().as_secs(), HEAD_TIMEOUT.as_secs());
    drop(requests);
    assert_eq!(running.await.unwrap(), None);
}

/// The response waits for its client without any write, so the timeout of writes did not end it.
#[tokio::test(start_paused = true)]
async fn a_response_whose_client_makes_no_room_is_ended() {
    let Connection { stream, .. } = connect();
    let (mut requests, _running) = handshake(stream, Builder::new().initial_window_size(1)).await;
    let response = send(&mut requests, request("/large")).await.unwrap();
    let started = Instant::now();
    let mut body = response.into_body();
    let error = loop {
        match body.data().await {
            Some(Ok(_)) => {}
            Some(Err(error)) => break error,
            None => panic!("the response is complete"),
        }
    };
    assert_eq!(error.reason(), Some(Reason::CANCEL));
    assert_eq!(started.elapsed().as_secs(), WRITE_TIMEOUT.as_secs());
    // The connection is still in use.
    assert_eq!(send(&mut requests, request("/small")).await.unwrap().status(), 200);
}

/// `h2` held the rest of such a response as soon as its client had made room for the first byte. No timeout
/// noticed this.
#[tokio::test(start_paused = true)]
async fn a_small_response_whose_client_makes_no_room_is_ended() {
    for window in [0, 1, 4] {
        let Connection { stream, .. } = connect();
        let (mut requests, _running) = handshake(stream, Builder::new().initial_window_size(window)).await;
        let started = Instant::now();
        let mut body = send(&mut requests, request("/small")).await.unwrap().into_body();
        let error = loop {
            match body.data().await {
                Some(Ok(_)) => {}
                Some(Err(error)) => break error,
                None => panic!("the response is complete"),
            }
        };
        assert_eq!(error.reason(), Some(Reason::CANCEL), "{window} {error:?}");
        assert_eq!(started.elapsed().as_secs(), WRITE_TIMEOUT.as_secs(), "{window}");
    }
    // Room for exactly the response is enough.
    let Connection { stream, .. } = connect();
    let (mut requests, _running) = handshake(stream, Builder::new().initial_window_size(5)).await;
    let response = send(&mut requests, request("/small")).await.unwrap();
    assert_eq!(read(response.into_body(), WRITE_TIMEOUT * 2).await.unwrap(), 5);
}

/// A live stream without readings must not end.
#[tokio::test(start_paused = true)]
async fn a_response_on_which_the_service_is_silent_stays_open() {
    let Connection { stream, .. } = connect();
    let (mut requests, _running) = handshake(stream, &Builder::new()).await;
    let response = send(&mut requests, request("/silent")).await.unwrap();
    let started = Instant::now();
    assert_eq!(read(response.into_body(), Duration::ZERO).await.unwrap(), 2 * "part".len());
    assert_eq!(started.elapsed().as_secs(), SILENCE.as_secs());
}

/// One address could have 256 connections with 100 requests each.
#[tokio::test(start_paused = true)]
async fn the_open_requests_of_all_connections_of_an_address_are_limited() {
    const OPEN: usize = 4;
    let settings =
        ListenerSettings { open_requests_per_address_max: Some(OPEN), ..ListenerSettings::default() };
    let begun = Arc::default();
    let server = server(&settings, &begun);
    // Of each version of HTTP, one connection.
    let (mut plain, far) = duplex(BUFFER_BYTES);
    let connections = GracefulShutdown::new();
    tokio::spawn(serve_plain(far, IpAddr::from([127, 0, 0, 1]), server.clone(), &connections));
    plain.write_all(b"GET /never HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    begun.notified().await;
    let Connection { stream, .. } = connect_to(server.clone(), Arc::clone(&begun));
    let (mut requests, _running) = handshake(stream, &Builder::new()).await;
    let mut held = Vec::new();
    for _ in 1..OPEN {
        poll_fn(|context| requests.poll_ready(context)).await.unwrap();
        held.push(requests.send_request(request("/never"), true).unwrap());
        begun.notified().await;
    }
    let Connection { stream, .. } = connect_to(server, begun);
    let (mut other, _running) = handshake(stream, Builder::new().initial_window_size(0)).await;
    let mut refused = Vec::new();
    for _ in 0..OPEN {
        let response = send(&mut other, request("/small")).await.unwrap();
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
        refused.push(response);
    }
    // The refusals are open, too, because their client makes no room for them. Further ones have no body.
    let error = send(&mut other, request("/small")).await.unwrap_err();
    assert_eq!(error.reason(), Some(Reason::REFUSED_STREAM));
    drop(refused);
    // An abandoned request makes room for another one.
    held.pop().unwrap().1.send_reset(Reason::CANCEL);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(send(&mut other, request("/small")).await.unwrap().status(), StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn a_slow_client_gets_its_response() {
    let Connection { stream, .. } = connect();
    let window = u32::try_from(HTTP2_PIECE_BYTES).unwrap();
    let (mut requests, _running) = handshake(stream, Builder::new().initial_window_size(window)).await;
    let response = send(&mut requests, request("/large")).await.unwrap();
    let pause = WRITE_TIMEOUT.saturating_sub(Duration::from_secs(1));
    assert_eq!(read(response.into_body(), pause).await.unwrap(), LARGE_BYTES);
}

#[tokio::test(start_paused = true)]
async fn a_silent_client_is_disconnected() {
    let Connection { stream, serving, begun, .. } = connect();
    let (mut requests, mut connection) = Builder::new().handshake::<_, Bytes>(stream).await.unwrap();
    let (response, _) = requests.send_request(request("/never"), true).unwrap();
    tokio::select! {
        _ = &mut connection => unreachable!("the connection is open"),
        () = begun.notified() => {}
    }
    // From here on, the client reads and sends nothing.
    let started = Instant::now();
    serving.await.unwrap();
    assert!(started.elapsed() <= HTTP2_PING_INTERVAL + HTTP2_PING_TIMEOUT);
    drop((response, connection));
}

/// A client that answers pings may wait for a response.
#[tokio::test(start_paused = true)]
async fn a_client_that_waits_stays_connected() {
    let Connection { stream, serving, begun, .. } = connect();
    let (mut requests, _running) = handshake(stream, &Builder::new()).await;
    let waiting = tokio::spawn(requests.send_request(request("/never"), true).unwrap().0);
    begun.notified().await;
    sleep(WRITE_TIMEOUT * 2).await;
    assert!(!serving.is_finished() && !waiting.is_finished());
}

/// CVE-2023-44487, "rapid reset": an abandoned request does not count as concurrent, so a client can send any
/// number of them.
#[tokio::test]
async fn a_client_that_abandons_its_requests_is_disconnected() {
    let (log, _guard) = Log::start();
    let Connection { stream, serving, begun, .. } = connect();
    let (mut requests, running) = handshake(stream, &Builder::new()).await;
    let mut sent = 0;
    while !running.is_finished() {
        if poll_fn(|context| requests.poll_ready(context)).await.is_err() {
            break;
        }
        let Ok((response, mut stream)) = requests.send_request(request("/never"), true) else { break };
        tokio::select! {
            () = begun.notified() => {}
            _ = response => break,
        }
        stream.send_reset(Reason::CANCEL);
        sent += 1;
    }
    serving.await.unwrap();
    assert!(sent > HTTP2_ABANDONED_MAX && sent < 3 * HTTP2_ABANDONED_MAX, "{sent}");
    assert!(log.text().contains("connection ended before the request was answered"), "{}", log.text());
}

#[tokio::test]
async fn a_client_that_abandons_some_requests_stays_connected() {
    let Connection { stream, serving, begun, .. } = connect();
    let (mut requests, _running) = handshake(stream, &Builder::new()).await;
    for _ in 0..HTTP2_ABANDONED_MAX + 10 {
        assert_eq!(send(&mut requests, request("/small")).await.unwrap().status(), 200);
        let (_response, mut stream) = requests.send_request(request("/never"), true).unwrap();
        begun.notified().await;
        stream.send_reset(Reason::CANCEL);
    }
    assert_eq!(send(&mut requests, request("/small")).await.unwrap().status(), 200);
    assert!(!serving.is_finished());
}

#[tokio::test(start_paused = true)]
async fn a_stop_finishes_requests_and_ends_the_connection() {
    let Connection { stream, serving, stop, connections, .. } = connect();
    let (mut requests, running) = handshake(stream, Builder::new().initial_window_size(1024)).await;
    let response = send(&mut requests, request("/large")).await.unwrap();
    stop.cancel();
    let stopped = tokio::spawn(connections.shutdown());
    assert_eq!(read(response.into_body(), Duration::ZERO).await.unwrap(), LARGE_BYTES);
    drop(requests);
    assert_eq!(running.await.unwrap(), None);
    serving.await.unwrap();
    stopped.await.unwrap();
}
