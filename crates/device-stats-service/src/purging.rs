//! Purging: a deletion of a device or user removes it for all clients at once, and leaves its readings in the
//! store. They are deleted afterwards, slice by slice. Between two slices there is a pause, in which appends
//! go first.

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use device_stats_domain::error_chain;
use device_stats_store::{Purged, Store, StoreError};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::limits::{
    PURGE_CHECK_INTERVAL, PURGE_PAUSE_FACTOR, PURGE_READINGS_MAX, PURGE_RETRY_PAUSE, SEAL_STOP_TIMEOUT,
};

/// Running background purging.
pub struct BackgroundPurging {
    stop: CancellationToken,
    task: AbortOnDropHandle<()>,
}

impl BackgroundPurging {
    /// Starts to purge deleted devices, also devices that another node or an earlier process has deleted.
    /// `has_deleted` is notified after each deletion. Call it inside a runtime.
    pub(crate) fn start(store: &Arc<dyn Store>, has_deleted: &Arc<Notify>) -> Self {
        let stop = CancellationToken::new();
        let store = Arc::clone(store);
        let purge_slice = move || {
            let store = Arc::clone(&store);
            async move { store.purge_slice(PURGE_READINGS_MAX).await }
        };
        let purging = purge_until_stopped(purge_slice, Arc::clone(has_deleted), stop.clone());
        Self { stop, task: AbortOnDropHandle::new(tokio::spawn(purging)) }
    }

    /// Prevents the start of a further slice.
    pub fn begin_stop(&self) {
        self.stop.cancel();
    }

    /// Stops, and waits up to [`SEAL_STOP_TIMEOUT`] for the slice in progress. Other nodes or the next start
    /// purge the rest.
    pub async fn stop(self) {
        self.begin_stop();
        if timeout(SEAL_STOP_TIMEOUT, self.task).await.is_err() {
            tracing::warn!(
                timeout_s = SEAL_STOP_TIMEOUT.as_secs(),
                "purging did not end in time, leaving the rest to the next start"
            );
        }
    }
}

/// Purges all deleted devices without pauses, and returns when nothing is left to do.
///
/// # Errors
/// The errors of the store.
pub async fn purge_all(store: &dyn Store) -> Result<(), StoreError> {
    while note(store.purge_slice(PURGE_READINGS_MAX).await?) {}
    Ok(())
}

/// Purges slice by slice until `stop` is cancelled.
async fn purge_until_stopped<F>(
    purge_slice: impl Fn() -> F,
    has_deleted: Arc<Notify>,
    stop: CancellationToken,
) where
    F: Future<Output = Result<Purged, StoreError>>,
{
    while !stop.is_cancelled() {
        let started = Instant::now();
        let pause = match purge_slice().await.map(note) {
            Ok(true) => started.elapsed() * PURGE_PAUSE_FACTOR,
            Ok(false) => {
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = has_deleted.notified() => {}
                    () = sleep(PURGE_CHECK_INTERVAL) => {}
                }
                Duration::ZERO
            }
            Err(error) => {
                tracing::warn!(
                    causes = error_chain(&error),
                    "deleting the readings of deleted devices failed, trying again later"
                );
                PURGE_RETRY_PAUSE
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = sleep(pause) => {}
        }
    }
}

/// Logs the end of the purge of a device. Returns whether there may be more to purge.
fn note(purged: Purged) -> bool {
    match purged {
        Purged::Part(_) => true,
        Purged::All(device) => {
            tracing::info!(device = device.0, "deleted the last readings of a deleted device");
            true
        }
        Purged::Nothing => false,
    }
}
