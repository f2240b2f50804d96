//! The memory and the threads of large batches.

use device_stats_domain::{Axes, Finite};
use device_stats_formats::limits::BATCH_READINGS_MAX;
use device_stats_store::{Model, Store};

use super::*;
use crate::limits::{BODIES_BYTES_MAX, BODY_BYTES_UNCOUNTED};
use crate::testing::{create_device, granted, service_over};

/// The largest batch is accepted if there is no other one. A short text of a device id takes 32 bytes, and
/// the location of a row 16 bytes.
const _: () = {
    let row = size_of::<(DeviceId, Measurement)>() + 32 + 16;
    assert!(BATCH_READINGS_MAX * (row + BYTES_OF_APPEND + size_of::<u32>()) <= BODIES_BYTES_MAX);
};

/// Number of readings of a large batch.
const COUNT: usize = COMPUTE_READINGS;

/// Returns a measurement that no other one repeats.
fn measurement(number: usize) -> Measurement {
    let time = Timestamp::from_micros(i64::try_from(number).unwrap()).unwrap();
    let value = Finite::new(1.0).unwrap();
    Measurement { time: Some(time), values: Axes { x: value, y: value, z: value } }
}

async fn service() -> Service {
    let store: Arc<dyn Store> = Arc::new(Model::default());
    create_device(store.as_ref(), "a").await;
    create_device(store.as_ref(), "b").await;
    service_over(store)
}

#[tokio::test]
async fn the_memory_of_an_append_is_reserved_before_it_is_used() {
    let service = service().await;
    let device = DeviceId::new("a").unwrap();
    let append = async |rows: Vec<Measurement>, permit: &mut BodyPermit| {
        service.append_batch(granted(), &device, rows, MissingDevices::Refuse, None, permit).await
    };
    let mixed = async |permit: &mut BodyPermit| {
        let id = |row: usize| DeviceId::new(if row.is_multiple_of(2) { "a" } else { "b" }).unwrap();
        let rows = (0..COUNT).map(|row| (id(row), measurement(COUNT + row))).collect();
        service.append_mixed_batch(granted(), rows, MissingDevices::Refuse, None, permit).await
    };
    let rows: Vec<_> = (0..COUNT).map(measurement).collect();
    let mut others = service.body_permit();
    others.grow_to(BODIES_BYTES_MAX).unwrap();
    let refused = append(rows.clone(), &mut service.body_permit()).await;
    assert!(matches!(refused, Err(ServiceError::QueueFull)));
    assert!(matches!(mixed(&mut service.body_permit()).await, Err(ServiceError::QueueFull)));
    drop(others);
    let needed = COUNT * (size_of::<NewReading>() + size_of::<ReadingId>() + size_of::<Appended>())
        - BODY_BYTES_UNCOUNTED;
    let mut permit = service.body_permit();
    assert_eq!(append(rows, &mut permit).await.unwrap().accepted, COUNT as u64);
    assert!(permit.reserved_bytes() >= needed);
    let mut permit = service.body_permit();
    let (outcome, unknown) = mixed(&mut permit).await.unwrap();
    assert_eq!((outcome.accepted, unknown.len()), (COUNT as u64, 0));
    assert!(permit.reserved_bytes() >= needed + COUNT * size_of::<u32>());
}

#[tokio::test]
async fn many_readings_are_prepared_on_threads_for_computations() {
    let service = service().await;
    let thread = || std::thread::current().name().unwrap_or_default().to_owned();
    let many = service.compute_readings(COMPUTE_READINGS, thread).await.unwrap();
    assert!(many.starts_with("body-"), "{many}");
    assert_eq!(service.compute_readings(COMPUTE_READINGS - 1, thread).await.unwrap(), thread());
    // The fingerprint, and the readings.
    let key = IdempotencyKey::new("k").unwrap();
    let names = Arc::new(std::sync::Mutex::new(Vec::new()));
    let own = Arc::clone(&names);
    let note = move || {
        own.lock().unwrap().push(thread());
        [0; 32]
    };
    service.request_key(granted(), Some(&key), COUNT, note).await.unwrap();
    let own = Arc::clone(&names);
    let make = move |stamps: Stamps| {
        own.lock().unwrap().push(thread());
        stamps.apply([])
    };
    service.prepare(COUNT, 0, make).await.unwrap();
    assert!(names.lock().unwrap().iter().all(|name| name.starts_with("body-")), "{names:?}");
}
