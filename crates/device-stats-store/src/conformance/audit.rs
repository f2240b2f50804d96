//! Cases about the audit log.

use std::net::IpAddr;
use std::sync::Arc;

use device_stats_domain::{
    Actor, AuditAction, AuditDetails, AuditEntry, AuditEvent, AuditFilter, AuditId, AuditObject, AuditOrder,
    Author, Device, DeviceChange, DeviceKey, Identity, NewToken, Scope, Scopes, SessionHash, StoredToken,
    Timestamp, Token, TokenHolder, TokenId, TokenName, UserChange, UserId, Window,
};

use super::callers::{CALLERS, assert_one_winner, concurrently};
use super::samples::{Opened, at, device_id, device_name, email, given, new_device, new_user, username};
use crate::{StoreError, UserState, Visibility};

/// Returns an author. Two authors with different numbers differ in every field.
pub(super) fn author(n: u8) -> Author {
    Author {
        actor: Actor::User(UserId(n.into())),
        token: Some(TokenId(100 + i64::from(n))),
        request: Some(format!("request-{n}").parse().unwrap()),
        address: Some(IpAddr::from([192, 0, 2, n])),
    }
}

/// Returns all entries, the oldest one first.
pub(super) async fn all(store: &Opened) -> Vec<AuditEntry> {
    store.list_audit(AuditOrder::OldestFirst, None, &AuditFilter::default(), 1_000).await.unwrap()
}

/// Returns the authors and events of all entries.
async fn events(store: &Opened) -> Vec<(Author, AuditEvent)> {
    all(store).await.into_iter().map(|entry| (entry.author, entry.event)).collect()
}

pub(super) fn new_token(holder: Identity, n: u8) -> NewToken {
    let token = Token::from_random(holder.token_kind(), &[n; 32]);
    NewToken {
        hash: token.hash(),
        prefix: token.prefix(),
        holder,
        scopes: Scopes::from_iter([Scope::Read, Scope::Ingest]),
        name: Some(TokenName::new("it's \u{1f6b0} 'new'").unwrap()),
        created_at: at(10),
        expires_at: Some(Timestamp::MAX),
    }
}

fn refusal(reason: &str) -> AuditEvent {
    let details = AuditDetails { reason: Some(reason.to_owned()), count: Some(3), ..AuditDetails::default() };
    AuditEvent::general(AuditAction::RefuseRequest, details)
}

pub async fn each_change_of_a_user_or_device_has_an_entry(store: Opened) {
    let mut expected = Vec::new();
    let all_visible = Visibility::All;
    let ann = store.create_user(&author(1), new_user("ann", "ann")).await.unwrap();
    expected.push((author(1), AuditEvent::create_user(&ann)));
    // The email address stays.
    let change = UserChange { username: Some(username("bea")), email: Some(email("ann")) };
    let bea = store.update_user(&author(2), all_visible, ann.id, None, change).await.unwrap();
    let updated = AuditEvent::update_user(&ann, &bea).unwrap();
    assert_eq!(updated.details.fields, ["username"]);
    assert_eq!(updated.object.username, Some(username("bea")));
    expected.push((author(2), updated));
    let state = UserState { user: bea.clone(), devices: vec![] };
    let change = UserChange { username: None, email: Some(email("b")) };
    let user = store.update_user(&author(3), all_visible, ann.id, Some(&state), change).await.unwrap();
    let updated = AuditEvent::update_user(&bea, &user).unwrap();
    assert_eq!(updated.details.fields, ["email"]);
    expected.push((author(3), updated));
    let created = store.create_device(&author(4), new_device("d", None), Some(5)).await.unwrap();
    expected.push((author(4), AuditEvent::create_device(&created)));
    let change = DeviceChange {
        name: Some(Some(device_name("pump"))),
        user_id: Some(Some(user.id)),
        ..DeviceChange::default()
    };
    let owned = store.update_device(&author(5), all_visible, created.key, None, change).await.unwrap();
    let updated = AuditEvent::update_device(&created, &owned).unwrap();
    assert_eq!(updated.details.fields, ["name", "user_id"]);
    assert_eq!((updated.object.user, updated.details.owner), (None, Some(Some(user.id.0))));
    expected.push((author(5), updated));
    let change = DeviceChange { user_id: Some(None), ..DeviceChange::default() };
    let device = store.update_device(&author(6), all_visible, owned.key, Some(&owned), change).await.unwrap();
    let updated = AuditEvent::update_device(&owned, &device).unwrap();
    assert_eq!((updated.object.user, updated.details.owner), (Some(user.id), Some(None)));
    expected.push((author(6), updated));
    store.delete_device(&author(7), all_visible, device.key, None).await.unwrap();
    expected.extend(AuditEvent::delete_device(&device, &[]).into_iter().map(|event| (author(7), event)));
    store.delete_user(&author(8), all_visible, user.id, None).await.unwrap();
    expected.extend(AuditEvent::delete_user(&user, &[], &[]).into_iter().map(|event| (author(8), event)));
    assert_eq!(events(&store).await, expected);
}

