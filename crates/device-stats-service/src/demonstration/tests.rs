//! Tests of the demonstration over the model: its readings, its restarts and its end.

use std::sync::Arc;
use std::time::Duration;

use device_stats_domain::{Actor, AuditAction, AuditFilter, AuditOrder, DeviceKey, Window};
use device_stats_store::conformance::oracle::Oracle;
use device_stats_store::{Model, Store, Subject};
use tokio::time::sleep;

use super::*;
use crate::testing::{create_device, granted, service_over};

fn service() -> Service {
    let store: Arc<dyn Store> = Arc::new(Model::default());
    service_over(store)
}

/// Waits until a condition holds.
async fn wait_until(condition: impl AsyncFn() -> bool) {
    while !condition().await {
        sleep(Duration::from_millis(5)).await;
    }
}

async fn keys(service: &Service) -> Vec<DeviceKey> {
    let devices = service.find_demo_devices().await.unwrap();
    devices.into_iter().map(|device| device.unwrap().key).collect()
}

/// Returns the times of the readings of a device.
async fn times(service: &Service, key: DeviceKey) -> Vec<Timestamp> {
    let snapshot = service.parts.store.read_snapshot(Subject::Device(key), Window::ALL).await.unwrap();
    let rows = snapshot.into_iter().flat_map(|(_, rows)| rows);
    rows.map(|row| Timestamp::from_micros(row.time_us).unwrap()).collect()
}

async fn is_running(service: &Service) -> bool {
    service.find_demonstration(granted()).await.unwrap().is_running
}

