//! Ids of readings, from blocks that the node reserves in the store (hi/lo algorithm). No id is given twice.
//! Only a request that needs a new block waits for the store. Ids that are left when the process ends are
//! never used.

use std::ops::Range;

use device_stats_domain::ReadingId;
use device_stats_store::{ReadingStore, StoreError};
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::limits::{QUEUE_TIMEOUT, READING_ID_BLOCK};

/// The reserved ids of this node.
#[derive(Debug, Default)]
pub(crate) struct ReadingIds {
    /// Locked during a reservation, so that one request reserves a block for all waiting requests.
    unused: Mutex<ReservedIds>,
}

#[derive(Debug, Default)]
struct ReservedIds {
    ids: Range<i64>,
    /// [`ReadingStore::restores`] before the reservation. After a restore, the store refuses the ids.
    restores: u64,
}

impl ReadingIds {
    /// Takes `count` ids for readings of devices that were looked up after `restores` was read from the
    /// store.
    ///
    /// # Errors
    /// The errors of the store; [`StoreError::Restored`] if the devices must be looked up again;
    /// [`StoreError::Unavailable`] after [`QUEUE_TIMEOUT`]. This time includes the wait for other requests.
    pub(crate) async fn take(
        &self,
        store: &(impl ReadingStore + ?Sized),
        count: usize,
        restores: u64,
    ) -> Result<Vec<ReadingId>, StoreError> {
        let taken = timeout(QUEUE_TIMEOUT, self.take_in_turn(store, count)).await;
        let taken =
            taken.map_err(|_| StoreError::Unavailable("reading ids were not reserved in time".into()))??;
        // If the store finds a restore after this check, it refuses the ids.
        if store.restores() == restores { Ok(taken) } else { Err(StoreError::Restored) }
    }

    async fn take_in_turn(
        &self,
        store: &(impl ReadingStore + ?Sized),
        count: usize,
    ) -> Result<Vec<ReadingId>, StoreError> {
        let mut unused = self.unused.lock().await;
        let restores = store.restores();
        if unused.restores != restores {
            *unused = ReservedIds { ids: 0..0, restores };
        }
        let mut ids: Vec<ReadingId> = unused.ids.by_ref().take(count).map(ReadingId).collect();
        if ids.len() < count {
            let missing = count - ids.len();
            let block = u32::try_from(missing).unwrap_or(u32::MAX).max(READING_ID_BLOCK);
            unused.ids = store.reserve_reading_ids(block).await?;
            ids.extend(unused.ids.by_ref().take(missing).map(ReadingId));
        }
        if ids.len() == count {
            Ok(ids)
        } else {
            Err(StoreError::Broken("the store reserved fewer reading ids than requested".into()))
        }
    }
}

#[cfg(test)]
mod tests;
