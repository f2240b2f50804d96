//! Tests of the rights of live streams and exports in progress. They end, or leave out devices, when their
//! rights end. Another node makes each change.

use device_stats_domain::{
    Author, Device, DeviceChange, DeviceId, Email, Identity, NewDevice, NewToken, NewUser, Scope,
    StoredToken, Timestamp, Username, Window,
};
use device_stats_formats::export::ExportFormat;
use device_stats_store::{AccountStore, ReadingStore, StoreError, TokenStore, Visibility};
use tokio::time::{advance, timeout};

use super::rights_tests::measurement;
use super::token_tests::{Fleet, begin_session, client, scopes};
use super::*;
use crate::error::ServiceError;
use crate::export::Export;
use crate::limits::{RIGHTS_CACHED_MAX, SESSION_TIME_MAX};
use crate::live::LiveReadings;
use crate::testing::{granted, new_reading};

/// Opens a live stream of the user.
async fn watch_user(fleet: &Fleet, principal: Principal) -> LiveReadings {
    let source = fleet.service.find_user(principal.grant::<Read>().unwrap(), fleet.user.id).await.unwrap();
    fleet.service.watch(source.into(), 1.0, None, client()).await.unwrap()
}

/// Opens a live stream of the device.
async fn watch_device(fleet: &Fleet, principal: Principal) -> LiveReadings {
    let granted = principal.grant::<Read>().unwrap();
    let source = fleet.service.find_device(granted, &fleet.device.device_id).await.unwrap();
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

/// Begins an export of the user.
async fn export_user(fleet: &Fleet, principal: Principal) -> Export {
    let source = fleet.service.find_user(principal.grant::<Read>().unwrap(), fleet.user.id).await.unwrap();
    let encoder = ExportFormat::Ndjson.encoder(false).unwrap();
    fleet.service.export(source.into(), Window::ALL, encoder, client()).await.unwrap()
}

/// Returns the principal of a new token of the user.
async fn sign_in_user(fleet: &Fleet) -> Principal {
    let created = fleet.users_token().await;
    fleet.service.sign_in(&created.token, client()).await.unwrap()
}

/// Creates a second device of the user.
async fn create_valve(fleet: &Fleet) -> Device {
    let device_id = DeviceId::new("valve").unwrap();
    let new = NewDevice { user_id: Some(fleet.user.id), ..NewDevice::new(device_id) };
    fleet.store.create_device(&Author::SERVICE, new, None).await.unwrap()
}

/// Gives a device to a new user.
async fn give_away(fleet: &Fleet, device: &Device) {
    let email = Email::parse("bob@example.com").unwrap();
    let bob = NewUser { username: Username::new("bob").unwrap(), email };
    let bob = fleet.store.create_user(&Author::SERVICE, bob).await.unwrap();
    let change = DeviceChange { user_id: Some(Some(bob.id)), ..DeviceChange::default() };
    fleet.store.update_device(&Author::SERVICE, Visibility::All, device.key, None, change).await.unwrap();
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

/// An expired token is still in the store. The clock of the service is the clock of the system, so the test
/// replaces the token by one with the same secret that has expired.
#[tokio::test(start_paused = true)]
async fn reads_in_progress_end_in_time_when_their_token_expires() {
    let fleet = Fleet::create().await;
    let created = fleet.users_token().await;
    let principal = fleet.service.sign_in(&created.token, client()).await.unwrap();
    let mut stream = watch_user(&fleet, principal).await;
    let export = export_device(&fleet, principal).await;
    let StoredToken { id, prefix, scopes, .. } = created.stored;
    fleet.store.delete_token(&Author::SERVICE, Visibility::All, id).await.unwrap();
    let expired = NewToken {
        hash: created.token.hash(),
        prefix,
        holder: Identity::User(fleet.user.id),
        scopes,
        name: None,
        created_at: Timestamp::from_micros(1).unwrap(),
        expires_at: Some(Timestamp::from_micros(2).unwrap()),
    };
    fleet.store.create_token(&Author::SERVICE, Visibility::All, expired).await.unwrap();
    assert!(ends_in_time(&mut stream).await);
    advance(RIGHTS_CACHED_MAX).await;
    assert!(matches!(export.next().await, Err(ServiceError::TokenUnknown)));
}

/// The token of the session stays valid. A session that is too old is still in the store.
#[tokio::test(start_paused = true)]
async fn a_live_stream_ends_in_time_with_its_session() {
    let fleet = Fleet::create().await;
    let created = fleet.users_token().await;
    let open = async || {
        let session = begin_session(&fleet.service, &created.token).await.unwrap();
        let principal = fleet.service.resume_session(&session.secret, client()).await.unwrap();
        (session.secret.hash(), watch_user(&fleet, principal).await)
    };
    let (hash, mut stream) = open().await;
    fleet.store.delete_session(&Author::SERVICE, &hash).await.unwrap();
    assert!(ends_in_time(&mut stream).await, "the browser has signed out");
    let (hash, mut stream) = open().await;
    fleet.store.delete_session(&Author::SERVICE, &hash).await.unwrap();
    let begun = fleet.service.parts.clock.now().saturating_sub(SESSION_TIME_MAX);
    let id = created.stored.id;
    fleet.store.create_session(&Author::SERVICE, &hash, id, begun, Timestamp::MIN).await.unwrap();
    assert!(ends_in_time(&mut stream).await, "the session has reached its maximum time");
    let (_, mut stream) = open().await;
    assert!(!ends_in_time(&mut stream).await, "the session continues");
}

#[tokio::test(start_paused = true)]
async fn a_live_stream_of_a_device_ends_in_time_when_its_owner_changes() {
    let fleet = Fleet::create().await;
    let mut stream = watch_device(&fleet, sign_in_user(&fleet).await).await;
    give_away(&fleet, &fleet.device).await;
    assert!(ends_in_time(&mut stream).await);
}

#[tokio::test(start_paused = true)]
async fn a_live_stream_of_a_user_leaves_out_a_device_in_time_when_its_owner_changes() {
    let fleet = Fleet::create().await;
    let valve = create_valve(&fleet).await;
    let mut stream = watch_user(&fleet, sign_in_user(&fleet).await).await;
    give_away(&fleet, &fleet.device).await;
    assert!(!ends_in_time(&mut stream).await, "the user still has a device");
    for device in [&fleet.device, &valve] {
        fleet.service.append_reading(granted(), &device.device_id, measurement(), None).await.unwrap();
    }
    // The stream delivers the readings in the order of their commits.
    let next = timeout(RIGHTS_CACHED_MAX, stream.next()).await;
    assert_eq!(next.unwrap().unwrap().device, valve.device_id);
}

#[tokio::test(start_paused = true)]
async fn an_export_of_a_device_breaks_off_when_its_owner_changes() {
    let fleet = Fleet::create().await;
    let export = export_device(&fleet, sign_in_user(&fleet).await).await;
    give_away(&fleet, &fleet.device).await;
    advance(RIGHTS_CACHED_MAX).await;
    assert!(matches!(export.next().await, Err(ServiceError::Store(StoreError::DeviceMissing))));
}

/// An export looks up each later device when its turn comes.
#[tokio::test]
async fn an_export_of_a_user_leaves_out_a_later_device_whose_owner_has_changed() {
    let fleet = Fleet::create().await;
    let valve = create_valve(&fleet).await;
    for key in [fleet.device.key, valve.key] {
        fleet.store.append(&[new_reading(key, 1)]).await.unwrap();
    }
    let principal = sign_in_user(&fleet).await;
    // Without the change, the export has both devices.
    let mut rest = export_user(&fleet, principal).await;
    let mut devices = Vec::new();
    while let Some((bytes, next)) = rest.next().await.unwrap() {
        devices.push(String::from_utf8(bytes.to_vec()).unwrap());
        rest = next;
    }
    assert!(
        matches!(&devices[..], [one, two] if one.contains("pump") && two.contains("valve")),
        "{devices:?}"
    );
    let (bytes, rest) = export_user(&fleet, principal).await.next().await.unwrap().unwrap();
    assert_eq!(bytes, devices[0]);
    give_away(&fleet, &valve).await;
    assert!(rest.next().await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn live_streams_end_in_time_when_their_user_is_deleted() {
    let fleet = Fleet::create().await;
    let request = TokenRequest {
        recipient: TokenRecipient::Device(fleet.device.device_id.clone()),
        scopes: Some(scopes(&[Scope::Read])),
        name: None,
        expires_at: None,
    };
    let created = fleet.service.create_token(granted(), request).await.unwrap();
    let device = fleet.service.sign_in(&created.token, client()).await.unwrap();
    let mut of_user = watch_user(&fleet, sign_in_user(&fleet).await).await;
    let mut of_device = watch_device(&fleet, device).await;
    // The rights of an administrator do not change, but the user is missing.
    let mut of_administrator = watch_user(&fleet, Principal::ANYONE).await;
    fleet.store.delete_user(&Author::SERVICE, Visibility::All, fleet.user.id, None).await.unwrap();
    let ended = tokio::join!(
        ends_in_time(&mut of_user),
        ends_in_time(&mut of_device),
        ends_in_time(&mut of_administrator)
    );
    assert_eq!(ended, (true, true, true));
}
