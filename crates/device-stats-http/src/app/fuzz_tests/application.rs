//! The applications that get the random requests: open, or with tokens and rates.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use device_stats_domain::{
    Author, DeviceChange, DeviceId, DeviceKey, Email, Identity, ListPage, NewDevice, NewToken, NewUser,
    Scope, Timestamp, TokenId, UserId, Username,
};
use device_stats_service::{AuthMode, RateClock, RateSettings, Service, ServiceSettings};
use device_stats_store::{AccountStore, Model, Store, TokenStore, Visibility};
use fastrand::Rng;

use super::credentials::{Credentials, random_session, random_token};
use crate::app::app;
use crate::browsers::BrowserAccess;
use crate::dashboard::Dashboard;

/// Rates that some clients exceed while the clock of the rates stands still.
const RATES: RateSettings = RateSettings {
    device_requests_per_second: 1,
    user_requests_per_second: 1,
    readings_per_second: 1,
    address_requests_per_second: 1,
    failed_sign_ins_per_minute: 5,
};
/// Step of the clock of the rates, in seconds. After it, the quotas of requests are full again.
const CLOCK_STEP: u64 = 30;

/// An application with an empty store.
pub(super) struct Application {
    pub(super) auth: AuthMode,
    pub(super) router: Router,
    pub(super) credentials: Credentials,
    store: Arc<Model>,
    /// The clock of the rates, in seconds.
    seconds: Arc<AtomicU64>,
}

impl Application {
    /// Creates an application. An open one has no rates.
    pub(super) fn new(auth: AuthMode, rng: &mut Rng) -> Self {
        let rates = match auth {
            AuthMode::Open => RateSettings::NONE,
            AuthMode::Token => RATES,
        };
        let seconds = Arc::<AtomicU64>::default();
        let shown = Arc::clone(&seconds);
        let clock = RateClock::new(move || Duration::from_secs(shown.load(Ordering::Relaxed)));
        let store = Arc::<Model>::default();
        let settings = ServiceSettings { auth, rates, ..ServiceSettings::default() };
        let service =
            Service::with_rate_clock(Arc::clone(&store) as Arc<dyn Store>, settings, &clock).unwrap();
        let router = app(service, &BrowserAccess::default(), &Dashboard::default());
        Self { auth, router, credentials: Credentials::unknown(rng), store, seconds }
    }

    /// Moves the clock of the rates now and then.
    pub(super) fn let_time_pass(&self, rng: &mut Rng) {
        if rng.u8(..15) == 0 {
            self.seconds.fetch_add(CLOCK_STEP, Ordering::Relaxed);
        }
    }

    /// Puts a user and its device into the store if requests have deleted them. Unless the application is
    /// open, also puts a token of each kind of holder into it, and begins a session.
    pub(super) async fn restore_objects(&mut self, rng: &mut Rng) {
        let user = self.user().await;
        let device = self.device(user).await;
        if self.auth == AuthMode::Open {
            return;
        }
        // The number of tokens of a holder is limited.
        for token in self.store.list_tokens(Visibility::All, TokenId(0), u32::MAX).await.unwrap() {
            self.store.delete_token(&Author::SERVICE, Visibility::All, token.id).await.unwrap();
        }
        let (mut tokens, mut ids) = (Vec::new(), Vec::new());
        for (holder, scopes) in [
            (Identity::User(user), &[Scope::Ingest, Scope::Read, Scope::Manage][..]),
            (Identity::Device(device), &[Scope::Ingest, Scope::Read]),
            (Identity::Administrator, &Scope::ALL),
        ] {
            let token = random_token(rng, holder.token_kind());
            let new = NewToken {
                hash: token.hash(),
                prefix: token.prefix(),
                holder,
                scopes: scopes.iter().copied().collect(),
                name: None,
                created_at: Timestamp::from_micros(1).unwrap(),
                expires_at: None,
            };
            ids.push(self.store.create_token(&Author::SERVICE, Visibility::All, new).await.unwrap().id);
            tokens.push(token);
        }
        let session = random_session(rng);
        let now = Timestamp::from_duration(SystemTime::now().duration_since(UNIX_EPOCH).unwrap());
        let hash = session.hash();
        self.store.create_session(&Author::SERVICE, &hash, ids[0], now, Timestamp::MIN).await.unwrap();
        self.credentials = Credentials::new(&tokens, &session);
    }

    /// Returns the first user. Creates one if there is none.
    async fn user(&self) -> UserId {
        let users = self.store.list_users(Visibility::All, ListPage::FIRST).await.unwrap();
        if let Some(user) = users.first() {
            return user.id;
        }
        let email = Email::parse("first@example.com").unwrap();
        let user = NewUser { username: Username::new("first").unwrap(), email };
        self.store.create_user(&Author::SERVICE, user).await.unwrap().id
    }

    /// Returns the device `d0`, after giving it to an owner. Creates the device if it is missing.
    async fn device(&self, owner: UserId) -> DeviceKey {
        let device_id = DeviceId::new("d0").unwrap();
        let found = self.store.find_devices(Visibility::All, std::slice::from_ref(&device_id)).await.unwrap();
        let Some(device) = found.into_iter().flatten().next() else {
            let device = NewDevice { user_id: Some(owner), ..NewDevice::new(device_id) };
            return self.store.create_device(&Author::SERVICE, device, None).await.unwrap().key;
        };
        let change = DeviceChange { user_id: Some(Some(owner)), ..DeviceChange::default() };
        let key = device.key;
        self.store.update_device(&Author::SERVICE, Visibility::All, key, None, change).await.unwrap().key
    }
}
