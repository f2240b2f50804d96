//! The promise of [`Store`] in its plainest form: ordered maps behind one lock. Forgets everything when dropped, so it
//! is durable in name only; it is what stores are compared with.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use device_stats_domain::{
    Device, DeviceChange, DeviceId, DeviceKey, NewDevice, NewReading, NewUser, Page, Reading, ReadingTime,
    Timestamp, User, UserChange, UserId, Window,
};

use crate::{AppendOrder, Appended, DeviceSnapshot, Snapshot, Store, StoreError, Subject};

/// A store in memory.
#[derive(Debug, Default)]
pub struct Model {
    state: Mutex<State>,
}

#[derive(Clone, Debug, Default)]
struct State {
    users: BTreeMap<UserId, User>,
    devices: BTreeMap<DeviceKey, Device>,
    readings: BTreeMap<(DeviceKey, Timestamp), Reading>,
    /// Last given ids; deleting does not take them back.
    last_user: i64,
    last_device: i64,
    last_reading: i64,
}

impl Model {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Whether a user other than `id` has that email address or username.
    fn check_unique(&self, id: Option<UserId>, change: &UserChange) -> Result<(), StoreError> {
        let mut others = self.users.values().filter(|user| Some(user.id) != id);
        if others.clone().any(|user| Some(&user.email) == change.email.as_ref()) {
            Err(StoreError::EmailTaken)
        } else if others.any(|user| Some(&user.username) == change.username.as_ref()) {
            Err(StoreError::UsernameTaken)
        } else {
            Ok(())
        }
    }

    fn check_owner(&self, user: Option<UserId>) -> Result<(), StoreError> {
        match user {
            Some(user) if !self.users.contains_key(&user) => Err(StoreError::UserMissing),
            _ => Ok(()),
        }
    }

    fn delete_device(&mut self, device: DeviceKey) -> Result<(), StoreError> {
        self.devices.remove(&device).ok_or(StoreError::DeviceMissing)?;
        self.readings.retain(|(of, _), _| *of != device);
        Ok(())
    }

    fn append(&mut self, new: &NewReading, time: Timestamp) -> Appended {
        let reading = Reading { device: new.device, id: new.id, time, values: new.values };
        match self.readings.entry((new.device, time)) {
            std::collections::btree_map::Entry::Occupied(_) => Appended::Repeat,
            std::collections::btree_map::Entry::Vacant(place) => {
                place.insert(reading);
                Appended::Stored(time)
            }
        }
    }

    /// The first microsecond from `from` on at which a device has no reading, unless time ends before.
    fn first_free(&self, device: DeviceKey, from: Timestamp) -> Result<Timestamp, StoreError> {
        let mut free = from;
        for (_, taken) in self.readings.range((device, from)..=(device, Timestamp::MAX)).map(|(key, _)| key) {
            if *taken != free {
                break;
            }
            free = after(free)?;
        }
        Ok(free)
    }

    /// Stores readings in the order of a store, and notes what became of each; stops where time ends.
    fn append_all(&mut self, readings: &[NewReading], outcome: &mut [Appended]) -> Result<(), StoreError> {
        let order = AppendOrder::of(readings);
        let mut last: Option<(DeviceKey, Timestamp)> = None;
        for index in order.given.into_iter().chain(order.first_free) {
            let (Some(new), Some(place)) = (readings.get(index), outcome.get_mut(index)) else { continue };
            let time = match (new.time, last) {
                (ReadingTime::Given(time), _) => time,
                (ReadingTime::FirstFree(from), Some((device, last))) if device == new.device => {
                    self.first_free(device, from.max(after(last)?))?
                }
                (ReadingTime::FirstFree(from), _) => self.first_free(new.device, from)?,
            };
            if matches!(new.time, ReadingTime::FirstFree(_)) {
                last = Some((new.device, time));
            }
            *place = self.append(new, time);
        }
        Ok(())
    }

    /// Readings of a device inside a window, oldest first.
    fn readings_of(&self, device: DeviceKey, window: Window) -> impl DoubleEndedIterator<Item = &Reading> {
        self.readings
            .range((device, Timestamp::MIN)..=(device, Timestamp::MAX))
            .map(|(_, reading)| reading)
            .filter(move |reading| window.contains(reading.time))
    }
}

/// The microsecond after `time`, unless time ends there.
fn after(time: Timestamp) -> Result<Timestamp, StoreError> {
    Timestamp::from_micros(time.micros() + 1)
        .map_err(|_| StoreError::Broken("no microsecond is free before the end of time".into()))
}

fn page_of<'a, T: Clone + 'a>(all: impl Iterator<Item = &'a T>, page: Page) -> Vec<T> {
    let skip = usize::try_from(page.skip).unwrap_or(usize::MAX);
    all.skip(skip).take(page.limit as usize).cloned().collect()
}

#[async_trait]
impl Store for Model {
    async fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn create_user(&self, user: NewUser) -> Result<User, StoreError> {
        let mut state = self.state();
        let NewUser { username, email } = user;
        let wanted = UserChange { username: Some(username.clone()), email: Some(email.clone()) };
        state.check_unique(None, &wanted)?;
        state.last_user += 1;
        let user = User { id: UserId(state.last_user), username, email };
        state.users.insert(user.id, user.clone());
        Ok(user)
    }

