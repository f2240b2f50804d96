//! Tests of deletions over the model: waiting, cancelled callers, and repeated attempts.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::Poll;

use device_stats_store::conformance::oracle::Oracle;
use device_stats_store::{Model, Store, Subject};

use super::*;
use crate::limits::DELETIONS_AT_ONCE;
use crate::testing::{create_device, granted, new_reading, service_over};

/// Creates a service with a device that has three readings.
async fn service() -> (Service, Authorized<Device, Manage>) {
    let store: Arc<dyn Store> = Arc::new(Model::default());
    let key = create_device(store.as_ref(), "d").await;
    store.append(&[1, 2, 3].map(|us| new_reading(key, us))).await.unwrap();
    let service = service_over(store);
    let id = device_stats_domain::DeviceId::new("d").unwrap();
    let device = service.find_device(granted::<Manage>(), &id).await.unwrap();
    (service, device)
}

async fn count_readings(service: &Service, device: &Device) -> usize {
    let all = service.parts.store.read_snapshot(Subject::Device(device.key), Window::ALL).await.unwrap();
    all.first().map_or(0, |(_, rows)| rows.len())
}

/// Polls a call once. The call must not be done.
async fn begin(call: &mut Pin<&mut impl Future<Output = Result<u64, ServiceError>>>) {
    let done = std::future::poll_fn(|context| Poll::Ready(call.as_mut().poll(context).is_ready())).await;
    assert!(!done);
}

/// Lets all other tasks run until they wait. The tests have one thread.
async fn let_others_run() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_deletion_cancelled_while_it_waits_deletes_nothing() {
    let (service, device) = service().await;
    let permits = Arc::clone(&service.parts.deletion_permits);
    let all = permits.acquire_many_owned(u32::try_from(DELETIONS_AT_ONCE).unwrap()).await.unwrap();
    {
        let mut deletion = pin!(service.delete_readings(device.clone(), Window::ALL));
        begin(&mut deletion).await;
        let_others_run().await;
    }
    drop(all);
    let_others_run().await;
    assert_eq!(service.parts.deletion_permits.available_permits(), DELETIONS_AT_ONCE);
    assert_eq!(count_readings(&service, &device).await, 3);
    // The next deletion does not wait.
    assert_eq!(service.delete_readings(device, Window::ALL).await.unwrap(), 3);
}

#[tokio::test]
async fn a_deletion_cancelled_while_it_runs_is_completed() {
    let (service, device) = service().await;
    {
        let mut deletion = pin!(service.delete_readings(device.clone(), Window::ALL));
        begin(&mut deletion).await;
    }
    while count_readings(&service, &device).await > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_deletion_waits_for_a_limited_time() {
    let (service, device) = service().await;
    let permits = Arc::clone(&service.parts.deletion_permits);
    let mut all = permits.acquire_many_owned(u32::try_from(DELETIONS_AT_ONCE).unwrap()).await.unwrap();
    let refused = service.delete_readings(device.clone(), Window::ALL);
    let refused = timeout(DELETION_WAIT_MAX * 2, refused).await.unwrap();
    assert!(matches!(refused, Err(ServiceError::TooManyDeletions)), "{refused:?}");
    assert_eq!(count_readings(&service, &device).await, 3);
    // One running deletion ends.
    drop(all.split(1));
    assert_eq!(service.delete_readings(device, Window::ALL).await.unwrap(), 3);
}

/// In PostgreSQL, an attempt may wait for a lock, and so take seconds.
#[tokio::test(start_paused = true)]
async fn an_overtaken_deletion_ends_in_time_however_long_its_attempts_take() {
    for millis in [0, 1, 5_000, 60_000] {
        let duration = Duration::from_millis(millis);
        let started = tokio::time::Instant::now();
        let (mut attempts, mut count) = (Attempts::start(), 0);
        let overtaken = loop {
            count += 1;
            sleep(duration).await;
            if let Err(error) = attempts.wait_for_next().await {
                break error;
            }
        };
        assert!(matches!(overtaken, ServiceError::DeletionOvertaken), "{overtaken:?}");
        let elapsed = started.elapsed();
        assert!(elapsed >= DELETION_ATTEMPTS_TIME, "{elapsed:?}");
        assert!(elapsed <= DELETION_ATTEMPTS_TIME + duration + Duration::from_millis(10), "{elapsed:?}");
        assert!(count > 5 || millis >= 5_000, "{count} attempts");
    }
}

/// If the commit was lost, the rests of the cut segments may be stored.
#[tokio::test]
async fn segments_that_a_deletion_may_have_added_are_merged() {
    let lost = || Err(StoreError::OutcomeUnknown("lost".into()));
    let failed = || Err(StoreError::Unavailable("failed".into()));
    for (outcome, has_cut, is_noted) in [
        (Ok(Deleted::Done(1)), true, true),
        (Ok(Deleted::Done(1)), false, false),
        (lost(), true, true),
        (lost(), false, false),
        (Ok(Deleted::Stale), true, false),
        (failed(), true, false),
    ] {
        let (service, device) = service().await;
        note(&service.parts, &device, Window::ALL, has_cut, &outcome);
        assert_eq!(service.parts.backlog.has_new_segment(device.key), is_noted, "{outcome:?} {has_cut}");
    }
}
