//! Tests of the limits on queries over the model: abandoned queries leave nothing behind.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, mpsc};
use std::task::Poll;
use std::time::Duration;

use device_stats_domain::{Device, DeviceId, RequestedAxes, RequestedStatistics, Window};
use device_stats_segment::analysis::Pages;
use device_stats_store::{Model, Store, Subject};

use super::snapshot::ReadingsToVisit;
use crate::access::{Authorized, Read};
use crate::admission::QueryLimits;
use crate::error::ServiceError;
use crate::segments::reader::ReadError;
use crate::service::{Service, ServiceSettings};
use crate::testing::{create_device, granted, new_reading};

/// Creates a service with a device that has three readings.
async fn service(limits: QueryLimits) -> (Service, Authorized<Device, Read>) {
    let store: Arc<dyn Store> = Arc::new(Model::default());
    let key = create_device(store.as_ref(), "d").await;
    store.append(&[1, 2, 3].map(|us| new_reading(key, us))).await.unwrap();
    let service =
        Service::new(store, ServiceSettings { queries: limits, ..ServiceSettings::default() }).unwrap();
    let id = DeviceId::new("d").unwrap();
    let device = service.find_device(granted::<Read>(), &id).await.unwrap();
    (service, device)
}

async fn count(service: &Service, device: &Authorized<Device, Read>) -> Result<u64, ServiceError> {
    let wanted = RequestedStatistics::default();
    let found = service.analyze(&device.clone().into(), Window::ALL, &wanted).await?;
    Ok(found.aggregate.axes.x.summary.count)
}

/// Each abandoned analysis stayed in the queue, with its snapshot, until a thread computed it.
#[tokio::test]
async fn a_thousand_abandoned_analyses_leave_nothing_in_the_queue() {
    let (service, device) = service(QueryLimits::default()).await;
    let free = service.parts.admission.free_queries();
    let all_threads = service.parts.compute.occupy_light_threads().await;
    for _ in 0..1_000 {
        let mut analysis = pin!(count(&service, &device));
        poll_fn(|context| {
            assert!(analysis.as_mut().poll(context).is_pending());
            context.waker().wake_by_ref();
            if service.parts.compute.in_progress() > 0 { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        assert_eq!(service.parts.admission.free_queries().0, free.0 - 1);
    }
    assert_eq!(service.parts.compute.in_progress(), 0);
    assert_eq!(service.parts.admission.free_queries(), free);
    drop(all_threads);
    assert_eq!(count(&service, &device).await.unwrap(), 3);
}

#[tokio::test]
async fn an_abandoned_computation_stops_at_its_next_pages() {
    let (service, device) = service(QueryLimits { queries_max: 1, ..QueryLimits::default() }).await;
    let ((started, is_started), (go_on, may_go_on), (stopped, has_stopped)) =
        (mpsc::channel(), mpsc::channel::<()>(), mpsc::channel());
    let (may_go_on, subject) = (std::sync::Mutex::new(may_go_on), Subject::Device(device.key));
    let computation = move |snapshot: &super::snapshot::OpenSnapshot| {
        started.send(()).unwrap();
        may_go_on.lock().unwrap().recv().unwrap();
        stopped.send(matches!(snapshot.segments.cached(&[]), Err(ReadError::Abandoned))).unwrap();
        Ok(())
    };
    let (visited, axes) = (ReadingsToVisit::All, RequestedAxes::Measured);
    let query = service.clone();
    let query = tokio::spawn(async move {
        query.compute_on_snapshot(subject, Window::ALL, visited, axes, computation).await
    });
    while is_started.try_recv().is_err() {
        tokio::task::yield_now().await;
    }
    query.abort();
    assert!(query.await.unwrap_err().is_cancelled());
    // The query still uses its share until its computation has stopped.
    assert!(matches!(count(&service, &device).await, Err(ServiceError::TooManyAnalyses)));
    go_on.send(()).unwrap();
    assert!(has_stopped.recv().unwrap(), "the computation goes on");
    while service.parts.admission.free_queries().0 == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(count(&service, &device).await.unwrap(), 3);
}

/// On a busy node, segments were merged between the snapshot and the reads of each attempt, and the query was
/// refused.
#[tokio::test]
async fn merges_wait_for_a_query_that_has_failed_repeatedly() {
    let (service, device) = service(QueryLimits::default()).await;
    let pauses = service.parts.merge_pauses.clone();
    // A merge that is possible replaces a segment that the query needs.
    let computation = move |_: &super::snapshot::OpenSnapshot| {
        if pauses.are_merges_paused() { Ok(()) } else { Err(ReadError::Gone) }
    };
    let (subject, visited, axes) =
        (Subject::Device(device.key), ReadingsToVisit::All, RequestedAxes::Measured);
    service.compute_on_snapshot(subject, Window::ALL, visited, axes, computation).await.unwrap();
    assert!(!service.parts.merge_pauses.are_merges_paused(), "merges go on after the query");
}

#[tokio::test]
async fn every_query_ends_at_its_deadline() {
    let (service, device) = service(QueryLimits { time_max: Duration::ZERO, ..QueryLimits::default() }).await;
    let _all_threads = service.parts.compute.occupy_light_threads().await;
    let list = device_stats_domain::ListPage { skip: 0, limit: 1 };
    assert!(matches!(count(&service, &device).await, Err(ServiceError::QueryTimedOut(Duration::ZERO))));
    let latest = service.find_latest(&device).await;
    assert!(matches!(latest, Err(ServiceError::QueryTimedOut(_))), "{latest:?}");
    let listed = service.list_readings(&device, Window::ALL, list).await;
    assert!(matches!(listed, Err(ServiceError::QueryTimedOut(_))), "{listed:?}");
}

#[tokio::test]
async fn the_snapshot_of_a_query_counts_towards_the_memory_of_all_queries() {
    let limits = QueryLimits { queries_max: 2, bytes_max: 1024 * 1024, ..QueryLimits::default() };
    let (service, device) = service(limits).await;
    let rows = (10..20_000).map(|us| new_reading(device.key, us)).collect::<Vec<_>>();
    service.parts.store.append(&rows).await.unwrap();
    // Alone, a query may need more than all queries together.
    assert_eq!(count(&service, &device).await.unwrap(), 19_993);
    let other = service.parts.admission.admit_query().unwrap();
    other.grow_to(200 * 1024).unwrap();
    assert!(matches!(count(&service, &device).await, Err(ServiceError::TooManyAnalyses)));
    drop(other);
    assert_eq!(count(&service, &device).await.unwrap(), 19_993);
}