pub async fn a_deletion_of_a_user_has_an_entry_for_each_device_and_token(store: Opened) {
    let other = store.create_user(&author(1), new_user("bob", "bob")).await.unwrap();
    let others = store.create_device(&author(1), new_device("other", Some(other.id)), None).await.unwrap();
    for (n, expected) in [false, true].into_iter().enumerate() {
        let user = store.create_user(&author(1), new_user("ann", "ann")).await.unwrap();
        let mut devices = Vec::new();
        for id in ["c", "a", "b"] {
            devices.push(store.create_device(&author(1), new_device(id, Some(user.id)), None).await.unwrap());
        }
        let (mut tokens, mut secret) = (Vec::new(), 10 * u8::try_from(n).unwrap());
        for holder in
            [Identity::Device(devices[1].key), Identity::User(user.id), Identity::Device(others.key)]
        {
            secret += 1;
            tokens.push(
                store.create_token(&author(1), Visibility::All, new_token(holder, secret)).await.unwrap(),
            );
        }
        tokens.pop();
        let before = all(&store).await.len();
        let state = UserState { user: user.clone(), devices: devices.clone() };
        let expected = expected.then_some(&state);
        store.delete_user(&author(2), Visibility::All, user.id, expected).await.unwrap();
        let deleted = AuditEvent::delete_user(&user, &devices, &tokens);
        assert_eq!(deleted.len(), 6);
        let deleted: Vec<_> = deleted.into_iter().map(|event| (author(2), event)).collect();
        assert_eq!(events(&store).await[before..], deleted);
    }
}

pub async fn a_deletion_of_a_device_has_an_entry_for_each_token(store: Opened) {
    let device = store.create_device(&author(1), new_device("d", None), None).await.unwrap();
    let other = store.create_device(&author(1), new_device("e", None), None).await.unwrap();
    let create = async |device: &Device, n| {
        let new = new_token(Identity::Device(device.key), n);
        store.create_token(&author(1), Visibility::All, new).await.unwrap()
    };
    let tokens = [create(&device, 1).await, create(&device, 2).await];
    create(&other, 3).await;
    let before = all(&store).await.len();
    store.delete_device(&author(2), Visibility::All, device.key, Some(&device)).await.unwrap();
    let deleted = AuditEvent::delete_device(&device, &tokens);
    assert_eq!(deleted.len(), 3);
    let deleted: Vec<_> = deleted.into_iter().map(|event| (author(2), event)).collect();
    assert_eq!(events(&store).await[before..], deleted);
}

