//! The requests of an HTTP/2 connection: open, answered and abandoned.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use crate::limits::HTTP2_ABANDONED_MAX;

/// The requests of a connection. Clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct Requests(watch::Sender<Counts>);

#[derive(Debug, Default)]
struct Counts {
    /// Requests whose response is not complete.
    open: u64,
    /// Requests that have a response.
    answered: u64,
    /// Requests that the client has ended before they had a response.
    abandoned: u64,
}

/// A request without a response. Dropping it counts it as abandoned.
pub(super) struct OpenRequest(Option<OpenResponse>);

/// A response that is not complete. Dropping it ends the request.
pub(super) struct OpenResponse(Requests);

impl Requests {
    /// Counts a new request.
    pub(super) fn begin(&self) -> OpenRequest {
        self.0.send_modify(|counts| counts.open += 1);
        OpenRequest(Some(OpenResponse(self.clone())))
    }

    /// Returns whether no request has arrived yet.
    pub(super) fn are_none_begun(&self) -> bool {
        let Counts { open, answered, abandoned } = *self.0.borrow();
        open + answered + abandoned == 0
    }

    /// Waits until no request has been open for some time.
    pub(super) async fn idle(&self, time: Duration) {
        let mut counts = self.0.subscribe();
        loop {
            let is_any_open = counts.borrow_and_update().open > 0;
            if is_any_open {
                // The sender is not dropped during this call.
                let _open = counts.changed().await;
            } else if timeout(time, counts.changed()).await.is_err() {
                return;
            }
        }
    }

    /// Waits until the client has abandoned many requests, and more than have been answered. Each of them
    /// costs the service some work, and none is limited by the number of concurrent requests ("rapid reset",
    /// CVE-2023-44487).
    pub(super) async fn are_mostly_abandoned(&self) {
        let is_flood =
            |counts: &Counts| counts.abandoned > HTTP2_ABANDONED_MAX && counts.abandoned > counts.answered;
        let mut counts = self.0.subscribe();
        // The sender is not dropped during this call.
        let _flood = counts.wait_for(is_flood).await;
    }
}

impl OpenRequest {
    /// Counts the request as answered. Its response is open.
    pub(super) fn answered(mut self) -> Option<OpenResponse> {
        let response = self.0.take();
        if let Some(OpenResponse(requests)) = &response {
            requests.0.send_modify(|counts| counts.answered += 1);
        }
        response
    }
}

impl Drop for OpenRequest {
    fn drop(&mut self) {
        if let Some(OpenResponse(requests)) = &self.0 {
            requests.0.send_modify(|counts| counts.abandoned += 1);
        }
    }
}

impl Drop for OpenResponse {
    fn drop(&mut self) {
        self.0.0.send_modify(|counts| counts.open = counts.open.saturating_sub(1));
    }
}
