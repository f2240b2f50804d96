//! The accept loop: connections with limits of number, size and time. (`axum::serve` waits for ever for a head that does
//! not come, and for requests that do not end when it stops.)

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::Uri;
use axum::http::uri::PathAndQuery;
use device_stats_domain::limits::{
    CONNECTIONS_MAX, HEAD_BYTES_MAX, HEAD_TIMEOUT, HEADERS_MAX, SHUTDOWN_TIMEOUT, WRITE_TIMEOUT,
};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_io_timeout::TimeoutStream;
use tower::ServiceExt;
use tracing::{debug, warn};

use crate::app;
use device_stats_service::Service;

/// How long to wait after the system refused a connection for want of file descriptors or memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves connections until `shutdown`, then answers what has been accepted, for [`SHUTDOWN_TIMEOUT`] at most.
pub async fn serve(listener: TcpListener, service: Service, shutdown: impl Future<Output = ()> + Send) {
    let app = app(service.clone());
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let open = GracefulShutdown::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        tokio::select! {
            accepted = accept(&listener, &places) => {
                if let Some((stream, place)) = accepted {
                    serve_connection(stream, place, app.clone(), &open);
                }
            }
            () = &mut shutdown => break,
        }
    }
    drop(listener);
    service.end_live();
    if tokio::time::timeout(SHUTDOWN_TIMEOUT, open.shutdown()).await.is_err() {
        warn!("some requests were still open after {} s", SHUTDOWN_TIMEOUT.as_secs());
    }
}

/// The next connection, once there is a place for it; `None` where the system refused it.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(TcpStream, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => Some((stream, place)),
        Err(error) => {
            warn!(%error, "a connection was not accepted");
            tokio::time::sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}

fn serve_connection(stream: TcpStream, place: OwnedSemaphorePermit, app: Router, open: &GracefulShutdown) {
    // Answers are small and awaited; waiting to fill a packet would only delay them.
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%error, "a connection kept its delay");
    }
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(WRITE_TIMEOUT));
    let service = hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
        let app = app.clone();
        async move { Ok::<_, Infallible>(answer(app, request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(Box::pin(stream)), service);
    let connection = open.watch(connection);
    tokio::spawn(async move {
        let _place = place;
        if let Err(error) = connection.await {
            debug!(%error, "a connection ended");
        }
    });
}

async fn answer(app: Router, request: hyper::Request<Incoming>) -> axum::response::Response {
    let request = without_last_slash(request.map(axum::body::Body::new));
    app.oneshot(request).await.unwrap_or_else(|never| match never {})
}

/// A path of the API answers the same with and without its last slash, without a redirect that could lose a body.
fn without_last_slash(mut request: Request) -> Request {
    let uri = request.uri();
    let path = uri.path();
    if let Some(shorter) = path.strip_suffix('/').filter(|shorter| shorter.starts_with("/api/")) {
        let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        if let Ok(path) = PathAndQuery::try_from(format!("{shorter}{query}")) {
            *request.uri_mut() = Uri::from(path);
        }
    }
    request
}