pub async fn each_registered_device_has_an_entry(store: Opened) {
    let user = store.create_user(&author(1), new_user("ann", "ann")).await.unwrap();
    store.create_device(&author(1), new_device("b", None), None).await.unwrap();
    let before = all(&store).await.len();
    let ids = [device_id("a"), device_id("b"), device_id("c")];
    for owned_max in [None, Some(5)] {
        store.create_missing_devices(&author(2), Some(user.id), &ids, owned_max).await.unwrap();
        let created = store.find_devices(Visibility::All, &[device_id("a"), device_id("c")]).await.unwrap();
        let expected: Vec<_> =
            created.iter().flatten().map(|device| (author(2), AuditEvent::create_device(device))).collect();
        assert_eq!(events(&store).await[before..], expected, "{owned_max:?}");
    }
}

pub async fn each_change_of_a_token_or_session_has_an_entry(store: Opened) {
    let ann = store.create_user(&author(1), new_user("ann", "ann")).await.unwrap();
    let device = store.create_device(&author(1), new_device("d", None), None).await.unwrap();
    let holders = [Identity::Administrator, Identity::User(ann.id), Identity::Device(device.key)];
    let mut expected = events(&store).await;
    let mut tokens: Vec<StoredToken> = Vec::new();
    for (holder, n) in holders.into_iter().zip(1..) {
        let token = store.create_token(&author(2), Visibility::All, new_token(holder, n)).await.unwrap();
        let event = AuditEvent::create_token(&token);
        assert_eq!(event.details.scopes, ["ingest", "read"]);
        assert_eq!(event.details.prefix.as_deref(), Some(token.prefix.as_str()));
        expected.push((author(2), event));
        tokens.push(token);
    }
    let object = AuditEvent::create_token(&tokens[2]).object;
    assert_eq!((object.device, object.device_id), (Some(device.key), Some(device.device_id)));
    let (first, second) = (SessionHash([1; 32]), SessionHash([2; 32]));
    for hash in [first, second] {
        store.create_session(&author(3), &hash, tokens[1].id, at(20), at(0)).await.unwrap();
        expected.push((author(3), AuditEvent::create_session(tokens[1].id)));
    }
    store.delete_session(&author(4), &first).await.unwrap();
    expected.push((author(4), AuditEvent::delete_session(tokens[1].id)));
    // The session has ended already.
    store.delete_session(&author(4), &first).await.unwrap();
    for token in &tokens {
        store.delete_token(&author(5), Visibility::All, token.id).await.unwrap();
        expected.push((author(5), AuditEvent::delete_token(token)));
    }
    // The session was deleted with its token.
    store.delete_session(&author(4), &second).await.unwrap();
    assert_eq!(events(&store).await, expected);
    assert!(matches!(tokens[0].holder, TokenHolder::Administrator));
}

pub async fn a_deletion_of_readings_has_an_entry(store: Opened) {
    let ann = store.create_user(&author(1), new_user("ann", "ann")).await.unwrap();
    let device = store.create_device(&author(1), new_device("d", Some(ann.id)), None).await.unwrap();
    for time in 1..=3 {
        store.append(&[given(&device, time, 1)]).await.unwrap();
    }
    let window = Window { from_us: 2, until_us: i64::MAX };
    let before = all(&store).await.len();
    store.delete_readings(&author(2), Visibility::All, device.key, window, &[]).await.unwrap();
    // There is nothing left to delete.
    store.delete_readings(&author(2), Visibility::All, device.key, window, &[]).await.unwrap();
    let mut expected = AuditEvent::delete_readings(device.key, window, 2);
    expected.object.device_id = Some(device.device_id.clone());
    expected.object.user = Some(ann.id);
    assert_eq!((&expected.details.until, expected.details.readings), (&None, Some(2)));
    assert!(expected.details.from.is_some());
    assert_eq!(events(&store).await[before..], [(author(2), expected)]);
}

