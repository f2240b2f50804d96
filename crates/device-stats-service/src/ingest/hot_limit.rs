//! The limit on hot readings. Hot readings take memory or rows until they are sealed. Their number must not
//! grow without limit if sealing does not keep up.

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use device_stats_domain::error_chain;
use device_stats_store::ReadingStore;
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::time::Instant;

use crate::error::ServiceError;
use crate::limits::{HOT_COUNT_INTERVAL, HOT_READINGS_FREED_DIVISOR};

/// The limit on the hot readings of one store.
///
/// The number of hot readings is the number at the last count of the store, plus the readings that this node
/// has stored since. Readings that were sealed or deleted since are subtracted at the next count. A count
/// runs at most once per [`HOT_COUNT_INTERVAL`], and only when a request comes. Until then, the number can
/// be too large. It can be too small by the readings that other nodes have stored since the last count.
pub(crate) struct HotLimit {
    store: Arc<dyn ReadingStore>,
    hot_readings_max: u64,
    /// Number of readings that this node has stored.
    stored: AtomicI64,
    /// The number at the last count of the store, minus `stored` before that count.
    others: AtomicI64,
    is_full: AtomicBool,
    /// Locked during a count. `None` before the first count.
    last_count: Arc<Mutex<Option<LastCount>>>,
    has_counted: AtomicBool,
}

/// The end of the last count, successful or not.
struct LastCount {
    at: Instant,
    has_failed: bool,
}

impl HotLimit {
    pub(crate) fn new(store: Arc<dyn ReadingStore>, hot_readings_max: u64) -> Self {
        Self {
            store,
            hot_readings_max,
            stored: AtomicI64::new(0),
            others: AtomicI64::new(0),
            is_full: AtomicBool::new(false),
            last_count: Arc::default(),
            has_counted: AtomicBool::new(false),
        }
    }

    /// Adds readings that this node has stored as hot readings.
    pub(crate) fn add(&self, stored: u64) {
        self.stored.fetch_add(stored.cast_signed(), Ordering::Relaxed);
    }

    /// Checks that there is room for further hot readings. Requests that have passed this check can exceed
    /// the limit by the readings in the queue. At the limit, a part of the hot readings must be sealed before
    /// readings are accepted again, so that the state does not change with each sealed device.
    ///
    /// # Errors
    /// [`ServiceError::HotReadingsFull`].
    pub(crate) async fn check(self: &Arc<Self>) -> Result<(), ServiceError> {
        self.count_if_due().await;
        let (hot, max) = (self.hot_readings(), self.hot_readings_max);
        let was_full = self.is_full.load(Ordering::Relaxed);
        let is_full = hot >= self.accepted_below(was_full);
        // Only the request that changes the state logs it.
        if is_full != was_full && self.is_full.swap(is_full, Ordering::Relaxed) == was_full {
            if is_full {
                tracing::warn!(
                    hot,
                    max,
                    "refusing readings, because there are too many hot readings: sealing does not keep up"
                );
            } else {
                tracing::info!(hot, max, "accepting readings again, because hot readings have been sealed");
            }
        }
        if is_full { Err(ServiceError::HotReadingsFull { hot_readings_max: max }) } else { Ok(()) }
    }

    fn hot_readings(&self) -> u64 {
        let hot = self.others.load(Ordering::Relaxed) + self.stored.load(Ordering::Relaxed);
        u64::try_from(hot).unwrap_or(0)
    }

    /// Returns the number of hot readings below which readings are accepted.
    fn accepted_below(&self, was_full: bool) -> u64 {
        let max = self.hot_readings_max;
        if was_full { max - max / HOT_READINGS_FREED_DIVISOR } else { max }
    }

    /// Counts the hot readings if the last count is old. All requests wait for the first count, and while the
    /// store is full also for later ones, because the last number would refuse them. Otherwise, counts run in
    /// a task, and no request waits.
    async fn count_if_due(self: &Arc<Self>) {
        if !self.has_counted.load(Ordering::Relaxed) {
            let last = Arc::clone(&self.last_count).lock_owned().await;
            if last.is_none() {
                self.count(last).await;
            }
            return;
        }
        let is_full = self.hot_readings() >= self.accepted_below(self.is_full.load(Ordering::Relaxed));
        let is_due = |last: &OwnedMutexGuard<Option<LastCount>>| {
            last.as_ref().is_none_or(|last| last.at.elapsed() >= HOT_COUNT_INTERVAL)
        };
        if is_full {
            let last = Arc::clone(&self.last_count).lock_owned().await;
            if is_due(&last) {
                self.count(last).await;
            }
        } else if let Ok(last) = Arc::clone(&self.last_count).try_lock_owned()
            && is_due(&last)
        {
            let limit = Arc::clone(self);
            tokio::spawn(async move { limit.count(last).await });
        }
    }

    async fn count(&self, mut last: OwnedMutexGuard<Option<LastCount>>) {
        let stored_before = self.stored.load(Ordering::Relaxed);
        let counted = self.store.count_hot_readings().await;
        let has_failed = counted.is_err();
        match counted {
            Ok(hot) => self.others.store(hot.cast_signed() - stored_before, Ordering::Relaxed),
            // The next counts of a store that is down fail, too. One message is enough.
            Err(error) if last.as_ref().is_none_or(|last| !last.has_failed) => tracing::warn!(
                causes = error_chain(&error),
                "counting the hot readings failed, trying again; until then, the last counted number is used"
            ),
            Err(_) => {}
        }
        *last = Some(LastCount { at: Instant::now(), has_failed });
        self.has_counted.store(true, Ordering::Relaxed);
    }
}
