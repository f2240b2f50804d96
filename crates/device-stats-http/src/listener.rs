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

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::Mutex;

    use axum::routing::get;
    use tokio::io::AsyncWriteExt;
    use tokio::sync::Notify;
    use tracing::subscriber;

    use super::*;
    use crate::app::with_layers;

    /// A log in memory.
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Log {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Such a request left no trace in the log.
    #[tokio::test]
    async fn a_request_whose_client_disconnects_is_logged() {
        let log = Log::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone());
        let _default = subscriber::set_default(subscriber.finish());
        let begun = Arc::new(Notify::new());
        let has_begun = Arc::clone(&begun);
        let never_answers = async move || {
            has_begun.notify_one();
            std::future::pending::<()>().await;
        };
        let app = with_layers(Router::new().route("/slow", get(never_answers)));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let permits = Arc::new(Semaphore::new(1));
        let (stream, permit) = accept(&listener, &permits).await.unwrap();
        // Dropping it would stop the connection.
        let connections = GracefulShutdown::new();
        serve_connection(stream, permit, app, &connections);
        client.write_all(b"GET /slow HTTP/1.1\r\nhost: t\r\nx-request-id: r-1\r\n\r\n").await.unwrap();
        begun.notified().await;
        assert_eq!(log.text(), "");
        drop(client);
        // The permit of the connection returns after the request has been dropped.
        let _permit = permits.acquire().await.unwrap();
        let text = log.text();
        for part in ["id=r-1", "path=\"/slow\"", "connection ended before", "route=\"/slow\"", "duration_us="]
        {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert_eq!(text.lines().count(), 1, "{text}");
    }
}