pub async fn a_refused_change_has_no_entry(store: Opened) {
    let ann = store.create_user(&author(1), new_user("ann", "ann")).await.unwrap();
    let bob = store.create_user(&author(1), new_user("bob", "bob")).await.unwrap();
    let device = store.create_device(&author(1), new_device("d", Some(ann.id)), None).await.unwrap();
    let token =
        store.create_token(&author(1), Visibility::All, new_token(Identity::User(ann.id), 1)).await.unwrap();
    let before = events(&store).await;
    let (by, bobs) = (&author(2), Visibility::User(bob.id));
    refused!(store.create_user(by, new_user("ann", "other")), UsernameTaken);
    refused!(store.create_user(by, new_user("other", "ann")), EmailTaken);
    let change = UserChange { username: Some(username("bob")), email: None };
    refused!(store.update_user(by, Visibility::All, ann.id, None, change.clone()), UsernameTaken);
    refused!(store.update_user(by, bobs, ann.id, None, change.clone()), UserMissing);
    let state = UserState { user: ann.clone(), devices: vec![] };
    refused!(store.update_user(by, Visibility::All, ann.id, Some(&state), change), Changed);
    refused!(store.delete_user(by, Visibility::All, ann.id, Some(&state)), Changed);
    refused!(store.delete_user(by, bobs, ann.id, None), UserMissing);
    refused!(store.create_device(by, new_device("d", None), None), DeviceIdTaken);
    refused!(store.create_device(by, new_device("e", Some(UserId(99))), None), UserMissing);
    refused!(store.create_device(by, new_device("e", Some(ann.id)), Some(1)), TooManyOwnedDevices);
    let ids = [device_id("e"), device_id("f")];
    refused!(store.create_missing_devices(by, Some(ann.id), &ids, Some(2)), TooManyOwnedDevices);
    let change = DeviceChange { user_id: Some(Some(UserId(99))), ..DeviceChange::default() };
    refused!(store.update_device(by, Visibility::All, device.key, None, change.clone()), UserMissing);
    refused!(store.update_device(by, bobs, device.key, None, change), DeviceMissing);
    refused!(store.delete_device(by, bobs, device.key, None), DeviceMissing);
    refused!(store.delete_readings(by, bobs, device.key, Window::ALL, &[]), DeviceMissing);
    refused!(store.create_token(by, bobs, new_token(Identity::Device(device.key), 2)), DeviceMissing);
    refused!(store.delete_token(by, bobs, token.id), TokenMissing);
    refused!(store.create_session(by, &SessionHash([1; 32]), TokenId(99), at(1), at(0)), TokenMissing);
    // Changes of nothing.
    store.update_user(by, Visibility::All, ann.id, None, UserChange::default()).await.unwrap();
    let change = UserChange { username: Some(ann.username.clone()), email: Some(ann.email.clone()) };
    store.update_user(by, Visibility::All, ann.id, None, change).await.unwrap();
    store.update_device(by, Visibility::All, device.key, None, DeviceChange::default()).await.unwrap();
    let change = DeviceChange { name: Some(None), user_id: Some(Some(ann.id)), ..DeviceChange::default() };
    store.update_device(by, Visibility::All, device.key, None, change).await.unwrap();
    assert_eq!(events(&store).await, before);
}

pub async fn entries_without_a_change_can_be_written(store: Opened) {
    store.append_audit(&[]).await.unwrap();
    let anyone = Author::new(Actor::Anyone);
    let key = DeviceKey(99);
    // A device that does not exist any more keeps its key.
    let object = AuditObject { device: Some(key), ..AuditObject::default() };
    let dropped =
        AuditEvent { object, ..AuditEvent::general(AuditAction::DropDamaged, AuditDetails::default()) };
    let written = [
        (anyone, refusal("a")),
        (author(1), refusal("b")),
        (Author::new(Actor::Operator), dropped),
        (Author::new(Actor::Administrator), refusal("c")),
        (Author::new(Actor::Device(key)), refusal("d")),
        (Author::SERVICE, refusal("e")),
    ];
    store.append_audit(&written).await.unwrap();
    assert_eq!(events(&store).await, written);
    let ids: Vec<AuditId> = all(&store).await.into_iter().map(|entry| entry.id).collect();
    assert!(ids.is_sorted_by(|one, next| one < next) && ids[0] >= AuditId(1), "{ids:?}");
}

