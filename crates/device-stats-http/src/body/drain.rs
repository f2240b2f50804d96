//! The rest of a body that no handler reads. It is read and discarded after the response, because closing a
//! connection with unread bytes resets it, and the client would lose the response.

use axum::body::{Body, HttpBody};
use axum::http::HeaderMap;
use axum::http::header::EXPECT;
use bytes::Bytes;
use http_body_util::BodyExt;

use crate::limits::{BODY_TIMEOUT, DRAIN_BYTES_MAX};

/// Discards a body before any part of it has been read.
pub(crate) fn drain_unread(headers: &HeaderMap, body: Body) {
    // Reading would invite a client that waits for `100 Continue` to send the refused body.
    if !body.is_end_stream() && !headers.contains_key(EXPECT) {
        drain(body);
    }
}

/// Discards the rest of a body, while the response is already sent.
pub(super) fn drain(body: Body) {
    tokio::spawn(tokio::time::timeout(BODY_TIMEOUT, read_to_end(body)));
}

async fn read_to_end(mut body: Body) {
    let mut drained = 0;
    while drained < DRAIN_BYTES_MAX
        && let Some(Ok(frame)) = body.frame().await
    {
        drained += frame.data_ref().map_or(0, Bytes::len);
    }
}
