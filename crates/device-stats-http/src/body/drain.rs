//! The rest of a body that no handler reads. It is read and discarded after the response, because closing a
//! connection with unread bytes resets it, and the client would lose the response.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::http::header::EXPECT;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use tokio::runtime::Handle;

use crate::limits::{BODY_TIMEOUT, DRAIN_BYTES_MAX};

/// Lets the body of a request be discarded if the request is refused before any part of the body has been
/// read.
pub(crate) fn drain_if_unread(request: Request) -> Request {
    // Reading would invite a client that waits for `100 Continue` to send the refused body.
    if request.body().is_end_stream() || request.headers().contains_key(EXPECT) {
        return request;
    }
    request.map(|body| Body::new(DrainedBody { body, is_unread: true }))
}

/// A body that is discarded when it is dropped unread.
struct DrainedBody {
    body: Body,
    is_unread: bool,
}

impl HttpBody for DrainedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.is_unread = false;
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for DrainedBody {
    fn drop(&mut self) {
        // Without a runtime, the connection has ended.
        if self.is_unread && Handle::try_current().is_ok() {
            drain(std::mem::take(&mut self.body));
        }
    }
}

/// Discards a body before any part of it has been read.
pub(crate) fn drain_unread(headers: &HeaderMap, body: Body) {
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
