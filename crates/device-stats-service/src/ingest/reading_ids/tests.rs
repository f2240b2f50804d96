//! Tests of the ids of a node whose database is replaced by an older copy.

use std::sync::atomic::Ordering;

use super::*;
use crate::testing::changed_model::ChangedModel;

/// Another request found the restore after this one had looked up its device, and before it took its ids. The
/// ids are new, so the store would have accepted them, with the key that the device had before the restore.
#[tokio::test]
async fn new_ids_are_not_given_to_devices_that_were_looked_up_before_a_restore() {
    let (store, ids) = (ChangedModel::default(), ReadingIds::default());
    assert_eq!(ids.take(&store, 2, 0).await.unwrap(), [1, 2].map(ReadingId));
    let looked_up = store.restores();
    store.restores.fetch_add(1, Ordering::Relaxed);
    assert!(matches!(ids.take(&store, 1, looked_up).await, Err(StoreError::Restored)));
    let next = i64::from(READING_ID_BLOCK) + 2;
    assert_eq!(ids.take(&store, 1, 1).await.unwrap(), [ReadingId(next)], "ids of the old block are dropped");
}

#[tokio::test]
async fn a_restore_that_is_found_while_ids_are_reserved_is_noticed() {
    let store = ChangedModel { restores_while_reserving: 1, ..Default::default() };
    let ids = ReadingIds::default();
    assert!(matches!(ids.take(&store, 1, 0).await, Err(StoreError::Restored)));
}
