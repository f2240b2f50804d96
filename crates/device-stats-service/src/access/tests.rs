//! Tests of changes whose callers are cancelled.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use device_stats_domain::{DeviceId, Email, NewDevice, NewUser, Username};
use device_stats_sqlite::SqliteStore;
use tokio::time::timeout;

use super::*;
use crate::testing::{granted, service_over};

/// Maximum wait of a test for an expected condition.
const PATIENCE: Duration = Duration::from_mins(1);

/// Polls a change once, and drops it, as when its client disconnects. The change must not be complete by
/// then.
async fn abandon<T>(change: impl Future<Output = T>) {
    let mut change = pin!(change);
    let is_done = poll_fn(|context| Poll::Ready(change.as_mut().poll(context).is_ready())).await;
    assert!(!is_done);
}

/// If the client disconnected, the readings of the device stayed until the next search for deleted devices,
/// or the database cancelled the deletion.
#[tokio::test]
async fn an_abandoned_deletion_is_completed_and_starts_the_purge() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(SqliteStore::open(&folder.path().join("a.db"), true).unwrap());
    let service = service_over(store);
    let user =
        NewUser { username: Username::new("ann").unwrap(), email: Email::parse("ann@example.com").unwrap() };
    let user = service.create_user(granted(), user).await.unwrap().id;
    let device_id = DeviceId::new("d").unwrap();
    let is_gone = async || {
        let found = service.find_device(granted::<Read>(), &device_id).await;
        matches!(found, Err(device_stats_store::StoreError::DeviceMissing))
    };
    let create = async || {
        let device = NewDevice { user_id: Some(user), ..NewDevice::new(device_id.clone()) };
        service.create_device(granted(), device).await.unwrap();
        service.find_device(granted::<Manage>(), &device_id).await.unwrap()
    };
    let device = create().await;
    abandon(service.delete_device(&device, None)).await;
    timeout(PATIENCE, service.parts.has_deleted.notified()).await.expect("the purge does not start");
    assert!(is_gone().await);
    create().await;
    let user = service.find_user(granted::<Administer>(), user).await.unwrap();
    abandon(service.delete_user(&user, None)).await;
    timeout(PATIENCE, service.parts.has_deleted.notified()).await.expect("the purge does not start");
    assert!(is_gone().await);
}
