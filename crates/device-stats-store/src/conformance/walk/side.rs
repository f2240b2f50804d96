//! One of the two stores of a walk: makes a step and formats the answer with translated ids.

use device_stats_domain::{
    AuditEntry, AuditEvent, AuditFilter, AuditId, AuditOrder, Author, Device, DeviceChange, DeviceFilter,
    DeviceKey, IdempotencyKey, NewDevice, NewReading, NewUser, Reading, ReadingId, ReadingTime, User,
    UserChange, UserId, Window,
};
use device_stats_segment::Row;

use crate::conformance::oracle::Oracle;
use crate::conformance::samples::{Opened, at, device_id, device_name, email, interval, username, values};
use crate::conformance::steps::{Draft, Slot, Step};
use crate::{CutSegment, KeyedOutcome, KeyedReadings, Receipt, SegmentId, StoreError, Subject, Visibility};

/// Id of a user or device that does not exist.
const NOBODY: i64 = 1 << 40;
/// Maximum number of devices that a walk draws.
pub(super) const DEVICES_MAX: usize = 7;

/// A store, and the ids that it gave to the users, devices and segments of the walk.
pub(super) struct Side {
    pub(super) store: Opened,
    users: Vec<UserId>,
    devices: Vec<DeviceKey>,
    /// All segments that the walk made, also deleted ones, with their rows.
    pub(super) segments: Vec<(DeviceKey, SegmentId, Vec<Row>)>,
    /// Hot readings that earlier steps have read to seal them.
    pub(super) reads: Vec<(DeviceKey, Vec<Row>)>,
    /// The windows that earlier steps have deleted, with the segments that these cut.
    pub(super) cuts: Vec<(DeviceKey, Window, Vec<CutSegment>)>,
    /// Prefix of the keys of this walk.
    name: i64,
    /// Time of the last keyed request, in microseconds since 1970 UTC.
    now_us: i64,
}

impl Side {
    /// Creates a side of the walk that has this name.
    pub(super) fn new(store: Opened, name: i64) -> Self {
        Self {
            store,
            users: Vec::new(),
            devices: Vec::new(),
            segments: Vec::new(),
            reads: Vec::new(),
            cuts: Vec::new(),
            name,
            now_us: 0,
        }
    }

    /// Makes a step, and formats the answer with translated ids.
    pub(super) async fn answer(&mut self, step: &Step, next_reading: i64) -> String {
        let answer = match step {
            Step::Append(drafts) => self.append(drafts, next_reading).await,
            Step::AppendKeyed { key, payload, later, drafts } => {
                self.now_us += later;
                let key = format!("{} {key}", self.name);
                self.append_keyed(&key, *payload, drafts, next_reading).await
            }
            step => match self.user_step(step).await {
                Some(answer) => answer,
                None => match self.device_step(step).await {
                    Some(answer) => answer,
                    None => match self.arrival_step(step).await {
                        Some(answer) => answer,
                        None => match self.segment_step(step, next_reading).await {
                            Some(answer) => answer,
                            None => self.reading_step(step).await,
                        },
                    },
                },
            },
        };
        match answer {
            Ok(answer) => answer,
            Err(StoreError::Broken(_)) => "Broken".to_owned(),
            Err(error) => format!("{error:?}"),
        }
    }

    async fn user_step(&mut self, step: &Step) -> Option<Result<String, StoreError>> {
        let store = &self.store;
        let name = |n: u8| username(&format!("user{n}"));
        let address = |n: u8| email(&format!("user{n}"));
        let users =
            |all: Vec<User>| format!("{:?}", all.into_iter().map(|one| self.user(one)).collect::<Vec<_>>());
        Some(match *step {
            Step::CreateUser { name: n, email: e } => {
                let created = store
                    .create_user(&Author::SERVICE, NewUser { username: name(n), email: address(e) })
                    .await;
                created.map(|created| {
                    self.users.push(created.id);
                    format!("{:?}", self.user(created))
                })
            }
            Step::UpdateUser { user, name: n, email: e } => {
                let change = UserChange { username: n.map(name), email: e.map(address) };
                store
                    .update_user(&Author::SERVICE, Visibility::All, self.user_id(user), None, change)
                    .await
                    .map(|user| users(vec![user]))
            }
            Step::FindUser(user) => {
                let found = store.find_user(Visibility::All, self.user_id(user)).await;
                found.map(|found| users(found.into_iter().collect()))
            }
            Step::DeleteUser(user) => store
                .delete_user(&Author::SERVICE, Visibility::All, self.user_id(user), None)
                .await
                .map(|()| "deleted".to_owned()),
            Step::ListUsers(page) => store.list_users(Visibility::All, page).await.map(users),
            Step::ListUsersAfter(after, ref filter, limit) => {
                store.list_users_after(Visibility::All, self.user_id(after), filter, limit).await.map(users)
            }
            _ => return None,
        })
    }

