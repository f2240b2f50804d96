//! Tests of access tokens: their creation, their end, and the rights that they give.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use device_stats_domain::{
    Author, Device, DeviceId, Email, Identity, NewDevice, NewUser, Scope, Scopes, SessionSecret, Timestamp,
    Token, TokenId, TokenKind, User, Username,
};
use device_stats_store::{AccountStore, Model, Store, StoreError, TokenStore, Visibility};
use tokio::time::Instant;

use super::*;
use crate::admission::RequestClass;
use crate::client_limit::ClientAddress;
use crate::error::ServiceError;
use crate::limits::{
    LOOKUP_WAIT_MAX, LOOKUPS_PER_ADDRESS_MAX, RIGHTS_CACHED_MAX, SESSION_IDLE_MAX, SESSION_TIME_MAX,
};
use crate::service::{Service, ServiceSettings};
use crate::testing::granted;

/// A service whose clients need tokens, with a user and its device.
pub(super) struct Fleet {
    pub(super) store: Arc<Model>,
    pub(super) service: Service,
    pub(super) user: User,
    pub(super) device: Device,
}

fn service(store: &Arc<Model>) -> Service {
    let settings = ServiceSettings { auth: AuthMode::Token, ..ServiceSettings::default() };
    Service::new(Arc::clone(store) as Arc<dyn Store>, settings).unwrap()
}

impl Fleet {
    pub(super) async fn create() -> Self {
        let store = Arc::new(Model::default());
        let service = service(&store);
        let email = Email::parse("ann@example.com").unwrap();
        let user = store
            .create_user(&Author::SERVICE, NewUser { username: Username::new("ann").unwrap(), email })
            .await
            .unwrap();
        let device_id = DeviceId::new("pump").unwrap();
        let new = NewDevice { user_id: Some(user.id), ..NewDevice::new(device_id) };
        let device = store.create_device(&Author::SERVICE, new, None).await.unwrap();
        Self { store, service, user, device }
    }

    async fn create_token(&self, granted: Granted<Manage>, recipient: TokenRecipient) -> CreatedToken {
        let request = TokenRequest { recipient, scopes: None, name: None, expires_at: None };
        self.service.create_token(granted, request).await.unwrap()
    }

    pub(super) async fn users_token(&self) -> CreatedToken {
        self.create_token(granted(), TokenRecipient::User(self.user.id)).await
    }
}

pub(super) fn client() -> ClientAddress {
    IpAddr::from([10, 0, 0, 1]).into()
}

pub(super) async fn begin_session(service: &Service, token: &Token) -> Result<NewSession, ServiceError> {
    service.begin_session(service.sign_in(token, client()).await?).await
}

pub(super) fn scopes(scopes: &[Scope]) -> Scopes {
    scopes.iter().copied().collect()
}

#[tokio::test]
async fn a_token_gives_the_identity_and_the_scopes_of_its_holder() {
    let fleet = Fleet::create().await;
    let device = TokenRecipient::Device(fleet.device.device_id.clone());
    let users = scopes(&[Scope::Ingest, Scope::Read, Scope::Manage]);
    for (recipient, identity, expected) in [
        (TokenRecipient::Administrator, Identity::Administrator, Scopes::ALL),
        (TokenRecipient::User(fleet.user.id), Identity::User(fleet.user.id), users),
        (device, Identity::Device(fleet.device.key), scopes(&[Scope::Ingest])),
    ] {
        let CreatedToken { token, stored } = fleet.create_token(granted(), recipient).await;
        let principal = fleet.service.sign_in(&token, client()).await.unwrap();
        assert_eq!((principal.identity(), principal.scopes()), (identity, expected));
        assert_eq!(principal.token_id(), Some(stored.id));
        assert_eq!(fleet.service.find_own_token(principal).await.unwrap(), Some(stored));
    }
}

