//! Tests of the pending arrivals over the model.

use std::sync::Arc;

use device_stats_store::{AccountStore, ArrivalStore, Model, Store};

use super::*;
use crate::testing::{create_device, service_over};

fn at(us: i64) -> Timestamp {
    Timestamp::from_micros(us).unwrap()
}

fn arrived(device: DeviceKey, readings: u64, newest_us: Option<i64>) -> Arrived {
    Arrived { device, readings, newest: newest_us.map(at) }
}

async fn record(store: &Model, device: DeviceKey) -> Option<ArrivalRecord> {
    store.find_arrivals(&[device]).await.unwrap()[0]
}

#[tokio::test]
async fn arrivals_are_written_once_and_seen_before() {
    let store = Model::default();
    let (one, other) = (create_device(&store, "one").await, create_device(&store, "other").await);
    let arrivals = Arrivals::default();
    arrivals.note(at(5), [arrived(one, 1, Some(5)), arrived(one, 1, Some(7)), arrived(other, 0, None)]);
    arrivals.note(at(8), [arrived(one, 2, Some(1))]);
    let mut expected = NewArrivals::one(at(5), 2, Some(2));
    expected.add(at(8), 2, Some(-7));
    assert_eq!(
        arrivals.unwritten(&[other, one, DeviceKey(9)]),
        [[None, Some(NewArrivals::one(at(5), 0, None))], [None, Some(expected)], [None, None]]
    );
    arrivals.write(&store).await;
    let written = ArrivalRecord::merge(None, &expected);
    assert_eq!(record(&store, one).await, Some(written));
    assert_eq!(arrivals.unwritten(&[one, other]), [[None, None]; 2]);
    arrivals.write(&store).await;
    assert_eq!(record(&store, one).await, Some(written));
    arrivals.note(at(9), [arrived(one, 1, Some(9))]);
    arrivals.clear();
    arrivals.write(&store).await;
    assert_eq!(record(&store, one).await, Some(written));
}

/// The status of a device is exact at every moment of a write: the arrivals are seen in memory, in the store,
/// or in both.
#[tokio::test]
async fn arrivals_in_memory_and_in_the_store_count_once() {
    let store = Model::default();
    let device = create_device(&store, "d").await;
    let arrivals = Arrivals::default();
    let mut all = NewArrivals::one(at(1), 1, Some(0));
    arrivals.note(at(1), [arrived(device, 1, Some(1))]);
    let slices = arrivals.begin_write();
    assert_eq!(slices, [[(device, all)]]);
    arrivals.note(at(4), [arrived(device, 1, Some(4))]);
    let later = NewArrivals::one(at(4), 1, Some(0));
    all = later;
    let expected = ArrivalRecord::merge(Some(ArrivalRecord::merge(None, &slices[0][0].1)), &all);
    let seen = async || {
        let unwritten = arrivals.unwritten(&[device])[0];
        with_unwritten(record(&store, device).await, unwritten)
    };
    assert_eq!(seen().await, Some(expected));
    store.merge_arrivals(&slices[0]).await.unwrap();
    assert_eq!(seen().await, Some(expected));
    arrivals.note_written(&slices[0]);
    assert_eq!(seen().await, Some(expected));
    arrivals.write(&store).await;
    assert_eq!(record(&store, device).await, Some(expected));
}

/// A store that cannot be written to.
#[tokio::test]
async fn arrivals_of_a_failed_write_are_kept_in_their_order() {
    let store = Model::default();
    let device = create_device(&store, "d").await;
    let arrivals = Arrivals::default();
    arrivals.note(at(1), [arrived(device, 1, Some(1))]);
    // This write fails: nothing is noted as written.
    assert_eq!(arrivals.begin_write().len(), 1);
    arrivals.note(at(2), [arrived(device, 1, Some(2))]);
    assert_eq!(arrivals.begin_write(), [[(device, NewArrivals::one(at(1), 1, Some(0)))]]);
    arrivals.write(&store).await;
    arrivals.write(&store).await;
    let first = ArrivalRecord::merge(None, &NewArrivals::one(at(1), 1, Some(0)));
    let both = ArrivalRecord::merge(Some(first), &NewArrivals::one(at(2), 1, Some(0)));
    assert_eq!(record(&store, device).await, Some(both));
}

#[tokio::test]
async fn the_arrivals_in_memory_are_bounded() {
    let arrivals = Arrivals::default();
    let devices = i64::try_from(ARRIVALS_PENDING_MAX).unwrap();
    for key in 0..devices + 5 {
        arrivals.note(at(1), [arrived(DeviceKey(key), 1, None)]);
    }
    // The task is asked to write before the maximum is reached.
    arrivals.are_many.notified().await;
    let slices = arrivals.begin_write();
    assert!(slices.iter().all(|slice| slice.len() <= ARRIVALS_AT_ONCE));
    assert!(slices.concat().is_sorted_by_key(|(device, _)| *device));
    assert_eq!(slices.concat().len(), ARRIVALS_PENDING_MAX);
    assert_eq!(arrivals.take_omitted(), 5);
    // A known device is still noted, and a new one has a place as soon as others are written.
    arrivals.note(at(2), [arrived(DeviceKey(devices), 1, None)]);
    assert_eq!(arrivals.take_omitted(), 1);
    arrivals.note_written(&slices[0]);
    arrivals.note(at(2), [arrived(DeviceKey(devices), 1, None)]);
    assert_eq!(arrivals.take_omitted(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_background_writes_every_few_seconds_and_at_the_end() {
    let model = Arc::new(Model::default());
    let store: Arc<dyn Store> = Arc::clone(&model) as Arc<dyn Store>;
    let device = create_device(store.as_ref() as &dyn AccountStore, "d").await;
    let service = service_over(store);
    let background = service.write_arrivals_in_background();
    service.parts.arrivals.note(at(1), [arrived(device, 1, None)]);
    while record(&model, device).await.is_none() {
        tokio::time::sleep(crate::limits::ARRIVALS_INTERVAL).await;
    }
    service.parts.arrivals.note(at(2), [arrived(device, 1, None)]);
    background.stop().await;
    assert_eq!(record(&model, device).await.unwrap().last_at, at(2));
}
