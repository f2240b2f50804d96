//! The accept loop: connections with limits on their number, size and time.
//!
//! It replaces `axum::serve`, which sets no timeout for request heads and waits for open requests without
//! limit at shutdown.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use device_stats_service::Service;
use device_stats_service::limits::SHUTDOWN_TIMEOUT;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_io_timeout::TimeoutStream;
use tower::ServiceExt;
use tracing::{debug, warn};

use crate::app::app;
use crate::limits::{CONNECTIONS_MAX, HEAD_BYTES_MAX, HEAD_TIMEOUT, HEADERS_MAX, WRITE_TIMEOUT};
use crate::trailing_slash::strip_trailing_slash;

/// Pause after the operating system refuses a connection because file descriptors or memory run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves connections until `shutdown` completes, then finishes the accepted requests within
/// [`SHUTDOWN_TIMEOUT`].
pub async fn serve(listener: TcpListener, service: Service, shutdown: impl Future<Output = ()> + Send) {
    let app = app(service.clone());
    let permits = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let connections = GracefulShutdown::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        tokio::select! {
            accepted = accept(&listener, &permits) => {
                if let Some((stream, permit)) = accepted {
                    serve_connection(stream, permit, app.clone(), &connections);
                }
            }
            () = &mut shutdown => break,
        }
    }
    drop(listener);
    service.end_live_streams();
    if tokio::time::timeout(SHUTDOWN_TIMEOUT, connections.shutdown()).await.is_err() {
        warn!(timeout_s = SHUTDOWN_TIMEOUT.as_secs(), "shutdown timed out, closing open connections");
    }
}

/// Accepts the next connection once a permit is free. Returns `None` if the operating system refuses it.
#[expect(clippy::expect_used, reason = "nobody closes the semaphore")]
async fn accept(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
) -> Option<(TcpStream, OwnedSemaphorePermit)> {
    let permit = Arc::clone(permits).acquire_owned().await.expect("the semaphore is open");
    match listener.accept().await {
        Ok((stream, _)) => Some((stream, permit)),
        Err(error) => {
            warn!(%error, "accepting a connection failed");
            tokio::time::sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}

fn serve_connection(
    stream: TcpStream,
    permit: OwnedSemaphorePermit,
    app: Router,
    connections: &GracefulShutdown,
) {
    // Most responses are small, and their clients wait for them. Waiting for a full packet would delay them.
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%error, "setting TCP_NODELAY failed");
    }
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(WRITE_TIMEOUT));
    let service = service_fn(move |request: Request<Incoming>| {
        let app = app.clone();
        async move { Ok::<_, Infallible>(respond(app, request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(Box::pin(stream)), service);
    let connection = connections.watch(connection);
    tokio::spawn(async move {
        let _permit = permit;
        if let Err(error) = connection.await {
            debug!(%error, "a connection ended with an error");
        }
    });
}

async fn respond(app: Router, request: Request<Incoming>) -> Response {
    let request = strip_trailing_slash(request.map(Body::new));
    app.oneshot(request).await.unwrap_or_else(|never| match never {})
}