#[tokio::test]
async fn unknown_expired_and_revoked_tokens_are_refused_in_the_same_way() {
    let fleet = Fleet::create().await;
    let refused = async |token: &Token| {
        assert!(matches!(fleet.service.sign_in(token, client()).await, Err(ServiceError::TokenUnknown)));
    };
    refused(&Token::from_random(device_stats_domain::TokenKind::User, &[1; 32])).await;
    let revoked = fleet.users_token().await;
    fleet.service.sign_in(&revoked.token, client()).await.unwrap();
    fleet.service.revoke_token(granted(), revoked.stored.id).await.unwrap();
    refused(&revoked.token).await;
    // Another clock has created this one.
    let token = Token::from_random(device_stats_domain::TokenKind::User, &[2; 32]);
    let expired = device_stats_domain::NewToken {
        hash: token.hash(),
        prefix: token.prefix(),
        holder: Identity::User(fleet.user.id),
        scopes: Scopes::ALL,
        name: None,
        created_at: Timestamp::from_micros(1).unwrap(),
        expires_at: Some(Timestamp::from_micros(2).unwrap()),
    };
    fleet.store.create_token(&Author::SERVICE, Visibility::All, expired).await.unwrap();
    refused(&token).await;
}

#[tokio::test]
async fn a_new_token_has_no_wider_rights_than_its_creator() {
    let fleet = Fleet::create().await;
    let create = async |creator: Identity, own: &[Scope], recipient: TokenRecipient, wanted: &[Scope]| {
        let granted = Principal::new(creator, scopes(own)).grant::<Manage>()?;
        let request = TokenRequest { recipient, scopes: Some(scopes(wanted)), name: None, expires_at: None };
        fleet.service.create_token(granted, request).await.map(|created| created.stored.scopes)
    };
    let (user, administrator) = (Identity::User(fleet.user.id), Identity::Administrator);
    let to_user = || TokenRecipient::User(fleet.user.id);
    let to_device = || TokenRecipient::Device(fleet.device.device_id.clone());
    let all = &Scope::ALL[..];
    let users = &[Scope::Ingest, Scope::Read, Scope::Manage][..];
    assert_eq!(create(user, users, to_device(), &[Scope::Ingest]).await.unwrap(), scopes(&[Scope::Ingest]));
    assert_eq!(create(user, users, to_user(), users).await.unwrap(), scopes(users));
    for (creator, own, recipient, wanted) in [
        (user, &[Scope::Manage][..], to_device(), &[Scope::Ingest][..]),
        (user, &[Scope::Manage, Scope::Read], to_user(), users),
        (user, users, TokenRecipient::Administrator, &[Scope::Read]),
        (administrator, users, TokenRecipient::Administrator, &[Scope::Read]),
        (administrator, &[Scope::Manage], to_user(), &[Scope::Read]),
    ] {
        let answer = create(creator, own, recipient, wanted).await;
        assert!(
            matches!(answer, Err(ServiceError::Forbidden(_))),
            "{creator:?} {own:?} {wanted:?} {answer:?}"
        );
    }
    for (recipient, wanted) in [(to_user(), all), (to_device(), &[Scope::Manage]), (to_device(), all)] {
        let answer = create(administrator, all, recipient, wanted).await;
        assert!(matches!(answer, Err(ServiceError::ScopeUnusable { .. })), "{wanted:?} {answer:?}");
    }
    let stranger = Identity::User(device_stats_domain::UserId(i64::MAX));
    let answer = create(stranger, users, to_device(), &[Scope::Ingest]).await;
    assert!(matches!(answer, Err(ServiceError::Store(StoreError::DeviceMissing))), "{answer:?}");
    let answer = create(stranger, users, to_user(), &[Scope::Ingest]).await;
    assert!(matches!(answer, Err(ServiceError::Store(StoreError::UserMissing))), "{answer:?}");
}