pub async fn entries_are_listed_by_pages_in_both_orders(store: Opened) {
    for n in 0..7 {
        store.append_audit(&[(author(n), refusal("r"))]).await.unwrap();
    }
    let oldest_first = all(&store).await;
    let mut newest_first = oldest_first.clone();
    newest_first.reverse();
    for (order, expected) in
        [(AuditOrder::OldestFirst, oldest_first), (AuditOrder::NewestFirst, newest_first)]
    {
        for limit in 1..=8_u32 {
            let (mut listed, mut after) = (Vec::new(), None);
            loop {
                let page = store.list_audit(order, after, &AuditFilter::default(), limit).await.unwrap();
                assert!(page.len() <= limit as usize);
                let Some(last) = page.last() else { break };
                after = Some(last.id);
                listed.extend(page);
            }
            assert_eq!(listed, expected, "{order:?} {limit}");
        }
    }
}

pub async fn entries_are_chosen_by_conditions(store: Opened) {
    let ann = store.create_user(&author(9), new_user("ann", "ann")).await.unwrap();
    let device = store.create_device(&author(9), new_device("pump%", Some(ann.id)), None).await.unwrap();
    store.create_device(&author(9), new_device("pump7", None), None).await.unwrap();
    let token =
        store.create_token(&author(9), Visibility::All, new_token(Identity::Device(device.key), 1)).await;
    let token = token.unwrap();
    let by_ann = Author { actor: Actor::User(ann.id), token: Some(token.id), ..author(9) };
    // A device with the same number is not the user.
    let by_device = Author { actor: Actor::Device(DeviceKey(ann.id.0)), token: None, ..author(9) };
    store.append_audit(&[(by_ann, refusal("a")), (by_device, refusal("b"))]).await.unwrap();
    store.delete_device(&author(9), Visibility::All, device.key, None).await.unwrap();
    let mut entries = all(&store).await;
    // The deletion of the token has an entry, too.
    assert_eq!(entries.pop().unwrap().event.action, AuditAction::DeleteToken);
    let chosen = async |filter: AuditFilter| -> Vec<usize> {
        let listed = store.list_audit(AuditOrder::OldestFirst, None, &filter, 100).await.unwrap();
        listed.iter().filter_map(|entry| entries.iter().position(|other| other == entry)).collect()
    };
    let any = AuditFilter::default;
    // 0: user ann, 1: device pump%, 2: device pump7, 3: token, 4: refusal of ann, 5: refusal of a device,
    // 6: deletion.
    assert_eq!(chosen(any()).await, [0, 1, 2, 3, 4, 5, 6]);
    let refusals = AuditFilter { action: Some(AuditAction::RefuseRequest), ..any() };
    assert_eq!(chosen(refusals.clone()).await, [4, 5]);
    assert_eq!(chosen(AuditFilter { user: Some(ann.id), ..any() }).await, [0, 1, 4, 6]);
    assert_eq!(chosen(AuditFilter { user: Some(ann.id), ..refusals }).await, [4]);
    assert_eq!(chosen(AuditFilter { device_id: Some(device.device_id.clone()), ..any() }).await, [1, 3, 6]);
    assert_eq!(chosen(AuditFilter { token: Some(token.id), ..any() }).await, [3, 4]);
    let of_other_token = AuditFilter { token: author(9).token, ..any() };
    assert_eq!(chosen(of_other_token).await, [0, 1, 2, 3, 6]);
    let (first_us, last_us) = (entries[0].time.micros(), entries[6].time.micros());
    let window = |from_us, until_us| AuditFilter { window: Window { from_us, until_us }, ..any() };
    assert_eq!(chosen(window(first_us, last_us + 1)).await.len(), 7);
    assert_eq!(chosen(window(i64::MIN, first_us)).await, [0_usize; 0]);
    assert_eq!(chosen(window(last_us + 1, i64::MAX)).await, [0_usize; 0]);
    assert!(!chosen(window(i64::MIN, last_us)).await.contains(&6));
}

