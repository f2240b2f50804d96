//! Publishing committed readings outside of the requests that committed them. One task at a time publishes
//! the queued batches, in the order of the queue.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, MutexGuard, PoisonError};

use device_stats_domain::{DeviceKey, Reading};

use super::{CommitOrigin, LiveHub};
use crate::limits::LIVE_READINGS_QUEUED_MAX;

/// Number of readings that are published without a pause.
const PUBLISHED_AT_ONCE: usize = 4_096;

/// Batches of committed readings that are not published yet.
#[derive(Debug, Default)]
pub(super) struct PublishQueue {
    batches: VecDeque<Batch>,
    /// Number of readings of all batches, including the batch that is being published.
    readings: usize,
    has_publisher: bool,
}

struct Batch {
    /// Maximum number of readings.
    count: usize,
    readings: Box<dyn Iterator<Item = Reading> + Send>,
}

impl std::fmt::Debug for Batch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Batch").field("count", &self.count).finish_non_exhaustive()
    }
}

impl LiveHub {
    /// Returns the devices whose readings have to be published.
    pub(crate) fn watched_devices(&self) -> Arc<HashSet<DeviceKey>> {
        Arc::clone(&self.watched.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Publishes up to `count` readings that this node committed. Returns before they are published. Readings
    /// are published in the order of these calls. Call it inside a runtime.
    ///
    /// If too many readings wait, these readings are discarded, and all streams end, also on the other nodes.
    /// Their clients resume from the store.
    pub(crate) fn publish_later(
        self: &Arc<Self>,
        count: usize,
        readings: impl Iterator<Item = Reading> + Send + 'static,
    ) {
        let mut queue = self.lock_queue();
        if queue.readings > 0 && queue.readings + count > LIVE_READINGS_QUEUED_MAX {
            drop(queue);
            tracing::warn!(count, "too many readings wait for the live streams, ending the streams");
            self.discard_committed();
            return;
        }
        queue.readings += count;
        queue.batches.push_back(Batch { count, readings: Box::new(readings) });
        if !std::mem::replace(&mut queue.has_publisher, true) {
            tokio::spawn(Arc::clone(self).publish_queued());
        }
    }

    /// Publishes the queued batches until none is left.
    async fn publish_queued(self: Arc<Self>) {
        while let Some(Batch { count, mut readings }) = self.next_batch() {
            loop {
                let some: Vec<Reading> = readings.by_ref().take(PUBLISHED_AT_ONCE).collect();
                if some.is_empty() {
                    break;
                }
                self.publish(&some, CommitOrigin::ThisNode);
                tokio::task::yield_now().await;
            }
            self.lock_queue().readings -= count;
        }
    }

    /// Takes the next batch. If there is none, the publisher must end.
    fn next_batch(&self) -> Option<Batch> {
        let mut queue = self.lock_queue();
        let next = queue.batches.pop_front();
        queue.has_publisher = next.is_some();
        next
    }

    fn lock_queue(&self) -> MutexGuard<'_, PublishQueue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