#[tokio::test]
async fn only_an_administrator_revokes_tokens_of_administrators() {
    let fleet = Fleet::create().await;
    let id = fleet.create_token(granted(), TokenRecipient::Administrator).await.stored.id;
    let revoke = async |creator: Identity, own: &[Scope]| {
        let granted = Principal::new(creator, scopes(own)).grant::<Manage>().unwrap();
        fleet.service.revoke_token(granted, id).await
    };
    let answer = revoke(Identity::User(fleet.user.id), &Scope::ALL).await;
    assert!(matches!(answer, Err(ServiceError::Store(StoreError::TokenMissing))), "{answer:?}");
    let answer = revoke(Identity::Administrator, &[Scope::Manage]).await;
    assert!(matches!(answer, Err(ServiceError::Forbidden(_))), "{answer:?}");
    revoke(Identity::Administrator, &Scope::ALL).await.unwrap();
}

/// The other node has its own cache.
#[tokio::test(start_paused = true)]
async fn another_node_refuses_a_revoked_token_in_time() {
    let fleet = Fleet::create().await;
    let other = service(&fleet.store);
    let created = fleet.users_token().await;
    other.sign_in(&created.token, client()).await.unwrap();
    fleet.service.revoke_token(granted(), created.stored.id).await.unwrap();
    tokio::time::advance(RIGHTS_CACHED_MAX.saturating_sub(Duration::from_millis(1))).await;
    other.sign_in(&created.token, client()).await.unwrap();
    tokio::time::advance(Duration::from_millis(1)).await;
    assert!(matches!(other.sign_in(&created.token, client()).await, Err(ServiceError::TokenUnknown)));
}

/// Each node has its own cache, including the one that deletes the user.
#[tokio::test(start_paused = true)]
async fn each_node_refuses_the_tokens_of_a_deleted_user_in_time() {
    let fleet = Fleet::create().await;
    let other = service(&fleet.store);
    let device = TokenRecipient::Device(fleet.device.device_id.clone());
    let tokens = [fleet.users_token().await.token, fleet.create_token(granted(), device).await.token];
    let session = begin_session(&fleet.service, &tokens[0]).await.unwrap();
    for service in [&fleet.service, &other] {
        for token in &tokens {
            service.sign_in(token, client()).await.unwrap();
        }
        service.resume_session(&session.secret, client()).await.unwrap();
    }
    let user = fleet.service.find_user(granted::<Administer>(), fleet.user.id).await.unwrap();
    fleet.service.delete_user(&user, None).await.unwrap();
    tokio::time::advance(RIGHTS_CACHED_MAX).await;
    for service in [&fleet.service, &other] {
        for token in &tokens {
            assert!(matches!(service.sign_in(token, client()).await, Err(ServiceError::TokenUnknown)));
        }
        let resumed = service.resume_session(&session.secret, client()).await;
        assert!(matches!(resumed, Err(ServiceError::SessionUnknown)), "{resumed:?}");
    }
}

#[tokio::test]
async fn the_last_use_of_a_token_is_written_to_the_minute() {
    let fleet = Fleet::create().await;
    let created = fleet.users_token().await;
    let list = async || fleet.store.list_tokens(Visibility::All, TokenId(0), 10).await.unwrap();
    fleet.service.sign_in(&created.token, client()).await.unwrap();
    assert_eq!(list().await[0].last_used_at, None, "requests do not wait for it");
    fleet.service.note_token_uses_in_background().stop().await;
    let used = list().await[0].last_used_at.unwrap();
    assert_eq!(used.micros() % 60_000_000, 0);
    assert!(used <= fleet.service.parts.clock.now());
}

