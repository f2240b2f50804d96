//! The plain list of readings that the service is compared with.

use std::collections::BTreeMap;

use device_stats_domain::DeviceKey;
use serde_json::json;

use super::step::{Of, SLOTS, USERS};
use crate::served::Api;
use crate::truth::{Period, Timed};

/// A reading.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held {
    /// Not known until the service has said so.
    pub(crate) id: Option<i64>,
    pub(crate) numbers: [f64; 3],
}

/// A device and its readings.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) device_id: String,
    pub(crate) key: DeviceKey,
    /// By their times, in microseconds since 1970 UTC.
    pub(crate) readings: BTreeMap<i64, Held>,
}

/// The devices of a walk and their owners.
#[derive(Debug)]
pub(crate) struct Devices {
    /// The number of the walk; walks of one database have devices and users of their own.
    walk: u32,
    pub(crate) users: Vec<i64>,
    pub(crate) slots: Vec<Slot>,
}

/// The user that a device belongs to.
fn owner(slot: usize) -> Option<usize> {
    (slot + 1 < SLOTS).then_some(slot % USERS)
}

impl Slot {
    /// Adds a reading, unless there is one of that time; whether it did.
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
        let device = json!({"device_id": device_id, "user_id": user_id});
        let answer = api.post("/api/v1/devices", device).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        let key = DeviceKey(answer.json()["id"].as_i64().unwrap());
        Slot { device_id, key, readings: BTreeMap::new() }
    }

    /// Deletes a device and registers it anew.
    pub(crate) async fn delete_device(&mut self, api: Api, slot: usize) {
        let answer = api.delete(&format!("/api/v1/devices/{}", self.slots[slot].device_id)).await;
        assert_eq!(answer.status, 204, "{answer:?}");
        self.slots[slot] = self.register_device(api, slot).await;
    }

    /// Deletes a user and registers it and its devices anew.
    pub(crate) async fn delete_user(&mut self, api: Api, user: usize) {
        let answer = api.delete(&format!("/api/v1/users/{}", self.users[user])).await;
        assert_eq!(answer.status, 204, "{answer:?}");
        self.users[user] = api.user(&format!("u{}-{user}", self.walk)).await;
        for slot in (0..SLOTS).filter(|slot| owner(*slot) == Some(user)) {
            self.slots[slot] = self.register_device(api, slot).await;
        }
    }

    /// Where that is analyzed.
    pub(crate) fn path(&self, of: Of) -> String {
        match of {
            Of::Slot(slot) => format!("/api/v1/stats/devices/{}", self.slots[slot].device_id),
            Of::User(user) => format!("/api/v1/stats/users/{}", self.users[user]),
        }
    }

    /// The devices that are looked at, in the order in which they were registered.
    pub(crate) fn slots_of(&self, of: Of) -> Vec<&Slot> {
        let is_meant = |slot: usize| match of {
            Of::Slot(only) => slot == only,
            Of::User(user) => owner(slot) == Some(user),
        };
        let meant = (0..).zip(&self.slots).filter(|(slot, _)| is_meant(*slot));
        let mut slots: Vec<&Slot> = meant.map(|(_, slot)| slot).collect();
        slots.sort_by_key(|slot| slot.key);
        slots
    }

    /// The readings that are looked at, in order of time.
    pub(crate) fn readings(&self, of: Of, period: Period) -> Vec<Timed> {
        let mut all: Vec<Timed> =
            self.slots_of(of).into_iter().flat_map(|slot| inside(slot, period)).collect();
        all.sort_by_key(|(time, _)| *time);
        all
    }
}

/// The readings of a device in a period, in order of time.
pub(crate) fn inside(slot: &Slot, period: Period) -> Vec<Timed> {
    let inside = slot.readings.iter().filter(|(time, _)| period.contains(**time));
    inside.map(|(time, held)| (*time, held.numbers)).collect()
}
