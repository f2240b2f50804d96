//! The plain lists of readings with which the service is compared.

use std::collections::BTreeMap;

use device_stats_domain::DeviceKey;

use super::step::{SLOTS, Subject, USERS};
use crate::oracle::{Period, Timed};
use crate::server::Api;

/// A reading.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held {
    /// The id; `None` until a response shows it.
    pub(crate) id: Option<i64>,
    pub(crate) numbers: [f64; 3],
}

/// A device and its readings.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) device_id: String,
    pub(crate) key: DeviceKey,
    /// The readings by time, in microseconds since 1970 UTC.
    pub(crate) readings: BTreeMap<i64, Held>,
}

/// The devices of a walk and their owners.
#[derive(Debug)]
pub(crate) struct Devices {
    /// Number of the walk. Each walk over a database has its own devices and users.
    walk: u32,
    pub(crate) users: Vec<i64>,
    pub(crate) slots: Vec<Slot>,
}

/// Returns the owner of a device.
fn owner(slot: usize) -> Option<usize> {
    (slot + 1 < SLOTS).then_some(slot % USERS)
}

impl Slot {
    /// Adds a reading unless its time is taken. Returns whether it was added.
    pub(crate) fn add(&mut self, time_us: i64, id: Option<i64>, numbers: [f64; 3]) -> bool {
        let is_new = !self.readings.contains_key(&time_us);
        self.readings.entry(time_us).or_insert(Held { id, numbers });
        is_new
    }
}

impl Devices {
    /// Registers users and devices.
    pub(crate) async fn register(api: Api, walk: u32) -> Self {
        let mut devices = Self { walk, users: Vec::new(), slots: Vec::new() };
        for user in 0..USERS {
            devices.users.push(api.user(&format!("u{walk}-{user}")).await);
        }
        for slot in 0..SLOTS {
            let registered = devices.register_device(api, slot).await;
            devices.slots.push(registered);
        }
        devices
    }

    async fn register_device(&self, api: Api, slot: usize) -> Slot {
        let device_id = format!("d{}-{slot}", self.walk);
        let user_id = owner(slot).map(|user| self.users[user]);
        let key = api.owned_device(&device_id, user_id).await;
        Slot { device_id, key, readings: BTreeMap::new() }
    }

    /// Deletes a device and registers it again.
    pub(crate) async fn delete_device(&mut self, api: Api, slot: usize) {
        let response = api.delete(&format!("/api/v1/devices/{}", self.slots[slot].device_id)).await;
        assert_eq!(response.status, 204, "{response:?}");
        self.slots[slot] = self.register_device(api, slot).await;
    }

    /// Deletes a user and registers it and its devices again.
    pub(crate) async fn delete_user(&mut self, api: Api, user: usize) {
        let response = api.delete(&format!("/api/v1/users/{}", self.users[user])).await;
        assert_eq!(response.status, 204, "{response:?}");
        self.users[user] = api.user(&format!("u{}-{user}", self.walk)).await;
        for slot in (0..SLOTS).filter(|slot| owner(*slot) == Some(user)) {
            self.slots[slot] = self.register_device(api, slot).await;
        }
    }

    /// Returns the path of a subject.
    pub(crate) fn path(&self, subject: Subject) -> String {
        match subject {
            Subject::Slot(slot) => format!("/api/v1/stats/devices/{}", self.slots[slot].device_id),
            Subject::User(user) => format!("/api/v1/stats/users/{}", self.users[user]),
        }
    }

    /// Returns the devices of a subject, in the order of registration.
    pub(crate) fn slots(&self, subject: Subject) -> Vec<&Slot> {
        let is_included = |slot: usize| match subject {
            Subject::Slot(only) => slot == only,
            Subject::User(user) => owner(slot) == Some(user),
        };
        let included = (0..).zip(&self.slots).filter(|(slot, _)| is_included(*slot));
        let mut slots: Vec<&Slot> = included.map(|(_, slot)| slot).collect();
        slots.sort_by_key(|slot| slot.key);
        slots
    }

    /// Returns the readings of a subject in a period, in order of time.
    pub(crate) fn readings(&self, subject: Subject, period: Period) -> Vec<Timed> {
        let mut all: Vec<Timed> =
            self.slots(subject).into_iter().flat_map(|slot| inside(slot, period)).collect();
        all.sort_by_key(|(time, _)| *time);
        all
    }
}

/// Returns the readings of a device in a period, in order of time.
pub(crate) fn inside(slot: &Slot, period: Period) -> Vec<Timed> {
    let inside = slot.readings.iter().filter(|(time, _)| period.contains(**time));
    inside.map(|(time, held)| (*time, held.numbers)).collect()
}