#[tokio::test]
async fn the_token_of_the_operator_replaces_the_earlier_one() {
    let fleet = Fleet::create().await;
    let tokens = [1, 2].map(|n| Token::from_random(device_stats_domain::TokenKind::Administrator, &[n; 32]));
    let kept = fleet.create_token(granted(), TokenRecipient::Administrator).await;
    for token in [&tokens[0], &tokens[0], &tokens[1]] {
        fleet.service.accept_admin_token_file(token).await.unwrap();
    }
    let other = service(&fleet.store);
    assert!(other.sign_in(&tokens[0], client()).await.is_err());
    other.sign_in(&tokens[1], client()).await.unwrap();
    other.sign_in(&kept.token, client()).await.unwrap();
    assert_eq!(fleet.store.list_tokens(Visibility::All, TokenId(0), 10).await.unwrap().len(), 2);
}

/// The times of the sign-in and of the last request are in the store, so that all nodes know them.
#[tokio::test]
async fn a_session_ends_after_its_time_and_when_it_is_idle() {
    let fleet = Fleet::create().await;
    let created = fleet.users_token().await;
    let now = fleet.service.parts.clock.now();
    let begun = |ago: Duration| now.saturating_sub(ago);
    let second = Duration::from_secs(1);
    for (n, age, idle, is_valid) in [
        (1, Duration::ZERO, Duration::ZERO, true),
        (2, SESSION_TIME_MAX.saturating_sub(Duration::from_mins(1)), Duration::ZERO, true),
        (3, SESSION_TIME_MAX + second, Duration::ZERO, false),
        (4, Duration::from_hours(1), SESSION_IDLE_MAX.saturating_sub(Duration::from_mins(1)), true),
        (5, Duration::from_hours(1), SESSION_IDLE_MAX + second, false),
    ] {
        let secret = SessionSecret::from_random(&[n; 32]);
        fleet
            .store
            .create_session(&Author::SERVICE, &secret.hash(), created.stored.id, begun(age), Timestamp::MIN)
            .await
            .unwrap();
        fleet.store.note_session_uses(&[(secret.hash(), begun(idle))]).await.unwrap();
        let resumed = fleet.service.resume_session(&secret, client()).await;
        assert_eq!(resumed.is_ok(), is_valid, "{n} {resumed:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_has_the_rights_of_its_token_and_ends_with_it() {
    let fleet = Fleet::create().await;
    let other = service(&fleet.store);
    let created = fleet.users_token().await;
    let session = begin_session(&fleet.service, &created.token).await.unwrap();
    let principal = other.resume_session(&session.secret, client()).await.unwrap();
    assert_eq!(principal, fleet.service.resume_session(&session.secret, client()).await.unwrap());
    assert_eq!(principal.identity(), Identity::User(fleet.user.id));
    assert_eq!(principal.token_id(), Some(created.stored.id));
    fleet.service.revoke_token(granted(), created.stored.id).await.unwrap();
    let refused = async |service: &Service| {
        matches!(service.resume_session(&session.secret, client()).await, Err(ServiceError::SessionUnknown))
    };
    assert!(refused(&fleet.service).await);
    tokio::time::advance(RIGHTS_CACHED_MAX).await;
    assert!(refused(&other).await);
    assert!(matches!(fleet.service.begin_session(principal).await, Err(ServiceError::TokenUnknown)));
}

#[tokio::test]
async fn an_ended_session_is_refused() {
    let fleet = Fleet::create().await;
    let created = fleet.users_token().await;
    let session = begin_session(&fleet.service, &created.token).await.unwrap();
    fleet.service.resume_session(&session.secret, client()).await.unwrap();
    for _ in 0..2 {
        fleet.service.end_session(&session.secret, Origin::Call).await.unwrap();
        let refused = fleet.service.resume_session(&session.secret, client()).await;
        assert!(matches!(refused, Err(ServiceError::SessionUnknown)));
    }
    fleet.service.sign_in(&created.token, client()).await.unwrap();
}

/// A flood of tokens that do not exist could use all connections to the database.
#[tokio::test(start_paused = true)]
async fn unknown_tokens_take_turns_and_known_ones_do_not_wait() {
    let fleet = Fleet::create().await;
    let (known, new) = (fleet.users_token().await, fleet.users_token().await);
    let service = &fleet.service;
    service.sign_in(&known.token, client()).await.unwrap();
    let mut turns = Vec::new();
    for _ in 0..LOOKUPS_PER_ADDRESS_MAX {
        turns.push(service.parts.lookup_turns.take(client()).await.unwrap());
    }
    let unknown = Token::from_random(TokenKind::User, &[7; 32]);
    let started = Instant::now();
    // A token that was valid before needs no turn, also if it must be looked up again.
    for age in [Duration::ZERO, RIGHTS_CACHED_MAX] {
        tokio::time::advance(age).await;
        service.sign_in(&known.token, client()).await.unwrap();
    }
    assert_eq!(started.elapsed(), RIGHTS_CACHED_MAX);
    let refused = service.sign_in(&unknown, client()).await;
    assert!(matches!(refused, Err(ServiceError::Store(StoreError::Unavailable(_)))), "{refused:?}");
    assert_eq!(started.elapsed(), RIGHTS_CACHED_MAX + LOOKUP_WAIT_MAX);
    // Other addresses have turns of their own, and a valid token gets its turn behind wrong ones.
    let other = IpAddr::from([10, 0, 0, 2]).into();
    assert!(matches!(service.sign_in(&unknown, other).await, Err(ServiceError::TokenUnknown)));
    assert_eq!(started.elapsed(), RIGHTS_CACHED_MAX + LOOKUP_WAIT_MAX);
    let flood = (0..1_000).map(|_| service.sign_in(&unknown, client()));
    let flood = futures_util::future::join_all(flood);
    let (flood, signed_in, ()) =
        tokio::join!(flood, service.sign_in(&new.token, client()), async { drop(turns) });
    assert!(flood.iter().all(|outcome| matches!(outcome, Err(ServiceError::TokenUnknown))));
    signed_in.unwrap();
}

/// An overload of more than a few seconds would have refused the readings of all devices.
#[tokio::test(start_paused = true)]
async fn an_overloaded_service_looks_up_only_tokens_that_it_knows() {
    let fleet = Fleet::create().await;
    let (known, unknown) = (fleet.users_token().await, fleet.users_token().await);
    let overload_wait_max = Some(Duration::from_millis(1));
    let settings = ServiceSettings { auth: AuthMode::Token, overload_wait_max, ..ServiceSettings::default() };
    let service = Service::new(Arc::clone(&fleet.store) as Arc<dyn Store>, settings).unwrap();
    let _load = service.measure_load_in_background();
    service.sign_in(&known.token, client()).await.unwrap();
    // One of the permits is that of the request which signs in.
    let mut permits: Vec<_> = (0..=20).map(|_| service.admit_request(RequestClass::Other)).collect();
    let overload = async |time: Duration| {
        let end = Instant::now() + time;
        while Instant::now() < end {
            tokio::time::advance(Duration::from_millis(100)).await;
            tokio::task::yield_now().await;
            drop(service.admit_request(RequestClass::Other));
        }
    };
    overload(RIGHTS_CACHED_MAX / 2).await;
    assert!(matches!(service.sign_in(&unknown.token, client()).await, Err(ServiceError::Overloaded)));
    service.sign_in(&known.token, client()).await.unwrap();
    overload(RIGHTS_CACHED_MAX * 2).await;
    service.sign_in(&known.token, client()).await.unwrap();
    assert!(matches!(service.sign_in(&unknown.token, client()).await, Err(ServiceError::Overloaded)));
    // A revoked token is still refused in time.
    fleet.service.revoke_token(granted(), known.stored.id).await.unwrap();
    overload(RIGHTS_CACHED_MAX).await;
    assert!(matches!(service.sign_in(&known.token, client()).await, Err(ServiceError::TokenUnknown)));
    permits.pop();
    service.sign_in(&unknown.token, client()).await.unwrap();
}
