//! One connection: plain HTTP/1.1, or TLS with the version of HTTP that the client chooses in the handshake.

use std::net::IpAddr;
use std::pin::Pin;

use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_io_timeout::TimeoutStream;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::http2::serve_http2;
use super::{Server, Transport, respond};
use crate::limits::{HEAD_BYTES_MAX, HEAD_TIMEOUT, HEADERS_MAX, WRITE_TIMEOUT};
use crate::tls::HTTP_2;

/// The shutdown of the listener, for one connection.
pub(super) struct Stopping {
    /// As long as it exists, the shutdown waits for the connection.
    pub(super) watcher: Watcher,
    /// Cancelled when the shutdown starts.
    pub(super) stop: CancellationToken,
}

/// Serves a connection that is not encrypted. The returned future ends with the connection.
pub(super) fn serve_plain(
    stream: impl AsyncRead + AsyncWrite + Send + 'static,
    peer: IpAddr,
    server: Server,
    connections: &GracefulShutdown,
) -> impl Future<Output = ()> + Send + 'static {
    serve_http1(limited(stream), peer, server, Transport::Plain, connections.watcher())
}

/// Serves an encrypted connection. The returned future ends with the connection.
pub(super) async fn serve_encrypted(
    stream: impl AsyncRead + AsyncWrite + Send + 'static,
    peer: IpAddr,
    server: Server,
    tls: TlsAcceptor,
    stopping: Stopping,
) {
    let handshake = timeout(HEAD_TIMEOUT, tls.accept(limited(stream)));
    let accepted = tokio::select! {
        accepted = handshake => accepted,
        () = stopping.stop.cancelled() => return,
    };
    match accepted {
        Ok(Ok(stream)) if stream.get_ref().1.alpn_protocol() == Some(HTTP_2) => {
            serve_http2(stream, peer, server, stopping).await;
        }
        Ok(Ok(stream)) => serve_http1(stream, peer, server, Transport::Encrypted, stopping.watcher).await,
        Ok(Err(error)) => debug!(%error, "a TLS handshake failed"),
        Err(_) => debug!("a TLS handshake took too long"),
    }
}

/// Serves HTTP/1.1. The returned future ends with the connection.
fn serve_http1(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    peer: IpAddr,
    server: Server,
    transport: Transport,
    watcher: Watcher,
) -> impl Future<Output = ()> + Send + 'static {
    let service = service_fn(move |request: Request<Incoming>| {
        // An error ends the connection.
        respond(server.clone(), peer, transport, request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    let connection = watcher.watch(connection);
    async move {
        if let Err(error) = connection.await {
            debug!(%error, "a connection ended with an error");
        }
    }
}

/// Returns a stream that fails if its client accepts no byte for [`WRITE_TIMEOUT`].
fn limited<S: AsyncRead + AsyncWrite>(stream: S) -> Pin<Box<TimeoutStream<S>>> {
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(WRITE_TIMEOUT));
    Box::pin(stream)
}
