//! Tests of the rights of live streams and exports in progress.

use device_stats_domain::{Author, Window};
use device_stats_formats::export::ExportFormat;
use device_stats_store::{ReadingStore, TokenStore, Visibility};
use tokio::time::{advance, timeout};

use super::token_tests::{Fleet, client};
use super::*;
use crate::error::ServiceError;
use crate::export::Export;
use crate::limits::RIGHTS_CACHED_MAX;
use crate::live::LiveReadings;
use crate::testing::new_reading;

/// Opens a live stream of the user.
async fn watch_user(fleet: &Fleet, principal: Principal) -> LiveReadings {
    let source = fleet.service.find_user(principal.grant::<Read>().unwrap(), fleet.user.id).await.unwrap();
    fleet.service.watch(source.into(), 1.0, None, client()).await.unwrap()
}

/// Returns whether a live stream ends, without a reading, within the time in which a client loses its rights.
async fn ends_in_time(stream: &mut LiveReadings) -> bool {
    matches!(timeout(RIGHTS_CACHED_MAX, stream.next()).await, Ok(None))
}

/// Begins an export of the device.
async fn export_device(fleet: &Fleet, principal: Principal) -> Export {
    let granted = principal.grant::<Read>().unwrap();
    let source = fleet.service.find_device(granted, &fleet.device.device_id).await.unwrap();
    let encoder = ExportFormat::Ndjson.encoder(false).unwrap();
    fleet.service.export(source.into(), Window::ALL, encoder, client()).await.unwrap()
}

/// A stream kept the rights with which it was opened.
#[tokio::test(start_paused = true)]
async fn a_live_stream_ends_in_time_when_its_token_is_revoked() {
    let fleet = Fleet::create().await;
    let created = fleet.users_token().await;
    let principal = fleet.service.sign_in(&created.token, client()).await.unwrap();
    let mut stream = watch_user(&fleet, principal).await;
    // Another node revokes it.
    fleet.store.delete_token(&Author::SERVICE, Visibility::All, created.stored.id).await.unwrap();
    assert!(ends_in_time(&mut stream).await);
}

/// An export kept the rights with which it began, for hours.
#[tokio::test(start_paused = true)]
async fn an_export_breaks_off_when_its_token_is_revoked() {
    let fleet = Fleet::create().await;
    let key = fleet.device.key;
    fleet.store.append(&[new_reading(key, 1), new_reading(key, 2)]).await.unwrap();
    let created = fleet.users_token().await;
    let principal = fleet.service.sign_in(&created.token, client()).await.unwrap();
    let export = export_device(&fleet, principal).await;
    let late = export_device(&fleet, principal).await;
    assert!(export.next().await.unwrap().is_some());
    fleet.store.delete_token(&Author::SERVICE, Visibility::All, created.stored.id).await.unwrap();
    advance(RIGHTS_CACHED_MAX).await;
    assert!(matches!(late.next().await, Err(ServiceError::TokenUnknown)));
}
