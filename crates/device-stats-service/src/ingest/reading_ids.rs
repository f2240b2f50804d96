//! Ids for readings, from blocks that this node has reserved in the store (hi/lo): no id is given twice, and no request
//! but the one that opens a block asks the store for one. Ids left over when the process ends are never used.

use std::ops::Range;

use device_stats_domain::ReadingId;
use device_stats_domain::limits::{READING_ID_BLOCK, STORE_CONNECT_TIMEOUT};
use device_stats_store::{Store, StoreError};
use tokio::sync::Mutex;
use tokio::time::timeout;

/// The reserved ids that are left.
#[derive(Debug, Default)]
pub(crate) struct ReadingIds {
    /// Held while a block is being reserved, so that one request reserves for all that wait.
    left: Mutex<Range<i64>>,
}

impl ReadingIds {
    /// Takes that many ids.
    ///
    /// # Errors
    /// Those of the store. Who waits for another one to reserve waits no longer than that one may, however many they are.
    pub(crate) async fn take(&self, store: &dyn Store, count: usize) -> Result<Vec<ReadingId>, StoreError> {
        let taken = timeout(STORE_CONNECT_TIMEOUT, self.take_in_turn(store, count)).await;
        taken.map_err(|_| StoreError::Unavailable("no ids for readings could be reserved in time".into()))?
    }

    async fn take_in_turn(&self, store: &dyn Store, count: usize) -> Result<Vec<ReadingId>, StoreError> {
        let mut left = self.left.lock().await;
        let mut ids: Vec<ReadingId> = left.by_ref().take(count).map(ReadingId).collect();
        if ids.len() < count {
            let missing = count - ids.len();
            let block = u32::try_from(missing).unwrap_or(u32::MAX).max(READING_ID_BLOCK);
            *left = store.reserve_reading_ids(block).await?;
            ids.extend(left.by_ref().take(missing).map(ReadingId));
        }
        Ok(ids)
    }
}
