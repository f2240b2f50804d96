//! Tests of the limit over the model.

use device_stats_domain::DeviceKey;
use device_stats_segment::Effort;
use device_stats_store::{Model, SealedRows, SegmentStore};
use tokio::task::yield_now;
use tokio::time::advance;

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

async fn is_full(limit: &Arc<HotLimit>) -> bool {
    match limit.check().await {
        Ok(()) => false,
        Err(ServiceError::HotReadingsFull { hot_readings_max: MAX }) => true,
        Err(other) => panic!("{other:?}"),
    }
}

fn limit_of(store: &Arc<Model>) -> Arc<HotLimit> {
    Arc::new(HotLimit::new(store.clone(), MAX))
}

/// Lets the next count become due and run.
async fn count(limit: &Arc<HotLimit>) {
    advance(HOT_COUNT_INTERVAL).await;
    is_full(limit).await;
    yield_now().await;
}

#[tokio::test]
async fn readings_of_this_node_count_at_once() {
    let (store, _) = store_with(MAX - 2).await;
    let limit = limit_of(&store);
    assert!(!is_full(&limit).await);
    limit.add(1);
    assert!(!is_full(&limit).await);
    limit.add(1);
    assert!(is_full(&limit).await);
}

#[tokio::test(start_paused = true)]
async fn readings_of_other_nodes_count_from_the_next_count() {
    let (store, device) = store_with(MAX - 1).await;
    let limit = limit_of(&store);
    assert!(!is_full(&limit).await);
    append(&store, device, 100..101).await;
    assert!(!is_full(&limit).await);
    count(&limit).await;
    assert!(is_full(&limit).await);
}

/// With each sealed device, the service accepted some readings and was full again.
#[tokio::test(start_paused = true)]
async fn a_full_store_must_be_sealed_in_part() {
    let (store, device) = store_with(MAX).await;
    let limit = limit_of(&store);
    assert!(is_full(&limit).await);
    seal(&store, device, 2).await;
    count(&limit).await;
    assert!(is_full(&limit).await);
    seal(&store, device, 1).await;
    count(&limit).await;
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
    let limit = limit_of(&store);
    let counting = limit.last_count.lock().await;
    let (mut first, mut second) = (Box::pin(is_full(&limit)), Box::pin(is_full(&limit)));
    assert!(futures_util::poll!(&mut first).is_pending() && futures_util::poll!(&mut second).is_pending());
    drop(counting);
    assert!(first.await && second.await);
}

/// One request per second waited for a count of the store, which takes long in a large database.
#[tokio::test(start_paused = true)]
async fn no_request_waits_for_a_later_count() {
    let (store, device) = store_with(MAX - 1).await;
    let limit = limit_of(&store);
    assert!(!is_full(&limit).await);
    append(&store, device, 100..101).await;
    advance(HOT_COUNT_INTERVAL).await;
    // The test has one thread, so the count runs only when the test waits.
    assert!(!is_full(&limit).await);
    yield_now().await;
    assert!(is_full(&limit).await);
}

/// After a time without requests, the old number must not refuse the first one.
#[tokio::test(start_paused = true)]
async fn an_old_number_refuses_no_request() {
    let (store, device) = store_with(MAX).await;
    let limit = limit_of(&store);
    assert!(is_full(&limit).await);
    seal(&store, device, 10).await;
    assert!(is_full(&limit).await);
    advance(HOT_COUNT_INTERVAL).await;
    // Another request is counting.
    let counting = limit.last_count.lock().await;
    let (mut first, mut second) = (Box::pin(is_full(&limit)), Box::pin(is_full(&limit)));
    assert!(futures_util::poll!(&mut first).is_pending() && futures_util::poll!(&mut second).is_pending());
    drop(counting);
    assert!(!first.await && !second.await);
}