    async fn device_step(&mut self, step: &Step) -> Option<Result<String, StoreError>> {
        let store = &self.store;
        let id = |n: u8| device_id(&format!("device{n}"));
        let name = |n: u8| device_name(&format!("name{n}"));
        let expected = |n: u8| interval(i64::from(n) + 1);
        let devices = |all: Vec<Device>| {
            format!("{:?}", all.into_iter().map(|one| self.device(one)).collect::<Vec<_>>())
        };
        Some(match step {
            Step::CreateDevice { id: n, name: called, owner, interval: us } => {
                let new = NewDevice {
                    device_id: id(*n),
                    name: called.map(name),
                    user_id: owner.map(|owner| self.user_id(owner)),
                    expected_interval: us.map(expected),
                };
                store.create_device(&Author::SERVICE, new, None).await.map(|created| {
                    self.devices.push(created.key);
                    format!("{:?}", self.device(created))
                })
            }
            Step::UpdateDevice { device, name: called, owner, interval: us } => {
                let change = DeviceChange {
                    name: called.map(|called| called.map(name)),
                    user_id: owner.map(|owner| owner.map(|owner| self.user_id(owner))),
                    expected_interval: us.map(|us| us.map(expected)),
                };
                store
                    .update_device(&Author::SERVICE, Visibility::All, self.key(*device), None, change)
                    .await
                    .map(|device| devices(vec![device]))
            }
            Step::DeleteDevice(device) => store
                .delete_device(&Author::SERVICE, Visibility::All, self.key(*device), None)
                .await
                .map(|()| "deleted".to_owned()),
            Step::FindDevices(ids) => {
                let ids: Vec<_> = ids.iter().copied().map(id).collect();
                let found = store.find_devices(Visibility::All, &ids).await;
                found.map(|found| {
                    let found: Vec<_> =
                        found.into_iter().map(|one| one.map(|one| self.device(one))).collect();
                    format!("{found:?}")
                })
            }
            Step::ListDevices(page) => store.list_devices(Visibility::All, *page).await.map(devices),
            Step::ListDevicesAfter(after, owner, filter, limit) => {
                let user_id = owner.map(|owner| self.user_id(owner));
                let filter = DeviceFilter { user_id, ..filter.clone() };
                store
                    .list_devices_after(Visibility::All, self.key(*after), &filter, *limit)
                    .await
                    .map(devices)
            }
            // A store may purge at any time, so the answers differ.
            Step::Purge(readings) => {
                let purged = match store.find_deleted_device(DeviceKey(0)).await {
                    Ok(Some(device)) => store.purge_slice(device, *readings).await.map(drop),
                    found => found.map(drop),
                };
                purged.map(|()| "purged".to_owned())
            }
            Step::ListUserDevices(user) => store.list_user_devices(self.user_id(*user)).await.map(devices),
            _ => return None,
        })
    }

    async fn arrival_step(&self, step: &Step) -> Option<Result<String, StoreError>> {
        Some(match step {
            Step::MergeArrivals(arrivals) => {
                let arrivals: Vec<_> =
                    arrivals.iter().map(|(device, new)| (self.key(*device), *new)).collect();
                self.store.merge_arrivals(&arrivals).await.map(|()| "merged".to_owned())
            }
            Step::FindArrivals(devices) => {
                let devices: Vec<_> = devices.iter().map(|device| self.key(*device)).collect();
                self.store.find_arrivals(&devices).await.map(|found| format!("{found:?}"))
            }
            _ => return None,
        })
    }

    async fn append(&self, drafts: &[Draft], next_reading: i64) -> Result<String, StoreError> {
        let readings = self.readings(drafts, next_reading);
        self.store.append(&readings).await.map(|outcome| format!("{outcome:?}"))
    }