pub async fn old_entries_are_deleted_in_slices(store: Opened) {
    for n in 0..5 {
        store.append_audit(&[(author(n), refusal("r"))]).await.unwrap();
    }
    let entries = all(&store).await;
    assert_eq!(store.delete_audit(entries[0].time, 10).await.unwrap(), 0);
    assert_eq!(store.delete_audit(Timestamp::MAX, 2).await.unwrap(), 2);
    assert_eq!(all(&store).await, entries[2..]);
    assert_eq!(store.delete_audit(Timestamp::MAX, 10).await.unwrap(), 3);
    assert_eq!(store.delete_audit(Timestamp::MAX, 10).await.unwrap(), 0);
    // Ids are not reused.
    store.append_audit(&[(author(9), refusal("r"))]).await.unwrap();
    assert!(all(&store).await[0].id > entries[4].id);
}

pub async fn an_entry_has_the_time_of_its_change(store: Opened) {
    let user = store.create_user(&author(1), new_user("ann", "ann")).await.unwrap();
    let entry = all(&store).await.remove(0);
    let apart = entry.time.micros().abs_diff(user.created_at.unwrap().micros());
    assert!(apart < 60_000_000, "{apart}");
}

/// Of several callers that change the same thing, those that are refused leave no entry.
pub async fn racing_callers_leave_the_entries_of_their_changes(store: Opened) {
    let caller = |n: usize| author(u8::try_from(n).unwrap());
    let create = |n: usize| {
        let store = Arc::clone(&store);
        async move { store.create_device(&caller(n), new_device("d", None), None).await }
    };
    let created = concurrently(CALLERS, create).await;
    let winner = created.iter().position(Result::is_ok).unwrap();
    let device = assert_one_winner(created, |error| matches!(error, StoreError::DeviceIdTaken));
    let mut expected = vec![(caller(winner), AuditEvent::create_device(&device))];
    assert_eq!(events(&store).await, expected);
    let delete = |n: usize| {
        let store = Arc::clone(&store);
        async move { store.delete_device(&caller(n), Visibility::All, device.key, None).await }
    };
    let deleted = concurrently(CALLERS, delete).await;
    let winner = deleted.iter().position(Result::is_ok).unwrap();
    assert_one_winner(deleted, |error| matches!(error, StoreError::DeviceMissing));
    expected.extend(AuditEvent::delete_device(&device, &[]).into_iter().map(|event| (caller(winner), event)));
    assert_eq!(events(&store).await, expected);
}

/// A device is deleted while its token is revoked. The end of the token had two entries.
pub async fn the_end_of_a_token_has_one_entry_under_races(store: Opened) {
    for n in 0..20 {
        let device = store.create_device(&author(1), new_device("d", None), None).await.unwrap();
        let new = new_token(Identity::Device(device.key), n);
        let token = store.create_token(&author(1), Visibility::All, new).await.unwrap().id;
        let before = all(&store).await.len();
        concurrently(2, |caller| {
            let store = Arc::clone(&store);
            async move {
                match caller {
                    0 => store.delete_device(&author(2), Visibility::All, device.key, None).await.unwrap(),
                    _ => match store.delete_token(&author(3), Visibility::All, token).await {
                        Ok(()) | Err(StoreError::TokenMissing) => {}
                        Err(error) => panic!("{error:?}"),
                    },
                }
            }
        })
        .await;
        let entries = &events(&store).await[before..];
        let ends = entries.iter().filter(|(_, event)| event.action == AuditAction::DeleteToken);
        assert_eq!(ends.count(), 1, "{entries:?}");
    }
}
