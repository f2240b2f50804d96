//! The limit on hot readings. Hot readings take memory or rows until they are sealed. Their number must not
//! grow without limit if sealing does not keep up.

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Instant;

use device_stats_domain::error_chain;
use device_stats_store::ReadingStore;
use tokio::sync::Mutex;

use crate::error::ServiceError;
use crate::limits::{HOT_COUNT_INTERVAL, HOT_READINGS_FREED_DIVISOR};

/// The limit on the hot readings of one store.
///
/// The number of hot readings is the number at the last count of the store, plus the readings that this node
/// has stored since. Readings that were sealed or deleted since are subtracted at the next count, so the
/// number can be too large for up to [`HOT_COUNT_INTERVAL`]. It can be too small by the readings that other
/// nodes have stored since the last count.
pub(crate) struct HotLimit {
    store: Arc<dyn ReadingStore>,
    hot_readings_max: u64,
    /// Number of readings that this node has stored.
    stored: AtomicI64,
    /// The number at the last count of the store, minus `stored` before that count.
    others: AtomicI64,
    is_full: AtomicBool,
    /// Time of the last count; `None` before the first.
    counted: Mutex<Option<Instant>>,
    has_counted: AtomicBool,
}

impl HotLimit {
    pub(crate) fn new(store: Arc<dyn ReadingStore>, hot_readings_max: u64) -> Self {
        Self {
            store,
            hot_readings_max,
            stored: AtomicI64::new(0),
            others: AtomicI64::new(0),
            is_full: AtomicBool::new(false),
            counted: Mutex::new(None),
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
    pub(crate) async fn check(&self) -> Result<(), ServiceError> {
        self.count_if_due().await;
        let hot = self.others.load(Ordering::Relaxed) + self.stored.load(Ordering::Relaxed);
        let hot = u64::try_from(hot).unwrap_or(0);
        let max = self.hot_readings_max;
        let was_full = self.is_full.load(Ordering::Relaxed);
        let accepted_below = if was_full { max - max / HOT_READINGS_FREED_DIVISOR } else { max };
        let is_full = hot >= accepted_below;
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

    /// Counts the hot readings if the last count is old. One request counts. The others use the last number,
    /// unless there is none yet.
    async fn count_if_due(&self) {
        let mut counted = match self.counted.try_lock() {
            Ok(counted) => counted,
            Err(_) if self.has_counted.load(Ordering::Relaxed) => return,
            Err(_) => self.counted.lock().await,
        };
        if counted.is_some_and(|at| at.elapsed() < HOT_COUNT_INTERVAL) {
            return;
        }
        let stored_before = self.stored.load(Ordering::Relaxed);
        match self.store.count_hot_readings().await {
            Ok(hot) => self.others.store(hot.cast_signed() - stored_before, Ordering::Relaxed),
            // Storing the readings probably fails, too, and the client gets that error.
            Err(error) => tracing::debug!(causes = error_chain(&error), "counting hot readings failed"),
        }
        *counted = Some(Instant::now());
        self.has_counted.store(true, Ordering::Relaxed);
    }

    /// Makes the next check count.
    #[cfg(test)]
    pub(crate) async fn forget_count(&self) {
        *self.counted.lock().await = None;
    }
}
