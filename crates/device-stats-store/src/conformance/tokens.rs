//! Cases about access tokens and sessions.

use std::sync::Arc;

use device_stats_domain::{
    Author, Device, DeviceKey, Identity, NewToken, Scope, Scopes, Session, SessionHash, StoredToken, Token,
    TokenHash, TokenHolder, TokenId, TokenName, User, UserId,
};

use super::callers::{CALLERS, concurrently};
use super::samples::{Opened, at, device, owned_device, user};
use crate::limits::{SESSIONS_MAX, TOKENS_MAX};
use crate::{StoreError, Visibility};

/// Returns a token with the secret number `n`, created at microsecond 10.
fn new_token(holder: Identity, n: usize) -> NewToken {
    let mut random = [7; 32];
    random[..8].copy_from_slice(&n.to_le_bytes());
    let token = Token::from_random(holder.token_kind(), &random);
    NewToken {
        hash: token.hash(),
        prefix: token.prefix(),
        holder,
        scopes: Scopes::from_iter([Scope::Read, Scope::Ingest]),
        name: None,
        created_at: at(10),
        expires_at: None,
    }
}

async fn create(store: &Opened, holder: Identity, n: usize) -> StoredToken {
    store.create_token(&Author::SERVICE, Visibility::All, new_token(holder, n)).await.unwrap()
}

async fn list(store: &Opened, visible: Visibility) -> Vec<StoredToken> {
    store.list_tokens(visible, TokenId(0), 100).await.unwrap()
}

fn of_user(user: &User) -> Identity {
    Identity::User(user.id)
}

fn of_device(device: &Device) -> Identity {
    Identity::Device(device.key)
}

pub async fn a_token_is_found_by_its_hash(store: Opened) {
    let (ann, device) = (user(&store, "ann").await, device(&store, "d").await);
    let holder = TokenHolder::Device { key: device.key, device_id: device.device_id.clone() };
    for (n, identity, holder) in [
        (0, Identity::Administrator, TokenHolder::Administrator),
        (1, of_user(&ann), TokenHolder::User(ann.id)),
        (2, of_device(&device), holder),
    ] {
        let mut new = new_token(identity, n);
        if n > 0 {
            new.name = Some(TokenName::new("it's \u{1f6b0} 'new'").unwrap());
            new.expires_at = Some(at(20));
            new.scopes = Scope::ALL.into_iter().collect();
        }
        let created = store.create_token(&Author::SERVICE, Visibility::All, new.clone()).await.unwrap();
        let expected = StoredToken {
            id: created.id,
            prefix: new.prefix,
            holder,
            scopes: new.scopes,
            name: new.name,
            created_at: new.created_at,
            expires_at: new.expires_at,
            last_used_at: None,
        };
        assert_eq!(created, expected);
        assert_eq!(store.find_token(&new.hash).await.unwrap(), Some(expected));
        let mut other = new.hash;
        other.0[31] ^= 1;
        assert_eq!(store.find_token(&other).await.unwrap(), None);
    }
    assert_eq!(store.find_token(&TokenHash([0; 32])).await.unwrap(), None);
}

pub async fn a_second_token_with_the_same_hash_is_refused(store: Opened) {
    let token = create(&store, Identity::Administrator, 1).await;
    refused!(
        store.create_token(&Author::SERVICE, Visibility::All, new_token(Identity::Administrator, 1)),
        Broken
    );
    assert_eq!(list(&store, Visibility::All).await, [token]);
}

pub async fn token_ids_are_never_reused(store: Opened) {
    let mut last = TokenId(0);
    for n in 0..3 {
        let token = create(&store, Identity::Administrator, n).await;
        assert!(token.id > last, "{token:?}");
        last = token.id;
        store.delete_token(&Author::SERVICE, Visibility::All, token.id).await.unwrap();
    }
}

pub async fn tokens_are_listed_by_pages(store: Opened) {
    let ann = user(&store, "ann").await;
    let mut created = Vec::new();
    for n in 0..5 {
        let holder = if n % 2 == 0 { Identity::Administrator } else { of_user(&ann) };
        created.push(create(&store, holder, n).await);
    }
    for limit in 1..=6_u32 {
        let (mut listed, mut after) = (Vec::new(), TokenId(0));
        loop {
            let page = store.list_tokens(Visibility::All, after, limit).await.unwrap();
            assert!(page.len() <= limit as usize);
            let Some(last) = page.last() else { break };
            after = last.id;
            listed.extend(page);
        }
        assert_eq!(listed, created, "{limit}");
    }
    assert_eq!(store.list_tokens(Visibility::All, TokenId(i64::MAX), 1).await.unwrap(), []);
}