    async fn find_user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        Ok(self.state().users.get(&id).cloned())
    }

    async fn list_users(&self, page: Page) -> Result<Vec<User>, StoreError> {
        Ok(page_of(self.state().users.values(), page))
    }

    async fn update_user(&self, id: UserId, change: UserChange) -> Result<User, StoreError> {
        let mut state = self.state();
        let mut user = state.users.get(&id).cloned().ok_or(StoreError::UserMissing)?;
        state.check_unique(Some(id), &change)?;
        user.username = change.username.unwrap_or(user.username);
        user.email = change.email.unwrap_or(user.email);
        state.users.insert(id, user.clone());
        Ok(user)
    }

    async fn delete_user(&self, id: UserId) -> Result<(), StoreError> {
        let mut state = self.state();
        state.users.remove(&id).ok_or(StoreError::UserMissing)?;
        let owned =
            state.devices.values().filter(|device| device.user_id == Some(id)).map(|device| device.key);
        let owned: Vec<DeviceKey> = owned.collect();
        owned.into_iter().try_for_each(|device| state.delete_device(device))
    }

    async fn create_device(&self, device: NewDevice) -> Result<Device, StoreError> {
        let mut state = self.state();
        if state.devices.values().any(|other| other.device_id == device.device_id) {
            return Err(StoreError::DeviceIdTaken);
        }
        state.check_owner(device.user_id)?;
        state.last_device += 1;
        let NewDevice { device_id, name, user_id } = device;
        let device = Device { key: DeviceKey(state.last_device), device_id, name, user_id };
        state.devices.insert(device.key, device.clone());
        Ok(device)
    }

    async fn find_devices(&self, device_ids: &[DeviceId]) -> Result<Vec<Option<Device>>, StoreError> {
        let state = self.state();
        let find = |id: &DeviceId| state.devices.values().find(|device| device.device_id == *id).cloned();
        Ok(device_ids.iter().map(find).collect())
    }

    async fn list_devices(&self, page: Page) -> Result<Vec<Device>, StoreError> {
        Ok(page_of(self.state().devices.values(), page))
    }

    async fn list_devices_of(&self, user: UserId) -> Result<Vec<Device>, StoreError> {
        let state = self.state();
        Ok(state.devices.values().filter(|device| device.user_id == Some(user)).cloned().collect())
    }

    async fn update_device(&self, device: DeviceKey, change: DeviceChange) -> Result<Device, StoreError> {
        let mut state = self.state();
        let mut device = state.devices.get(&device).cloned().ok_or(StoreError::DeviceMissing)?;
        state.check_owner(change.user_id.flatten())?;
        device.name = change.name.unwrap_or(device.name);
        device.user_id = change.user_id.unwrap_or(device.user_id);
        state.devices.insert(device.key, device.clone());
        Ok(device)
    }

    async fn delete_device(&self, device: DeviceKey) -> Result<(), StoreError> {
        self.state().delete_device(device)
    }

    async fn reserve_reading_ids(&self, count: u32) -> Result<Range<i64>, StoreError> {
        let mut state = self.state();
        let first = state.last_reading + 1;
        state.last_reading += i64::from(count);
        Ok(first..state.last_reading + 1)
    }

    async fn append(&self, readings: &[NewReading]) -> Result<Vec<Appended>, StoreError> {
        let mut state = self.state();
        if readings.iter().any(|reading| !state.devices.contains_key(&reading.device)) {
            return Err(StoreError::DeviceMissing);
        }
        let mut outcome = vec![Appended::Repeat; readings.len()];
        let done = state.append_all(readings, &mut outcome);
        if done.is_err() {
            for (new, appended) in readings.iter().zip(&outcome) {
                if let Appended::Stored(time) = appended {
                    state.readings.remove(&(new.device, *time));
                }
            }
        }
        done.map(|()| outcome)
    }

    async fn find_reading(&self, device: DeviceKey, time: Timestamp) -> Result<Option<Reading>, StoreError> {
        Ok(self.state().readings.get(&(device, time)).copied())
    }

    async fn list_readings(
        &self,
        device: DeviceKey,
        window: Window,
        page: Page,
    ) -> Result<Vec<Reading>, StoreError> {
        Ok(page_of(self.state().readings_of(device, window).rev(), page))
    }

    async fn snapshot(&self, subject: Subject, window: Window) -> Result<Snapshot, StoreError> {
        let state = self.state();
        let devices: Vec<Device> = match subject {
            Subject::Device(key) => vec![state.devices.get(&key).cloned().ok_or(StoreError::DeviceMissing)?],
            Subject::User(id) if !state.users.contains_key(&id) => return Err(StoreError::UserMissing),
            Subject::User(id) => {
                state.devices.values().filter(|device| device.user_id == Some(id)).cloned().collect()
            }
        };
        let columns = devices.into_iter().map(|device| {
            let mut snapshot = DeviceSnapshot::empty(device);
            for reading in state.readings_of(snapshot.device.key, window) {
                let values = reading.values;
                snapshot.push(values.x.get(), values.y.get(), values.z.get());
            }
            snapshot
        });
        Ok(Snapshot { devices: columns.collect() })
    }
}
