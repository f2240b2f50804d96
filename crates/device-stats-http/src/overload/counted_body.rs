//! Counting of a request while its body arrives. A request counts as in progress while it works, but not
//! while it waits long for its client.

use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use bytes::Bytes;
use device_stats_service::RequestPermit;
use http_body::{Frame, SizeHint};
use tokio::time::{Sleep, sleep};

use crate::limits::BODY_COUNTED_TIME;

/// Lets a request count only for a while if it waits for its body.
pub(super) fn count_while_working(request: Request, permit: &Arc<RequestPermit>) -> Request {
    if request.body().is_end_stream() {
        return request;
    }
    request.map(|body| Body::new(CountedBody { body, permit: Arc::downgrade(permit), time: None }))
}

/// The body of a request that counts.
struct CountedBody {
    body: Body,
    /// Weak, because the rest of the body may be read after the request has ended. It does not count then.
    permit: Weak<RequestPermit>,
    /// Ends [`BODY_COUNTED_TIME`] after the first wait for the body. From then on, the request does not count
    /// while it waits. The timer never restarts, so a client cannot extend it with single bytes.
    time: Option<Pin<Box<Sleep>>>,
}

impl HttpBody for CountedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let Self { body, permit, time } = &mut *self;
        let polled = Pin::new(body).poll_frame(context);
        if polled.is_ready() {
            if time.is_some()
                && let Some(permit) = permit.upgrade()
            {
                permit.resume();
            }
            return polled;
        }
        let time = time.get_or_insert_with(|| Box::pin(sleep(BODY_COUNTED_TIME)));
        if time.as_mut().poll(context).is_ready()
            && let Some(permit) = permit.upgrade()
        {
            permit.pause();
        }
        Poll::Pending
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use device_stats_service::{RequestClass, Service, ServiceSettings};
    use device_stats_store::Model;
    use futures_util::{FutureExt, stream};
    use http_body_util::BodyExt;
    use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
    use tokio::time::advance;

    use super::*;

    /// Returns the permit and the body of a request, and the sender of its bytes.
    fn request() -> (Arc<RequestPermit>, Body, UnboundedSender<&'static str>) {
        let wait_max = Duration::from_millis(50);
        let settings = ServiceSettings { overload_wait_max: Some(wait_max), ..ServiceSettings::default() };
        let service = Service::new(Arc::new(Model::default()), settings).unwrap();
        let permit = Arc::new(service.admit_request(RequestClass::Other).unwrap());
        let (sender, received) = unbounded_channel();
        let bytes = stream::unfold(received, |mut received| async {
            received.recv().await.map(|bytes| (Ok::<_, axum::Error>(bytes), received))
        });
        let body = Body::from_stream(bytes);
        let request = count_while_working(Request::new(body), &permit);
        (permit, request.into_body(), sender)
    }

    fn has_bytes(body: &mut Body) -> bool {
        body.frame().now_or_never().is_some()
    }

    /// A few clients with slow bodies made the service refuse all others.
    #[tokio::test(start_paused = true)]
    async fn a_request_that_waits_for_its_body_counts_only_for_a_while() {
        let (permit, mut body, sender) = request();
        for _ in 0..3 {
            // A byte now and then does not extend the time.
            assert!(!has_bytes(&mut body));
            assert!(permit.is_counted());
            advance(BODY_COUNTED_TIME / 4).await;
            sender.send(" ").unwrap();
            assert!(has_bytes(&mut body));
        }
        for _ in 0..3 {
            advance(BODY_COUNTED_TIME / 4).await;
            assert!(!has_bytes(&mut body));
            assert!(!permit.is_counted());
            sender.send(" ").unwrap();
            assert!(has_bytes(&mut body));
            assert!(permit.is_counted(), "the service works on the bytes");
        }
        drop(sender);
        assert!(has_bytes(&mut body), "the end");
        assert!(permit.is_counted());
    }

    #[tokio::test(start_paused = true)]
    async fn the_count_ends_without_a_byte_of_the_client() {
        let (permit, mut body, _sender) = request();
        let reading = tokio::spawn(async move { has_bytes(&mut body) || body.frame().await.is_some() });
        tokio::task::yield_now().await;
        assert!(permit.is_counted());
        advance(BODY_COUNTED_TIME).await;
        tokio::task::yield_now().await;
        assert!(!permit.is_counted());
        assert!(!reading.is_finished());
    }

    /// The rest of a refused body is read after the response.
    #[tokio::test(start_paused = true)]
    async fn the_discarded_rest_of_a_body_does_not_count() {
        let (permit, mut body, sender) = request();
        assert!(!has_bytes(&mut body));
        let request = Arc::downgrade(&permit);
        drop(permit);
        sender.send(" ").unwrap();
        assert!(has_bytes(&mut body));
        assert!(request.upgrade().is_none());
    }
}
