//! Tests of the limit over the model.

use device_stats_domain::DeviceKey;
use device_stats_segment::Effort;
use device_stats_store::{Model, SealedRows, SegmentStore};

use super::*;
use crate::testing::{create_device, new_reading};

const MAX: u64 = 32;

/// Returns a store with a device that has this number of hot readings.
async fn store_with(readings: u64) -> (Arc<Model>, DeviceKey) {
    let store = Arc::<Model>::default();
    let device = create_device(store.as_ref(), "d").await;
    append(store.as_ref(), device, 0..readings).await;
    (store, device)
}

async fn append(store: &Model, device: DeviceKey, times: std::ops::Range<u64>) {
    let readings: Vec<_> = times.map(|us| new_reading(device, us.cast_signed())).collect();
    store.append(&readings).await.unwrap();
}

async fn seal(store: &Model, device: DeviceKey, count: u32) {
    let rows = store.list_hot_readings(device, count).await.unwrap();
    store.seal(device, &SealedRows::encode(&rows, Effort::Fast).unwrap()).await.unwrap();
}

async fn is_full(limit: &HotLimit) -> bool {
    match limit.check().await {
        Ok(()) => false,
        Err(ServiceError::HotReadingsFull { hot_readings_max: MAX }) => true,
        Err(other) => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn readings_of_this_node_count_at_once() {
    let (store, _) = store_with(MAX - 2).await;
    let limit = HotLimit::new(store, MAX);
    assert!(!is_full(&limit).await);
    limit.add(1);
    assert!(!is_full(&limit).await);
    limit.add(1);
    assert!(is_full(&limit).await);
}

#[tokio::test]
async fn readings_of_other_nodes_count_from_the_next_count() {
    let (store, device) = store_with(MAX - 1).await;
    let limit = HotLimit::new(Arc::clone(&store) as Arc<dyn ReadingStore>, MAX);
    assert!(!is_full(&limit).await);
    append(&store, device, 100..101).await;
    assert!(!is_full(&limit).await);
    limit.forget_count().await;
    assert!(is_full(&limit).await);
}

/// With each sealed device, the service accepted some readings and was full again.
#[tokio::test]
async fn a_full_store_must_be_sealed_in_part() {
    let (store, device) = store_with(MAX).await;
    let limit = HotLimit::new(Arc::clone(&store) as Arc<dyn ReadingStore>, MAX);
    assert!(is_full(&limit).await);
    seal(&store, device, 2).await;
    limit.forget_count().await;
    assert!(is_full(&limit).await);
    seal(&store, device, 1).await;
    limit.forget_count().await;
    assert!(!is_full(&limit).await);
    limit.add(2);
    assert!(!is_full(&limit).await);
    limit.add(1);
    assert!(is_full(&limit).await);
}

/// All first requests of a node wait for the first count.
#[tokio::test]
async fn no_request_passes_before_the_first_count() {
    let (store, _) = store_with(MAX).await;
    let limit = HotLimit::new(store, MAX);
    let counting = limit.counted.lock().await;
    let (mut first, mut second) = (Box::pin(is_full(&limit)), Box::pin(is_full(&limit)));
    assert!(futures_util::poll!(&mut first).is_pending() && futures_util::poll!(&mut second).is_pending());
    drop(counting);
    assert!(first.await && second.await);
    // Later ones do not wait.
    let _counting = limit.counted.lock().await;
    assert!(is_full(&limit).await);
}
