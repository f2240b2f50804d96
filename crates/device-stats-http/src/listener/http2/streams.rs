//! The requests of an HTTP/2 connection as tasks, and their responses in pieces. A response whose client
//! makes no room for the next piece is ended.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use axum::body::HttpBody;
use axum::http::Response;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use hyper::rt::Executor;
use tokio::time::{Instant, sleep, sleep_until};
use tracing::debug;

use super::requests::OpenResponse;
use crate::limits::{HTTP2_PIECE_BYTES, WRITE_TIMEOUT};
use crate::listener::open_requests::Held;

tokio::task_local! {
    /// The client of the request that this task answers.
    static CLIENT: WaitForClient;
}

/// The time since which a response waits for its client; `None` while the client waits for the response.
/// Clones share it.
#[derive(Clone, Debug, Default)]
struct WaitForClient(Arc<Mutex<Option<Instant>>>);

impl WaitForClient {
    fn set(&self, since: Option<Instant>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = since;
    }

    /// Waits until the response has waited for its client for [`WRITE_TIMEOUT`].
    async fn too_long(&self) {
        loop {
            let since = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
            match since.map(|since| since + WRITE_TIMEOUT) {
                Some(end) if end <= Instant::now() => return,
                Some(end) => sleep_until(end).await,
                // A wait that begins meanwhile is longer than allowed only after this time.
                None => sleep(WRITE_TIMEOUT).await,
            }
        }
    }
}

/// Runs each request of a connection on a task of its own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Streams;

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Streams {
    fn execute(&self, request: F) {
        let client = WaitForClient::default();
        tokio::spawn(CLIENT.scope(client.clone(), async move {
            tokio::select! {
                () = request => {}
                // Dropping the request resets it.
                () = client.too_long() => debug!("a client makes no room for its response"),
            }
        }));
    }
}

/// Returns a response that is sent in pieces. It holds `open` until its last piece is sent.
pub(super) fn in_pieces(response: Response<Held>, open: Option<OpenResponse>) -> Response<Pieces> {
    let client = CLIENT.try_with(WaitForClient::clone).unwrap_or_default();
    response.map(|body| Pieces { body, rest: Bytes::new(), client, _open: open })
}

/// A body in pieces of up to [`HTTP2_PIECE_BYTES`]. `hyper` passes a piece to `h2` when the client has made
/// room for its first byte, and then asks for the next one. So a body of a single piece would measure the
/// time for its first byte only. For the same reason, the last byte of each part of the body is a piece of
/// its own: when it is passed on, the client has made room for all others.
pub(super) struct Pieces {
    body: Held,
    /// Data of the body that follows the last piece.
    rest: Bytes,
    client: WaitForClient,
    _open: Option<OpenResponse>,
}

impl Pieces {
    fn next_piece(&mut self) -> Frame<Bytes> {
        let size = self.rest.len().saturating_sub(1).clamp(1, HTTP2_PIECE_BYTES).min(self.rest.len());
        Frame::data(self.rest.split_to(size))
    }
}

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.client.set(None);
        let frame = if self.rest.is_empty() {
            let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
            match frame.map(|frame| frame.map(Frame::into_data)) {
                Some(Ok(Ok(data))) => {
                    self.rest = data;
                    Some(Ok(self.next_piece()))
                }
                Some(Ok(Err(other))) => Some(Ok(other)),
                Some(Err(error)) => Some(Err(error)),
                None => None,
            }
        } else {
            Some(Ok(self.next_piece()))
        };
        self.client.set(Some(Instant::now()));
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let hint = self.body.size_hint();
        let rest = self.rest.len() as u64;
        match hint.exact() {
            Some(size) => SizeHint::with_exact(size + rest),
            None => hint,
        }
    }
}
