//! The callers, and the users, devices and tokens of a test.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use device_stats_domain::{
    Author, Axes, DeviceId, DeviceKey, Email, Finite, Identity, ListPage, NewDevice, NewReading, NewToken,
    NewUser, ReadingId, ReadingTime, Scope, Timestamp, Token, TokenId, UserId, Username, Window,
};
use device_stats_store::conformance::oracle::Oracle;
use device_stats_store::{Store, Visibility};

use super::Object;

/// The party that a caller is, as the owner of the own objects sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Party {
    Administrator,
    Owner,
    OtherUser,
    /// The own device.
    Device,
    /// Another device of the owner.
    OtherDevice,
}

/// A caller.
pub(super) struct Caller {
    pub(super) name: &'static str,
    /// `None` for a caller without a valid token.
    pub(super) party: Option<(Party, &'static [Scope])>,
}

impl Caller {
    pub(super) fn is_administrator(&self) -> bool {
        matches!(self.party, Some((Party::Administrator, _)))
    }

    pub(super) fn is_owner_or_its_device(&self) -> bool {
        matches!(self.party, Some((Party::Owner | Party::Device | Party::OtherDevice, _)))
    }
}

const USER: &[Scope] = &[Scope::Ingest, Scope::Read, Scope::Manage];

const fn caller(name: &'static str, party: Party, scopes: &'static [Scope]) -> Caller {
    Caller { name, party: Some((party, scopes)) }
}

const fn nobody(name: &'static str) -> Caller {
    Caller { name, party: None }
}

pub(super) const CALLERS: [Caller; 18] = [
    nobody("none"),
    nobody("malformed"),
    nobody("expired"),
    nobody("revoked"),
    caller("other_device", Party::OtherDevice, &[Scope::Ingest, Scope::Read]),
    caller("device", Party::Device, &[Scope::Ingest, Scope::Read]),
    caller("other_user", Party::OtherUser, USER),
    caller("owner", Party::Owner, USER),
    caller("administrator", Party::Administrator, &Scope::ALL),
    caller("device:ingest", Party::Device, &[Scope::Ingest]),
    caller("device:read", Party::Device, &[Scope::Read]),
    caller("owner:ingest", Party::Owner, &[Scope::Ingest]),
    caller("owner:read", Party::Owner, &[Scope::Read]),
    caller("owner:manage", Party::Owner, &[Scope::Manage]),
    caller("admin:ingest", Party::Administrator, &[Scope::Ingest]),
    caller("admin:read", Party::Administrator, &[Scope::Read]),
    caller("admin:manage", Party::Administrator, &[Scope::Manage]),
    caller("admin:admin", Party::Administrator, &[Scope::Admin]),
];

/// An id that no user and no token has.
const UNUSED: i64 = 1_000_000_000;

/// Two users with devices, a third one, and a token of each caller.
pub(super) struct Fleet {
    number: u32,
    owner: UserId,
    foreign: UserId,
    devices: [(String, DeviceKey); 2],
    /// Tokens to revoke: of the own device and of the foreign one.
    revocable: [TokenId; 2],
    credentials: Vec<Option<String>>,
}

impl Fleet {
    /// Creates the users, devices and tokens under new names. Each device has a reading of 9 o'clock.
    pub(super) async fn create(store: &Arc<dyn Store>) -> Self {
        static FLEETS: AtomicU32 = AtomicU32::new(0);
        let number = FLEETS.fetch_add(1, Ordering::Relaxed);
        delete_administrators(store).await;
        let user = async |name: &str| {
            let username = Username::new(format!("{name}-{number}")).unwrap();
            let email = Email::parse(&format!("{name}-{number}@example.com")).unwrap();
            store.create_user(&Author::SERVICE, NewUser { username, email }).await.unwrap().id
        };
        let (owner, other, foreign) = (user("owner").await, user("other").await, user("foreign").await);
        let device = async |name: &str, owner| {
            let device_id = DeviceId::new(format!("{name}-{number}")).unwrap();
            let new = NewDevice { user_id: Some(owner), ..NewDevice::new(device_id) };
            let device = store.create_device(&Author::SERVICE, new, None).await.unwrap();
            let number = Finite::new(1.0).unwrap();
            let time = "2026-11-23T09:00:00Z".parse_time();
            let reading = NewReading {
                device: device.key,
                id: ReadingId(store.reserve_reading_ids(1).await.unwrap().start),
                time: ReadingTime::Given(time),
                values: Axes { x: number, y: number, z: number },
            };
            store.append(&[reading]).await.unwrap();
            (device.device_id.as_str().to_owned(), device.key)
        };
        let own_device = device("device", owner).await;
        let sibling = device("sibling", owner).await;
        let foreign_device = device("foreign", foreign).await;
        let parties = |party| match party {
            Party::Administrator => Identity::Administrator,
            Party::Owner => Identity::User(owner),
            Party::OtherUser => Identity::User(other),
            Party::Device => Identity::Device(own_device.1),
            Party::OtherDevice => Identity::Device(sibling.1),
        };
        let mut tokens = Tokens { store, number, count: 0 };
        let mut credentials = Vec::new();
        for Caller { name, party } in &CALLERS {
            credentials.push(match (*name, party) {
                (_, Some((party, scopes))) => Some(tokens.create(parties(*party), scopes, None).await.0),
                ("malformed", None) => Some("dss_u_malformed".to_owned()),
                ("expired", None) => Some(tokens.create(Identity::User(owner), USER, Some(2)).await.0),
                ("revoked", None) => {
                    let (token, id) = tokens.create(Identity::User(owner), USER, None).await;
                    store.delete_token(&Author::SERVICE, Visibility::All, id).await.unwrap();
                    Some(token)
                }
                _ => None,
            });
        }
        let revocable = [
            tokens.create(Identity::Device(own_device.1), &[Scope::Ingest], None).await.1,
            tokens.create(Identity::Device(foreign_device.1), &[Scope::Ingest], None).await.1,
        ];
        Self { number, owner, foreign, devices: [own_device, foreign_device], revocable, credentials }
    }

