//! Purging: a deletion of a device or user removes it for all clients at once, and leaves its readings in the
//! store. They are deleted afterwards, slice by slice. Between two slices there is a pause, in which appends
//! go first.

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use device_stats_domain::{DeviceKey, error_chain};
use device_stats_store::{Purged, Store, StoreError};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::limits::{
    BACKGROUND_STOP_TIMEOUT, PURGE_CHECK_INTERVAL, PURGE_PAUSE_FACTOR, PURGE_READINGS_MAX, PURGE_RETRY_PAUSE,
};

/// A key before the keys of all devices.
const BEFORE_ALL: DeviceKey = DeviceKey(0);

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
        let purge_slice = move |after| {
            let store = Arc::clone(&store);
            async move { purge_next(store.as_ref(), after).await }
        };
        let purging = purge_until_stopped(purge_slice, Arc::clone(has_deleted), stop.clone());
        Self { stop, task: AbortOnDropHandle::new(tokio::spawn(purging)) }
    }

    /// Prevents the start of a further slice.
    pub fn begin_stop(&self) {
        self.stop.cancel();
    }

    /// Stops, and waits up to [`BACKGROUND_STOP_TIMEOUT`] for the slice in progress. Other nodes or the next
    /// start purge the rest.
    pub async fn stop(self) {
        self.begin_stop();
        if timeout(BACKGROUND_STOP_TIMEOUT, self.task).await.is_err() {
            tracing::warn!(
                timeout_s = BACKGROUND_STOP_TIMEOUT.as_secs(),
                "purging did not end in time, leaving the rest to the next start"
            );
        }
    }
}

/// The slice that a call has purged.
struct Slice {
    device: DeviceKey,
    outcome: Result<Purged, StoreError>,
}

/// Purges a slice of the first deleted device after the key `after`. Returns `None` if no such device has
/// stored data.
async fn purge_next(store: &dyn Store, after: DeviceKey) -> Result<Option<Slice>, StoreError> {
    let Some(device) = store.find_deleted_device(after).await? else { return Ok(None) };
    let outcome = store.purge_slice(device, PURGE_READINGS_MAX).await;
    if matches!(outcome, Ok(Purged::All)) {
        tracing::info!(device = device.0, "deleted the last readings of a deleted device");
    }
    Ok(Some(Slice { device, outcome }))
}

/// Purges all deleted devices without pauses, and returns when nothing is left to do. If the purge of a
/// device fails, the others are purged nevertheless.
///
/// # Errors
/// The first error of the store.
pub async fn purge_all(store: &dyn Store) -> Result<(), StoreError> {
    let (mut after, mut done) = (BEFORE_ALL, Ok(()));
    while let Some(Slice { device, outcome }) = purge_next(store, after).await? {
        match outcome {
            Ok(Purged::Part) => {}
            Ok(Purged::All | Purged::Nothing) => after = device,
            Err(error) => {
                after = device;
                warn_of_failure(device, &error);
                done = done.and(Err(error));
            }
        }
    }
    done
}

fn warn_of_failure(device: DeviceKey, error: &StoreError) {
    tracing::warn!(
        device = device.0,
        causes = error_chain(error),
        "deleting the readings of a deleted device failed, trying again later"
    );
}

/// Purges slice by slice until `stop` is cancelled, in rounds. A round visits the deleted devices by
/// ascending key. It leaves out a device whose purge fails, or that another node is purging, so such a device
/// does not stop the purge of the others. The next round begins after a deletion or [`PURGE_CHECK_INTERVAL`].
async fn purge_until_stopped<F>(
    purge_slice: impl Fn(DeviceKey) -> F,
    has_deleted: Arc<Notify>,
    stop: CancellationToken,
) where
    F: Future<Output = Result<Option<Slice>, StoreError>>,
{
    let mut after = BEFORE_ALL;
    while !stop.is_cancelled() {
        let started = Instant::now();
        let pause = match purge_slice(after).await {
            Ok(Some(Slice { outcome: Ok(Purged::Part | Purged::All), .. })) => {
                started.elapsed() * PURGE_PAUSE_FACTOR
            }
            Ok(Some(Slice { device, outcome: Ok(Purged::Nothing) })) => {
                after = device;
                Duration::ZERO
            }
            Ok(Some(Slice { device, outcome: Err(error) })) => {
                warn_of_failure(device, &error);
                after = device;
                PURGE_RETRY_PAUSE
            }
            Ok(None) => {
                after = BEFORE_ALL;
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = has_deleted.notified() => {}
                    () = sleep(PURGE_CHECK_INTERVAL) => {}
                }
                Duration::ZERO
            }
            Err(error) => {
                let causes = error_chain(&error);
                tracing::warn!(causes, "finding the deleted devices failed, trying again later");
                PURGE_RETRY_PAUSE
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = sleep(pause) => {}
        }
    }
}