pub async fn a_caller_lists_and_deletes_only_tokens_that_it_may_see(store: Opened) {
    let (ann, bob) = (user(&store, "ann").await, user(&store, "bob").await);
    let hers = owned_device(&store, "a", &ann).await;
    let (his, free) = (owned_device(&store, "b", &bob).await, device(&store, "free").await);
    let holders = [
        Identity::Administrator,
        of_user(&ann),
        of_device(&hers),
        of_user(&bob),
        of_device(&his),
        of_device(&free),
    ];
    let mut tokens = Vec::new();
    for (n, holder) in holders.into_iter().enumerate() {
        tokens.push(create(&store, holder, n).await);
    }
    for (visible, own) in [
        (Visibility::User(ann.id), &[1, 2][..]),
        (Visibility::User(bob.id), &[3, 4]),
        (Visibility::Device(hers.key), &[2]),
        (Visibility::Device(free.key), &[5]),
        (Visibility::User(UserId(i64::MAX)), &[]),
        (Visibility::Device(DeviceKey(i64::MAX)), &[]),
        // The tokens of administrators have no user and no device.
        (Visibility::User(UserId(0)), &[]),
        (Visibility::Device(DeviceKey(0)), &[]),
        (Visibility::All, &[0, 1, 2, 3, 4, 5]),
    ] {
        let own_tokens: Vec<_> = own.iter().map(|n| tokens[*n].clone()).collect();
        assert_eq!(list(&store, visible).await, own_tokens, "{visible:?}");
        for (n, token) in tokens.iter().enumerate().filter(|(n, _)| !own.contains(n)) {
            let deleted = store.delete_token(&Author::SERVICE, visible, token.id).await;
            assert!(matches!(deleted, Err(StoreError::TokenMissing)), "{visible:?} {n} {deleted:?}");
        }
    }
    assert_eq!(list(&store, Visibility::All).await, tokens);
    for (visible, own) in
        [(Visibility::User(ann.id), [1, 2]), (Visibility::User(bob.id), [3, 4]), (Visibility::All, [0, 5])]
    {
        for n in own {
            store.delete_token(&Author::SERVICE, visible, tokens[n].id).await.unwrap();
            assert_eq!(store.find_token(&new_token(holders[n], n).hash).await.unwrap(), None);
            refused!(store.delete_token(&Author::SERVICE, visible, tokens[n].id), TokenMissing);
        }
    }
    assert_eq!(list(&store, Visibility::All).await, []);
}

pub async fn a_token_of_a_missing_holder_is_refused(store: Opened) {
    for id in [i64::MIN, 0, 1_000_000, i64::MAX] {
        refused!(
            store.create_token(&Author::SERVICE, Visibility::All, new_token(Identity::User(UserId(id)), 1)),
            UserMissing
        );
        refused!(
            store.create_token(
                &Author::SERVICE,
                Visibility::All,
                new_token(Identity::Device(DeviceKey(id)), 2)
            ),
            DeviceMissing
        );
    }
    assert_eq!(list(&store, Visibility::All).await, []);
}

/// A device can get another owner after its old owner has found it.
pub async fn a_caller_creates_tokens_only_for_holders_that_it_may_see(store: Opened) {
    let (ann, bob) = (user(&store, "ann").await, user(&store, "bob").await);
    let (hers, free) = (owned_device(&store, "a", &ann).await, device(&store, "free").await);
    let holders = [Identity::Administrator, of_user(&ann), of_device(&hers), of_device(&free)];
    for (kind, (visible, own)) in [
        (Visibility::User(ann.id), &[1, 2][..]),
        (Visibility::User(bob.id), &[]),
        (Visibility::Device(hers.key), &[2]),
        (Visibility::Device(DeviceKey(0)), &[]),
        (Visibility::All, &[0, 1, 2, 3]),
    ]
    .into_iter()
    .enumerate()
    {
        for (n, holder) in holders.into_iter().enumerate() {
            let created =
                store.create_token(&Author::SERVICE, visible, new_token(holder, 10 * kind + n)).await;
            match (&created, holder) {
                (Ok(_), _)
                | (Err(StoreError::DeviceMissing), Identity::Device(_))
                | (Err(StoreError::UserMissing), Identity::Administrator | Identity::User(_)) => {}
                _ => panic!("{visible:?} {holder:?} {created:?}"),
            }
            assert_eq!(created.is_ok(), own.contains(&n), "{visible:?} {holder:?} {created:?}");
        }
    }
}

