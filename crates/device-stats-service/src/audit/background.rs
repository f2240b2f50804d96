//! The task that writes refusals to the audit log, and deletes old entries.

use std::sync::Arc;
use std::time::Duration;

use device_stats_domain::{Timestamp, error_chain};
use device_stats_store::StoreError;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::task::AbortOnDropHandle;

use crate::limits::{AUDIT_DELETED_AT_ONCE, AUDIT_DELETION_INTERVAL, REFUSALS_INTERVAL};
use crate::service::{Service, ServiceParts};

/// Running task of the audit log.
pub struct BackgroundAudit {
    parts: Arc<ServiceParts>,
    task: AbortOnDropHandle<()>,
}

impl Service {
    /// Starts to write refusals to the audit log every minute, and to delete entries that are older than
    /// `kept_for` every hour; `None` keeps them for ever. Call it inside a runtime.
    pub fn keep_audit_in_background(&self, kept_for: Option<Duration>) -> BackgroundAudit {
        let parts = Arc::clone(&self.parts);
        let task = tokio::spawn(async move {
            let mut due = interval(REFUSALS_INTERVAL);
            due.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let mut next_deletion = Instant::now();
            loop {
                due.tick().await;
                write_refusals(&parts).await;
                if let Some(kept_for) = kept_for.filter(|_| next_deletion <= Instant::now()) {
                    next_deletion = Instant::now() + AUDIT_DELETION_INTERVAL;
                    delete_old(&parts, kept_for).await;
                }
            }
        });
        BackgroundAudit { parts: Arc::clone(&self.parts), task: AbortOnDropHandle::new(task) }
    }
}

impl BackgroundAudit {
    /// Stops, and writes the refusals that are not written yet.
    pub async fn stop(self) {
        drop(self.task);
        write_refusals(&self.parts).await;
    }
}

async fn write_refusals(parts: &ServiceParts) {
    let taken = parts.refusals.take();
    let events = taken.events();
    if events.is_empty() {
        return;
    }
    if let Err(error) = parts.store.append_audit(&events).await {
        let causes = error_chain(&error);
        tracing::warn!(causes, "writing refusals to the audit log failed, trying again later");
        // If the outcome is unknown, an entry twice is better than none.
        parts.refusals.put_back(taken);
    }
}

async fn delete_old(parts: &ServiceParts, kept_for: Duration) {
    let until = parts.clock.now().saturating_sub(kept_for);
    match try_delete(parts, until).await {
        Ok(0) => {}
        Ok(deleted) => tracing::info!(deleted, %until, "deleted old entries of the audit log"),
        Err(error) => {
            let causes = error_chain(&error);
            tracing::warn!(causes, "deleting old entries of the audit log failed, trying again later");
        }
    }
}

/// Deletes in slices, so that no transaction is long. Returns the number of deleted entries.
async fn try_delete(parts: &ServiceParts, until: Timestamp) -> Result<u64, StoreError> {
    let mut total = 0;
    loop {
        let deleted = parts.store.delete_audit(until, AUDIT_DELETED_AT_ONCE).await?;
        total += u64::from(deleted);
        if deleted < AUDIT_DELETED_AT_ONCE {
            return Ok(total);
        }
    }
}
