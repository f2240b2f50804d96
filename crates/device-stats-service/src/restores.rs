//! The recognition of an older copy that replaces the database while the service runs.
//!
//! A store recognizes such a copy because the copy lacks the last reservation of reading ids of its node. But
//! a node can use the ids of one reservation for days, and a node that only reads needs no ids. So each node
//! also reserves an id at intervals, and never uses it. A copy from before the last interval lacks this
//! reservation, so the next one fails, even if the node appends nothing.

use std::time::Duration;

use device_stats_domain::error_chain;
use device_stats_store::StoreError;
use tokio::time::sleep;
use tokio_util::task::AbortOnDropHandle;

use crate::error::ServiceError;
use crate::service::Service;

impl Service {
    /// Starts to look for an older copy of the database, at once and at intervals, until the result is
    /// dropped. Returns `None` if nodes cannot share the store: its database is replaced only while no
    /// service runs. Call it inside a runtime.
    pub fn recognize_restores_in_background(&self, interval: Duration) -> Option<AbortOnDropHandle<()>> {
        self.parts.store.exchange()?;
        let service = self.clone();
        let task = tokio::spawn(async move {
            loop {
                service.recognize_restore().await;
                sleep(interval).await;
            }
        });
        Some(AbortOnDropHandle::new(task))
    }

    async fn recognize_restore(&self) {
        let reserved = self.parts.store.reserve_reading_ids(1).await;
        match self.checked(reserved.map_err(ServiceError::from)) {
            // The store has logged the restore.
            Ok(_) | Err(ServiceError::Store(StoreError::Restored)) => {}
            Err(error) => {
                let causes = error_chain(&error);
                tracing::warn!(causes, "looking for a restored database failed, trying again later");
            }
        }
    }
}