pub async fn the_tokens_of_a_holder_are_limited(store: Opened) {
    let (ann, device) = (user(&store, "ann").await, device(&store, "d").await);
    let holders = [Identity::Administrator, of_user(&ann), of_device(&device)];
    for (kind, holder) in holders.into_iter().enumerate() {
        let number = |n: u32| kind * 1_000 + n as usize;
        let expiring = NewToken { expires_at: Some(at(20)), ..new_token(holder, number(0)) };
        let expired = store.create_token(&Author::SERVICE, Visibility::All, expiring.clone()).await.unwrap();
        for n in 1..TOKENS_MAX {
            create(&store, holder, number(n)).await;
        }
        let next = NewToken { created_at: at(19), ..new_token(holder, number(TOKENS_MAX)) };
        refused!(store.create_token(&Author::SERVICE, Visibility::All, next.clone()), TooManyTokens);
        assert_eq!(
            store.find_token(&expiring.hash).await.unwrap(),
            Some(expired),
            "a refusal deletes nothing"
        );
        // The first token has expired, so it makes room.
        store
            .create_token(&Author::SERVICE, Visibility::All, NewToken { created_at: at(20), ..next })
            .await
            .unwrap();
        assert_eq!(store.find_token(&expiring.hash).await.unwrap(), None);
        refused!(
            store.create_token(&Author::SERVICE, Visibility::All, new_token(holder, number(TOKENS_MAX + 1))),
            TooManyTokens
        );
    }
    assert_eq!(list(&store, Visibility::All).await.len(), 3 * TOKENS_MAX as usize);
}

pub async fn concurrent_callers_do_not_exceed_the_limit_on_tokens(store: Opened) {
    let (ann, device) = (user(&store, "ann").await, device(&store, "d").await);
    for (kind, holder) in [Identity::Administrator, of_user(&ann), of_device(&device)].into_iter().enumerate()
    {
        for n in 2..TOKENS_MAX {
            create(&store, holder, kind * 1_000 + n as usize).await;
        }
        let answers = concurrently(CALLERS, |n| {
            let (store, token) = (Arc::clone(&store), new_token(holder, kind * 1_000 + 500 + n));
            async move { store.create_token(&Author::SERVICE, Visibility::All, token).await }
        });
        let (created, refused): (Vec<_>, Vec<_>) = answers.await.into_iter().partition(Result::is_ok);
        assert_eq!(created.len(), 2, "{holder:?}");
        assert!(refused.iter().all(|answer| matches!(answer, Err(StoreError::TooManyTokens))), "{refused:?}");
    }
}

pub async fn tokens_are_deleted_with_their_holder(store: Opened) {
    let (ann, bob) = (user(&store, "ann").await, user(&store, "bob").await);
    let hers = owned_device(&store, "a", &ann).await;
    let (his, free) = (owned_device(&store, "b", &bob).await, device(&store, "free").await);
    let administrator = create(&store, Identity::Administrator, 0).await;
    for (n, holder) in [of_user(&ann), of_device(&hers), of_device(&free)].into_iter().enumerate() {
        create(&store, holder, n + 1).await;
    }
    let bobs = create(&store, of_user(&bob), 4).await;
    let bobs_device = create(&store, of_device(&his), 5).await;
    store.delete_user(&Author::SERVICE, Visibility::All, ann.id, None).await.unwrap();
    store.delete_device(&Author::SERVICE, Visibility::All, free.key, None).await.unwrap();
    assert_eq!(list(&store, Visibility::All).await, [administrator.clone(), bobs.clone(), bobs_device]);
    for (n, holder) in [of_user(&ann), of_device(&hers), of_device(&free)].into_iter().enumerate() {
        assert_eq!(store.find_token(&new_token(holder, n + 1).hash).await.unwrap(), None);
    }
    store.delete_device(&Author::SERVICE, Visibility::All, his.key, None).await.unwrap();
    assert_eq!(list(&store, Visibility::All).await, [administrator, bobs]);
}

pub async fn the_latest_use_of_a_token_is_kept(store: Opened) {
    let (first, second) =
        (create(&store, Identity::Administrator, 1).await, create(&store, Identity::Administrator, 2).await);
    let uses = [(second.id, at(30)), (first.id, at(60)), (first.id, at(50)), (TokenId(i64::MAX), at(70))];
    store.note_token_uses(&uses).await.unwrap();
    store.note_token_uses(&[(first.id, at(40))]).await.unwrap();
    store.note_token_uses(&[]).await.unwrap();
    let tokens = list(&store, Visibility::All).await;
    let noted: Vec<_> = tokens.iter().map(|token| token.last_used_at).collect();
    assert_eq!(noted, [Some(at(60)), Some(at(30))]);
}