    async fn append_keyed(
        &self,
        key: &str,
        payload: u8,
        drafts: &[Draft],
        next_reading: i64,
    ) -> Result<String, StoreError> {
        let request = KeyedReadings {
            key: IdempotencyKey::new(key).unwrap(),
            fingerprint: [payload; 32],
            kept_until: at(self.now_us + 5),
            readings: self.readings(drafts, next_reading).into(),
        };
        let mut outcomes = self.store.append_keyed(&[request], at(self.now_us)).await?;
        for outcome in &mut outcomes {
            if let KeyedOutcome::Repeated(Receipt { first: Some(first), .. }) = outcome {
                first.device = self.slot(first.device);
            }
        }
        Ok(format!("{outcomes:?}"))
    }

    fn readings(&self, drafts: &[Draft], next_reading: i64) -> Vec<NewReading> {
        (next_reading..).zip(drafts).map(|(id, draft)| self.reading(id, draft)).collect()
    }

    async fn reading_step(&self, step: &Step) -> Result<String, StoreError> {
        let store = &self.store;
        let readings = |all: Vec<Reading>| {
            let translated = all.into_iter().map(|one| Reading { device: self.slot(one.device), ..one });
            format!("{:?}", translated.collect::<Vec<_>>())
        };
        let keys = |slots: &[Slot]| slots.iter().map(|slot| self.key(*slot)).collect();
        match *step {
            Step::SnapshotOfDevices(ref devices, window) => {
                self.snapshot(Subject::Devices(keys(devices)), window).await
            }
            Step::FindReading(device, us) => {
                let found = store.find_reading(self.key(device), at(us)).await;
                found.map(|found| readings(found.into_iter().collect()))
            }
            Step::ListReadings(device, window, page) => {
                store.list_readings(self.key(device), window, page).await.map(readings)
            }
            Step::SnapshotOfDevice(device, window) => {
                self.snapshot(Subject::Device(self.key(device)), window).await
            }
            Step::SnapshotOfUser(user, window) => {
                self.snapshot(Subject::User(self.user_id(user)), window).await
            }
            _ => unreachable!("a step of users, devices, segments or appending"),
        }
    }

    async fn snapshot(&self, subject: Subject, window: Window) -> Result<String, StoreError> {
        let all = self.store.read_snapshot(subject, window).await?;
        let translated = all.into_iter().map(|(device, rows)| (self.device(device), rows));
        Ok(format!("{:?}", translated.collect::<Vec<_>>()))
    }

    fn user_id(&self, slot: Slot) -> UserId {
        self.users.get(slot).copied().unwrap_or(UserId(NOBODY))
    }

    pub(super) fn key(&self, slot: Slot) -> DeviceKey {
        self.devices.get(slot).copied().unwrap_or(DeviceKey(NOBODY))
    }

    fn reading(&self, id: i64, draft: &Draft) -> NewReading {
        let time = at(draft.us);
        let time = if draft.is_server_timed { ReadingTime::Picked(time) } else { ReadingTime::Given(time) };
        let values = values(draft.x, -draft.x, draft.x / 3.0);
        NewReading { device: self.key(draft.device), id: ReadingId(id), time, values }
    }

    fn owner(&self, id: UserId) -> UserId {
        UserId(position(&self.users, &id))
    }

    pub(super) fn slot(&self, key: DeviceKey) -> DeviceKey {
        DeviceKey(position(&self.devices, &key))
    }

    /// Returns the entries of the audit log after an id.
    pub(super) async fn audit(&self, after: Option<AuditId>) -> String {
        let all = AuditFilter::default();
        let entries = self.store.list_audit(AuditOrder::OldestFirst, after, &all, 1_000).await.unwrap();
        let translated = entries.into_iter().map(|AuditEntry { event, .. }| {
            let AuditEvent { action, mut object, mut details } = event;
            object.user = object.user.map(|user| self.owner(user));
            object.device = object.device.map(|device| self.slot(device));
            details.owner = details.owner.map(|owner| owner.map(|owner| self.owner(UserId(owner)).0));
            format!("{action:?} {object:?} {details:?}")
        });
        translated.collect::<Vec<_>>().join("\n")
    }

    fn user(&self, user: User) -> User {
        User { id: self.owner(user.id), created_at: None, ..user }
    }

    fn device(&self, device: Device) -> Device {
        let user_id = device.user_id.map(|id| self.owner(id));
        Device { key: self.slot(device.key), user_id, created_at: None, ..device }
    }
}

pub(super) fn position<T: PartialEq>(ids: &[T], id: &T) -> i64 {
    ids.iter().position(|other| other == id).map_or(-1, |n| i64::try_from(n).unwrap())
}