    /// Returns the credentials of a caller.
    pub(super) fn credentials(&self, caller: &Caller) -> Option<&str> {
        let index = CALLERS.iter().position(|other| other.name == caller.name).unwrap();
        self.credentials[index].as_deref()
    }

    fn names(&self, object: Object) -> (i64, String, i64) {
        let [own, foreign] = &self.devices;
        match object {
            Object::Own => (self.owner.0, own.0.clone(), self.revocable[0].0),
            Object::Foreign => (self.foreign.0, foreign.0.clone(), self.revocable[1].0),
            // As long as the name of the foreign device, because answers repeat it.
            Object::Missing => (UNUSED, format!("missing-{}", self.number), UNUSED),
        }
    }

    /// Fills the places of a request.
    pub(super) fn name_object(&self, text: &str, object: Object) -> String {
        static NAMES: AtomicU32 = AtomicU32::new(0);
        let (user, device, token) = self.names(object);
        let new = format!("new-{}-{}", self.number, NAMES.fetch_add(1, Ordering::Relaxed));
        text.replace("{user}", &user.to_string())
            .replace("{device}", &device)
            .replace("{token}", &token.to_string())
            .replace("{n}", &new)
    }

    /// Replaces the names of an object in an answer.
    pub(super) fn hide_names(&self, text: &str, object: Object) -> String {
        let (user, device, token) = self.names(object);
        let id = if text.contains(&format!("\"{user}\"")) { user } else { token };
        text.replace(&device, "DEVICE").replace(&format!("\"{id}\""), "ID")
    }

    /// Returns whether a text contains the name of a user or device that the owner may not see.
    pub(super) fn names_foreign(&self, text: &str) -> bool {
        ["foreign", "other"].iter().any(|name| text.contains(&format!("{name}-{}", self.number)))
    }

    /// Returns the number of readings of the own and the foreign device, except for the first one of each.
    pub(super) async fn count_readings(&self, store: &Arc<dyn Store>) -> usize {
        let mut count = 0;
        for (_, key) in &self.devices {
            let page = ListPage { skip: 0, limit: 100 };
            count += store.list_readings(*key, Window::ALL, page).await.unwrap().len() - 1;
        }
        count
    }
}

/// Deletes the tokens of earlier administrators, whose number is limited.
async fn delete_administrators(store: &Arc<dyn Store>) {
    for token in store.list_tokens(Visibility::All, TokenId(0), 100_000).await.unwrap() {
        if token.holder.identity() == Identity::Administrator {
            store.delete_token(&Author::SERVICE, Visibility::All, token.id).await.unwrap();
        }
    }
}

struct Tokens<'s> {
    store: &'s Arc<dyn Store>,
    number: u32,
    count: u32,
}

impl Tokens<'_> {
    /// Creates a token, which may have expired at a microsecond.
    async fn create(
        &mut self,
        holder: Identity,
        scopes: &[Scope],
        expires_us: Option<i64>,
    ) -> (String, TokenId) {
        self.count += 1;
        let mut random = [9; 32];
        random[..4].copy_from_slice(&self.number.to_le_bytes());
        random[4..8].copy_from_slice(&self.count.to_le_bytes());
        let token = Token::from_random(holder.token_kind(), &random);
        let new = NewToken {
            hash: token.hash(),
            prefix: token.prefix(),
            holder,
            scopes: scopes.iter().copied().collect(),
            name: None,
            created_at: Timestamp::from_micros(1).unwrap(),
            expires_at: expires_us.map(|us| Timestamp::from_micros(us).unwrap()),
        };
        let id = self.store.create_token(&Author::SERVICE, Visibility::All, new).await.unwrap().id;
        (token.expose().to_owned(), id)
    }
}

trait ParseTime {
    fn parse_time(&self) -> Timestamp;
}

impl ParseTime for str {
    fn parse_time(&self) -> Timestamp {
        device_stats_domain::RequestTime::parse(self).unwrap().try_into().unwrap()
    }
}
