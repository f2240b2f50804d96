//! The tasks that write refusals to the audit log, and delete old entries.

use std::sync::Arc;
use std::time::Duration;

use device_stats_domain::{Timestamp, error_chain};
use device_stats_store::StoreError;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::limits::{
    AUDIT_DELETED_AT_ONCE, AUDIT_DELETION_INTERVAL, AUDIT_DELETION_PAUSE_FACTOR, REFUSALS_INTERVAL,
};
use crate::service::{Service, ServiceParts};

/// Running tasks of the audit log.
pub struct BackgroundAudit {
    stopping: CancellationToken,
    refusals: JoinHandle<()>,
    _deletion: Option<AbortOnDropHandle<()>>,
}

impl Service {
    /// Starts to write refusals to the audit log every minute, and to delete entries that are older than
    /// `kept_for` every hour; `None` keeps them for ever. Call it inside a runtime.
    pub fn keep_audit_in_background(&self, kept_for: Option<Duration>) -> BackgroundAudit {
        let stopping = CancellationToken::new();
        let refusals = tokio::spawn(write_all(Arc::clone(&self.parts), stopping.clone()));
        let delete = |kept_for| tokio::spawn(delete_all(Arc::clone(&self.parts), kept_for));
        let deletion = kept_for.map(|kept_for| AbortOnDropHandle::new(delete(kept_for)));
        BackgroundAudit { stopping, refusals, _deletion: deletion }
    }
}

impl BackgroundAudit {
    /// Writes the pending refusals, then stops.
    pub async fn stop(self) {
        self.stopping.cancel();
        if let Err(error) = self.refusals.await {
            tracing::error!(%error, "writing refusals to the audit log failed");
        }
    }
}

/// Writes refusals at intervals, and a last time at the end.
async fn write_all(parts: Arc<ServiceParts>, stopping: CancellationToken) {
    while stopping.run_until_cancelled(sleep(REFUSALS_INTERVAL)).await.is_some() {
        write_refusals(&parts).await;
    }
    write_refusals(&parts).await;
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

async fn delete_all(parts: Arc<ServiceParts>, kept_for: Duration) {
    loop {
        let until = parts.clock.now().saturating_sub(kept_for);
        match delete_old(&parts, until).await {
            Ok(0) => {}
            Ok(deleted) => tracing::info!(deleted, %until, "deleted old entries of the audit log"),
            Err(error) => {
                let causes = error_chain(&error);
                tracing::warn!(causes, "deleting old entries of the audit log failed, trying again later");
            }
        }
        sleep(AUDIT_DELETION_INTERVAL).await;
    }
}

/// Deletes in slices with pauses, so that other writes do not wait. Returns the number of deleted entries.
async fn delete_old(parts: &ServiceParts, until: Timestamp) -> Result<u64, StoreError> {
    let mut total = 0;
    loop {
        let started = Instant::now();
        let deleted = parts.store.delete_audit(until, AUDIT_DELETED_AT_ONCE).await?;
        total += u64::from(deleted);
        if deleted < AUDIT_DELETED_AT_ONCE {
            return Ok(total);
        }
        sleep(started.elapsed() * AUDIT_DELETION_PAUSE_FACTOR).await;
    }
}