fn session_hash(n: u8) -> SessionHash {
    SessionHash([n; 32])
}

pub async fn a_session_is_found_with_its_token(store: Opened) {
    let device = device(&store, "d").await;
    let token = create(&store, of_device(&device), 1).await;
    store.create_session(&Author::SERVICE, &session_hash(1), token.id, at(50), at(0)).await.unwrap();
    let expected = Session { token: token.clone(), created_at: at(50), last_used_at: at(50) };
    assert_eq!(store.find_session(&session_hash(1)).await.unwrap(), Some(expected.clone()));
    assert_eq!(store.find_session(&session_hash(2)).await.unwrap(), None);
    let uses = [(session_hash(1), at(70)), (session_hash(2), at(90)), (session_hash(1), at(60))];
    store.note_session_uses(&uses).await.unwrap();
    store.note_session_uses(&[(session_hash(1), at(65))]).await.unwrap();
    let noted = Session { last_used_at: at(70), ..expected };
    assert_eq!(store.find_session(&session_hash(1)).await.unwrap(), Some(noted));
    store.delete_session(&Author::SERVICE, &session_hash(2)).await.unwrap();
    store.delete_session(&Author::SERVICE, &session_hash(1)).await.unwrap();
    assert_eq!(store.find_session(&session_hash(1)).await.unwrap(), None);
    assert_eq!(list(&store, Visibility::All).await, [token]);
}

pub async fn a_session_of_a_missing_token_is_refused(store: Opened) {
    for id in [i64::MIN, 0, i64::MAX] {
        refused!(
            store.create_session(&Author::SERVICE, &session_hash(1), TokenId(id), at(1), at(0)),
            TokenMissing
        );
    }
    assert_eq!(store.find_session(&session_hash(1)).await.unwrap(), None);
}

pub async fn a_second_session_with_the_same_hash_is_refused(store: Opened) {
    let tokens =
        [create(&store, Identity::Administrator, 1).await, create(&store, Identity::Administrator, 2).await];
    store.create_session(&Author::SERVICE, &session_hash(1), tokens[0].id, at(1), at(0)).await.unwrap();
    refused!(store.create_session(&Author::SERVICE, &session_hash(1), tokens[1].id, at(2), at(0)), Broken);
    assert_eq!(store.find_session(&session_hash(1)).await.unwrap().unwrap().token, tokens[0]);
}

pub async fn old_sessions_make_room_for_new_ones(store: Opened) {
    let (first, second) =
        (create(&store, Identity::Administrator, 1).await, create(&store, Identity::Administrator, 2).await);
    let sessions_max = u8::try_from(SESSIONS_MAX).unwrap();
    store.create_session(&Author::SERVICE, &session_hash(255), second.id, at(0), at(0)).await.unwrap();
    for n in 0..=sessions_max {
        store
            .create_session(&Author::SERVICE, &session_hash(n), first.id, at(i64::from(n) + 10), at(0))
            .await
            .unwrap();
    }
    let exists = async |n: u8| store.find_session(&session_hash(n)).await.unwrap().is_some();
    assert!(!exists(0).await && exists(1).await && exists(sessions_max).await && exists(255).await);
    store.create_session(&Author::SERVICE, &session_hash(254), second.id, at(200), at(12)).await.unwrap();
    assert!(!exists(255).await, "it has ended");
    assert!(!exists(1).await && exists(2).await, "also of other tokens");
}

pub async fn sessions_are_deleted_with_their_token(store: Opened) {
    let ann = user(&store, "ann").await;
    let (hers, other) =
        (create(&store, of_user(&ann), 1).await, create(&store, Identity::Administrator, 2).await);
    let second = create(&store, of_user(&ann), 3).await;
    for (n, token) in [(1, &hers), (2, &other), (3, &second)] {
        store.create_session(&Author::SERVICE, &session_hash(n), token.id, at(1), at(0)).await.unwrap();
    }
    let exists = async |n: u8| store.find_session(&session_hash(n)).await.unwrap().is_some();
    store.delete_token(&Author::SERVICE, Visibility::All, hers.id).await.unwrap();
    assert!(!exists(1).await && exists(2).await && exists(3).await);
    store.delete_user(&Author::SERVICE, Visibility::All, ann.id, None).await.unwrap();
    assert!(exists(2).await && !exists(3).await);
}
