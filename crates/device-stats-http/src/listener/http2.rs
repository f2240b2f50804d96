//! An HTTP/2 connection, with the limits of an HTTP/1.1 connection.
//!
//! `hyper` and `h2` limit heads, concurrent requests, resets and unread data, and ping the client. Three
//! limits are added here. An idle connection is closed (`requests`), as is the connection of a client that
//! abandons most of its requests. A response ends if its client makes no room for more of it (`streams`):
//! unlike in HTTP/1.1, such a client can still read from the connection, so the timeout of writes does not
//! notice it.

mod requests;
mod streams;

use std::net::IpAddr;
use std::pin::pin;

use axum::http::StatusCode;
use axum::response::IntoResponse;
use h2::Reason;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tracing::debug;

use self::requests::{OpenRequest, Requests};
use self::streams::{Pieces, Streams};
use super::connection::Stopping;
use super::open_requests::{Held, NoAnswer};
use super::{Server, Transport, respond};
use crate::limits::{
    HEAD_BYTES_MAX, HEAD_TIMEOUT, HEADERS_MAX, HTTP2_CONNECTION_WINDOW_BYTES, HTTP2_PING_INTERVAL,
    HTTP2_PING_TIMEOUT, HTTP2_PROTOCOL_RESETS_MAX, HTTP2_REQUEST_WINDOW_BYTES, HTTP2_SEND_BYTES_MAX,
    HTTP2_STREAMS_MAX, HTTP2_UNSEEN_RESETS_MAX, WRITE_TIMEOUT,
};

/// Serves HTTP/2 until the connection ends.
pub(super) async fn serve_http2(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    peer: IpAddr,
    server: Server,
    stopping: Stopping,
) {
    let Stopping { watcher: _watcher, stop } = stopping;
    let requests = Requests::default();
    let begun = requests.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        let (server, open) = (server.clone(), begun.begin());
        answer(server, peer, open, request)
    });
    let mut connection = pin!(builder().serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        ended = &mut connection => return log_end(ended),
        () = requests.are_mostly_abandoned() => return log_abandoned(),
        () = stop.cancelled() => {}
        () = requests.idle(HEAD_TIMEOUT) => if requests.are_none_begun() {
            return debug!("the first head of a connection did not arrive in time");
        },
    }
    // Lets the client finish the requests that it has sent, and refuses later ones.
    connection.as_mut().graceful_shutdown();
    tokio::select! {
        ended = &mut connection => log_end(ended),
        () = requests.are_mostly_abandoned() => log_abandoned(),
        () = requests.idle(WRITE_TIMEOUT) => debug!("a client does not end its idle connection"),
    }
}

fn builder() -> http2::Builder<Streams> {
    let mut builder = http2::Builder::new(Streams);
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(HTTP2_STREAMS_MAX)
        .max_header_list_size(u32::try_from(HEAD_BYTES_MAX).unwrap_or(u32::MAX))
        .max_pending_accept_reset_streams(HTTP2_UNSEEN_RESETS_MAX)
        .max_local_error_reset_streams(HTTP2_PROTOCOL_RESETS_MAX)
        .initial_stream_window_size(HTTP2_REQUEST_WINDOW_BYTES)
        .initial_connection_window_size(HTTP2_CONNECTION_WINDOW_BYTES)
        .max_send_buf_size(HTTP2_SEND_BYTES_MAX)
        .keep_alive_interval(HTTP2_PING_INTERVAL)
        .keep_alive_timeout(HTTP2_PING_TIMEOUT);
    builder
}

/// Answers a request.
///
/// # Errors
/// The reason that a client gets instead of an answer. It may send the request again. The request counts as
/// abandoned, so that a client with many of them is disconnected.
async fn answer(
    server: Server,
    peer: IpAddr,
    open: OpenRequest,
    request: Request<Incoming>,
) -> Result<axum::http::Response<Pieces>, h2::Error> {
    // `h2` limits only the size of all headers. In HTTP/1.1, `hyper` gives the same answer.
    let response = if request.headers().len() > HEADERS_MAX {
        Held::hold(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE.into_response(), None)
    } else {
        let answered = respond(server, peer, Transport::Encrypted, request).await;
        answered.map_err(|NoAnswer| h2::Error::from(Reason::REFUSED_STREAM))?
    };
    Ok(streams::in_pieces(response, open.answered()))
}

fn log_end(ended: hyper::Result<()>) {
    if let Err(error) = ended {
        debug!(%error, "a connection ended with an error");
    }
}

fn log_abandoned() {
    debug!("closing a connection, because its client abandons most of its requests");
}

#[cfg(test)]
mod tests;
