//! The task that writes arrivals to the store.

use std::sync::Arc;

use device_stats_domain::error_chain;
use device_stats_store::Store;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::task::AbortOnDropHandle;

use super::Arrivals;
use crate::limits::ARRIVALS_INTERVAL;
use crate::service::Service;

/// Running task that writes the arrivals of readings.
pub struct BackgroundArrivals {
    arrivals: Arc<Arrivals>,
    store: Arc<dyn Store>,
    task: AbortOnDropHandle<()>,
}

impl Service {
    /// Starts to write the arrivals of readings in the background. Call it inside a runtime.
    pub fn write_arrivals_in_background(&self) -> BackgroundArrivals {
        let (arrivals, store) = (Arc::clone(&self.parts.arrivals), Arc::clone(&self.parts.store));
        let (task_arrivals, task_store) = (Arc::clone(&arrivals), Arc::clone(&store));
        let task = tokio::spawn(async move {
            let mut due = interval(ARRIVALS_INTERVAL);
            due.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    _ = due.tick() => {}
                    () = task_arrivals.are_many.notified() => {}
                }
                task_arrivals.write(task_store.as_ref()).await;
            }
        });
        BackgroundArrivals { arrivals, store, task: AbortOnDropHandle::new(task) }
    }
}

impl BackgroundArrivals {
    /// Stops, and writes the arrivals that are not in the store yet.
    pub async fn stop(self) {
        drop(self.task);
        // If the task was stopped in the middle of a write, the first call writes its rest.
        for _ in 0..2 {
            self.arrivals.write(self.store.as_ref()).await;
        }
    }
}

impl Arrivals {
    /// Writes the arrivals in slices, so that no transaction is long. If this fails, the others stay, and the
    /// next call writes them.
    pub(super) async fn write(&self, store: &dyn Store) {
        for slice in self.begin_write() {
            if let Err(error) = store.merge_arrivals(&slice).await {
                let causes = error_chain(&error);
                tracing::warn!(causes, "writing the arrivals of readings failed, trying again later");
                break;
            }
            self.note_written(&slice);
        }
        let omitted = self.take_omitted();
        if omitted > 0 {
            tracing::warn!(omitted, "readings of too many devices arrive, not noting the arrivals of some");
        }
    }
}