/// Waits until each device has a history, and the drone or the pump has live readings: one of them is always
/// running, or nearly always.
async fn wait_until_live(service: &Service) {
    let now = service.parts.clock.now();
    let keys = keys(service).await;
    wait_until(async || {
        let newest = service.parts.store.find_latest(&keys).await.unwrap();
        let all_have_some = newest.iter().all(|newest| newest_time(newest).is_some());
        all_have_some && newest.iter().any(|newest| newest_time(newest) > Some(now))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_demonstration_has_the_readings_of_a_day_and_live_ones() {
    let service = service();
    let before = service.parts.clock.now();
    let started = service.create_demonstration(granted()).await.unwrap();
    assert_eq!(
        started.devices.iter().map(DeviceId::as_str).collect::<Vec<_>>(),
        ["demo-pump", "demo-drone", "demo-weather"]
    );
    assert!(started.is_running);
    assert_eq!(service.find_demonstration(granted()).await.unwrap(), started);
    wait_until_live(&service).await;
    service.stop_demonstration(granted()).await;
    for (device, key) in DEVICES.iter().zip(keys(&service).await) {
        let times = times(&service, key).await;
        let first = times.iter().min().unwrap().micros();
        let day = before.micros() - i64::try_from(DEMO_HISTORY.as_micros()).unwrap();
        // A device may have begun with one of its gaps.
        assert!((0..20 * signals::MINUTE).contains(&(first - day)), "{}", device.device_id);
        let of_history = 24 * signals::HOUR / device.history_us;
        let share = i64::try_from(times.len()).unwrap() * 100 / of_history;
        assert!((80..=110).contains(&share), "{}: {share} %", device.device_id);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_start_changes_nothing_and_a_restart_continues_after_the_last_reading() {
    let service = service();
    let started = service.create_demonstration(granted()).await.unwrap();
    assert_eq!(service.create_demonstration(granted()).await.unwrap(), started);
    wait_until_live(&service).await;
    let pump = keys(&service).await[0];
    service.stop_demonstration(granted()).await;
    assert!(!is_running(&service).await);
    let stopped = times(&service, pump).await;
    service.stop_demonstration(granted()).await;
    assert_eq!(service.create_demonstration(granted()).await.unwrap(), started);
    wait_until_live(&service).await;
    service.stop_demonstration(granted()).await;
    let mut restarted = times(&service, pump).await;
    restarted.sort_unstable();
    let count = restarted.len();
    restarted.dedup();
    assert_eq!(restarted.len(), count);
    assert!(stopped.iter().all(|time| restarted.binary_search(time).is_ok()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_stop_nothing_is_stored() {
    let service = service();
    service.create_demonstration(granted()).await.unwrap();
    let keys = keys(&service).await;
    // In the middle of the history.
    wait_until(async || !times(&service, keys[0]).await.is_empty()).await;
    service.stop_demonstration(granted()).await;
    let count = async || service.parts.store.count_hot_readings().await.unwrap();
    let (hot, stored) = (count().await, times(&service, keys[0]).await.len());
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!((count().await, times(&service, keys[0]).await.len()), (hot, stored));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_demonstration_ends_with_its_user_and_can_be_started_again() {
    let service = service();
    let first = service.create_demonstration(granted()).await.unwrap();
    wait_until_live(&service).await;
    let user = service.find_user(granted(), first.user.unwrap()).await.unwrap();
    service.delete_user(&user, None).await.unwrap();
    wait_until(async || !is_running(&service).await).await;
    assert_eq!(service.find_demonstration(granted()).await.unwrap(), Demonstration::default());
    let second = service.create_demonstration(granted()).await.unwrap();
    assert!(second.is_running && second.user > first.user);
    wait_until_live(&service).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_device_leaves_the_others_running_until_it_is_created_again() {
    let service = service();
    service.create_demonstration(granted()).await.unwrap();
    wait_until_live(&service).await;
    let weather = DeviceId::new("demo-weather").unwrap();
    let device = service.find_device(granted(), &weather).await.unwrap();
    service.delete_device(&device, None).await.unwrap();
    assert_eq!(service.find_demonstration(granted()).await.unwrap().devices.len(), 2);
    assert!(is_running(&service).await);
    assert_eq!(service.create_demonstration(granted()).await.unwrap().devices.len(), 3);
    wait_until_live(&service).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopping_service_ends_the_demonstration_and_starts_none() {
    let service = service();
    service.create_demonstration(granted()).await.unwrap();
    service.begin_stop();
    wait_until(async || !is_running(&service).await).await;
    let refused = service.create_demonstration(granted()).await;
    assert!(matches!(refused, Err(ServiceError::Stopping)), "{refused:?}");
    service.end_demonstration().await;
}

/// The task held the service, so a service that nobody used any more ran for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_demonstration_does_not_keep_its_service() {
    let service = service();
    service.create_demonstration(granted()).await.unwrap();
    let parts = Arc::downgrade(&service.parts);
    drop(service);
    wait_until(async || parts.strong_count() == 0).await;
}

#[tokio::test]
async fn a_device_of_others_is_not_taken() {
    let store: Arc<dyn Store> = Arc::new(Model::default());
    create_device(store.as_ref(), "demo-drone").await;
    let refused = service_over(store).create_demonstration(granted()).await;
    assert!(matches!(refused, Err(ServiceError::Store(StoreError::DeviceIdTaken))), "{refused:?}");
}

#[tokio::test]
async fn the_creation_of_the_user_and_of_each_device_is_in_the_audit_log() {
    let service = service();
    for _ in 0..2 {
        service.create_demonstration(granted()).await.unwrap();
    }
    service.stop_demonstration(granted()).await;
    for (action, expected) in [(AuditAction::CreateUser, 1), (AuditAction::CreateDevice, 3)] {
        let filter = AuditFilter { action: Some(action), ..AuditFilter::default() };
        let page = service.list_audit(granted(), AuditOrder::OldestFirst, None, &filter, 100).await.unwrap();
        assert_eq!(page.entries.len(), expected, "{action:?}");
        assert!(page.entries.iter().all(|entry| entry.author.actor == Actor::Anyone), "{:?}", page.entries);
    }
}
