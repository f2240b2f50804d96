//! The accept loop: connections with limits on their number, size and time.
//!
//! It replaces `axum::serve`, which sets no timeout for request heads and waits for open requests without
//! limit at shutdown.

#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
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
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_io_timeout::TimeoutStream;
use tower::ServiceExt;
use tracing::{debug, warn};

use crate::app::{app, opening_app};
use crate::browsers::BrowserAccess;
use crate::extract::Arrival;
use crate::limits::{CONNECTIONS_MAX, HEAD_BYTES_MAX, HEAD_TIMEOUT, HEADERS_MAX, WRITE_TIMEOUT};
use crate::proxies::TrustedProxies;
use crate::trailing_slash::strip_trailing_slash;

/// Pause after the operating system refuses a connection because file descriptors or memory run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves connections until `shutdown` completes, then finishes the accepted requests within
/// [`SHUTDOWN_TIMEOUT`]. Until `opening` completes, only `/health/live` succeeds, and everything else is
/// answered with 503.
///
/// The address of a client is that of its connection, or the one that a trusted proxy reports. `access` names
/// the web pages that may send requests.
pub async fn serve(
    listener: TcpListener,
    opening: impl Future<Output = Service> + Send,
    proxies: TrustedProxies,
    access: BrowserAccess,
    shutdown: impl Future<Output = ()> + Send,
) {
    let server = Server::new(proxies, access);
    let mut opened = None;
    let mut opening = std::pin::pin!(opening);
    let permits = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let connections = GracefulShutdown::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        tokio::select! {
            // Checks `opening` first, so that the service answers every connection accepted after it.
            biased;
            service = &mut opening, if opened.is_none() => {
                server.open(&service);
                opened = Some(service);
            }
            () = &mut shutdown => break,
            accepted = accept(&listener, &permits) => {
                if let Some(((stream, peer), permit)) = accepted {
                    let connection = serve_connection(stream, peer, server.clone(), &connections);
                    tokio::spawn(async move {
                        let _permit = permit;
                        connection.await;
                    });
                }
            }
        }
    }
    drop(listener);
    if let Some(service) = opened {
        service.end_live_streams();
    }
    if tokio::time::timeout(SHUTDOWN_TIMEOUT, connections.shutdown()).await.is_err() {
        warn!(timeout_s = SHUTDOWN_TIMEOUT.as_secs(), "shutdown timed out, closing open connections");
    }
}

/// The application, and the proxies that report the addresses of its clients.
#[derive(Clone)]
struct Server {
    /// The application over the service, once the database is open.
    app: Arc<OnceLock<Router>>,
    opening_app: Router,
    proxies: Arc<TrustedProxies>,
    access: Arc<BrowserAccess>,
}

impl Server {
    fn new(proxies: TrustedProxies, access: BrowserAccess) -> Self {
        Self {
            app: Arc::default(),
            opening_app: opening_app(&access),
            proxies: Arc::new(proxies),
            access: Arc::new(access),
        }
    }

    /// Lets the service answer all further requests.
    fn open(&self, service: &Service) {
        self.app.get_or_init(|| app(service.clone(), &self.access));
    }
}

/// Accepts the next connection once a permit is free, and returns it with the address of the peer. Returns
/// `None` if the operating system refuses it.
#[expect(clippy::expect_used, reason = "nobody closes the semaphore")]
async fn accept(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
) -> Option<((TcpStream, IpAddr), OwnedSemaphorePermit)> {
    let permit = Arc::clone(permits).acquire_owned().await.expect("the semaphore is open");
    match listener.accept().await {
        Ok((stream, peer)) => {
            // Most responses are small, and their clients wait for them. Waiting for a full packet would
            // delay them.
            if let Err(error) = stream.set_nodelay(true) {
                debug!(%error, "setting TCP_NODELAY failed");
            }
            Some(((stream, peer.ip()), permit))
        }
        Err(error) => {
            warn!(%error, "accepting a connection failed");
            tokio::time::sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}

/// Serves a connection. The returned future ends with the connection.
fn serve_connection(
    stream: impl AsyncRead + AsyncWrite + Send + 'static,
    peer: IpAddr,
    server: Server,
    connections: &GracefulShutdown,
) -> impl Future<Output = ()> + Send + 'static {
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(WRITE_TIMEOUT));
    let service = service_fn(move |request: Request<Incoming>| {
        let server = server.clone();
        async move { Ok::<_, Infallible>(respond(server, peer, request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(Box::pin(stream)), service);
    let connection = connections.watch(connection);
    async move {
        if let Err(error) = connection.await {
            debug!(%error, "a connection ended with an error");
        }
    }
}

async fn respond(
    Server { app, opening_app, proxies, .. }: Server,
    peer: IpAddr,
    request: Request<Incoming>,
) -> Response {
    let mut request = strip_trailing_slash(request.map(Body::new));
    let client = proxies.client(peer, request.headers());
    request.extensions_mut().insert(client);
    let is_encrypted = proxies.has_encrypted(peer, request.headers());
    let is_local = client.is_loopback();
    request.extensions_mut().insert(Arrival { is_encrypted, is_local });
    let app = app.get().cloned().unwrap_or(opening_app);
    app.oneshot(request).await.unwrap_or_else(|never| match never {})
}
