//! Users and devices of the model.

use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use device_stats_domain::{
    AuditEvent, Author, Device, DeviceChange, DeviceFilter, DeviceId, DeviceKey, DeviceName, Identity,
    ListPage, NewDevice, NewUser, Timestamp, TokenHolder, User, UserChange, UserFilter, UserId,
};

use super::state::{Model, State};
use crate::{AccountStore, Purged, StoreError, UserState, Visibility};

#[async_trait]
impl AccountStore for Model {
    async fn create_user(&self, author: &Author, user: NewUser) -> Result<User, StoreError> {
        let mut state = self.state();
        let created = state.create_user(user)?;
        state.note(author, AuditEvent::create_user(&created));
        Ok(created)
    }

    async fn find_user(&self, visible: Visibility, id: UserId) -> Result<Option<User>, StoreError> {
        let visible = self.found(visible);
        Ok(self.state().users.get(&id).filter(|user| visible.includes_user(user)).cloned())
    }

    async fn list_users(&self, visible: Visibility, page: ListPage) -> Result<Vec<User>, StoreError> {
        let visible = self.found(visible);
        let state = self.state();
        Ok(paginate(state.users.values().filter(|user| visible.includes_user(user)), page))
    }

    async fn list_users_after(
        &self,
        visible: Visibility,
        after: UserId,
        filter: &UserFilter,
        limit: u32,
    ) -> Result<Vec<User>, StoreError> {
        let visible = self.found(visible);
        let state = self.state();
        let meets_all = |user: &&User| {
            let UserFilter { username, text } = filter;
            let texts = [user.username.as_str(), user.email.as_str()];
            user.id > after
                && visible.includes_user(user)
                && username.as_ref().is_none_or(|name| user.username == *name)
                && text.as_ref().is_none_or(|text| texts.iter().any(|one| text.is_in(one)))
        };
        Ok(state.users.values().filter(meets_all).take(limit as usize).cloned().collect())
    }

    async fn update_user(
        &self,
        author: &Author,
        visible: Visibility,
        id: UserId,
        expected: Option<&UserState>,
        change: UserChange,
    ) -> Result<User, StoreError> {
        let visible = self.found(visible);
        let mut state = self.state();
        state.check_user(visible, id, expected)?;
        let before = state.users.get(&id).cloned().ok_or(StoreError::UserMissing)?;
        let updated = state.update_user(id, change)?;
        state.note(author, AuditEvent::update_user(&before, &updated));
        Ok(updated)
    }

    async fn delete_user(
        &self,
        author: &Author,
        visible: Visibility,
        id: UserId,
        expected: Option<&UserState>,
    ) -> Result<(), StoreError> {
        let visible = self.found(visible);
        let mut state = self.state();
        state.check_user(visible, id, expected)?;
        state.delete_user(author, id)
    }

    async fn create_device(
        &self,
        author: &Author,
        device: NewDevice,
        owned_max: Option<u32>,
    ) -> Result<Device, StoreError> {
        let mut state = self.state();
        state.check_new_device(&device)?;
        state.check_owned(device.user_id, 1, owned_max)?;
        Ok(state.create_device(author, device))
    }

    async fn create_missing_devices(
        &self,
        author: &Author,
        owner: Option<UserId>,
        device_ids: &[DeviceId],
        owned_max: Option<u32>,
    ) -> Result<(), StoreError> {
        let mut state = self.state();
        let is_known = |id: &DeviceId| state.devices.values().any(|device| device.device_id == *id);
        let missing: BTreeSet<DeviceId> = device_ids.iter().filter(|id| !is_known(id)).cloned().collect();
        if missing.is_empty() {
            return Ok(());
        }
        state.check_owner(owner)?;
        state.check_owned(owner, missing.len(), owned_max)?;
        for device_id in missing {
            state.create_device(author, NewDevice { user_id: owner, ..NewDevice::new(device_id) });
        }
        Ok(())
    }

    async fn find_devices(
        &self,
        visible: Visibility,
        device_ids: &[DeviceId],
    ) -> Result<Vec<Option<Device>>, StoreError> {
        let visible = self.found(visible);
        let state = self.state();
        let is_found =
            |device: &Device, id: &DeviceId| device.device_id == *id && visible.includes_device(device);
        let find = |id: &DeviceId| state.devices.values().find(|device| is_found(device, id)).cloned();
        Ok(device_ids.iter().map(find).collect())
    }

    async fn list_devices(&self, visible: Visibility, page: ListPage) -> Result<Vec<Device>, StoreError> {
        let visible = self.found(visible);
        let state = self.state();
        Ok(paginate(state.devices.values().filter(|device| visible.includes_device(device)), page))
    }

    async fn list_devices_after(
        &self,
        visible: Visibility,
        after: DeviceKey,
        filter: &DeviceFilter,
        limit: u32,
    ) -> Result<Vec<Device>, StoreError> {
        let visible = self.found(visible);
        let state = self.state();
        let meets_all = |device: &&Device| {
            let DeviceFilter { user_id, prefix, text } = filter;
            let name = device.name.as_ref().map(DeviceName::as_str);
            let id = device.device_id.as_str();
            device.key > after
                && visible.includes_device(device)
                && user_id.is_none_or(|owner| device.user_id == Some(owner))
                && prefix.as_ref().is_none_or(|prefix| id.starts_with(prefix.as_str()))
                && text
                    .as_ref()
                    .is_none_or(|text| text.is_in(id) || name.is_some_and(|name| text.is_in(name)))
        };
        Ok(state.devices.values().filter(meets_all).take(limit as usize).cloned().collect())
    }

    async fn list_user_devices(&self, user: UserId) -> Result<Vec<Device>, StoreError> {
        Ok(self.state().devices_of(user))
    }

    async fn update_device(
        &self,
        author: &Author,
        visible: Visibility,
        device: DeviceKey,
        expected: Option<&Device>,
        change: DeviceChange,
    ) -> Result<Device, StoreError> {
        let visible = self.found(visible);
        let mut state = self.state();
        state.check_device(visible, device, expected)?;
        let before = state.devices.get(&device).cloned().ok_or(StoreError::DeviceMissing)?;
        let updated = state.update_device(device, change)?;
        state.note(author, AuditEvent::update_device(&before, &updated));
        Ok(updated)
    }

    async fn delete_device(
        &self,
        author: &Author,
        visible: Visibility,
        device: DeviceKey,
        expected: Option<&Device>,
    ) -> Result<(), StoreError> {
        let visible = self.found(visible);
        let mut state = self.state();
        state.check_device(visible, device, expected)?;
        let tokens = state.visible_tokens(Visibility::Device(device));
        let deleted = state.delete_device(device)?;
        for event in AuditEvent::delete_device(&deleted, &tokens) {
            state.note(author, event);
        }
        Ok(())
    }

    /// A deletion of the model leaves nothing behind.
    async fn find_deleted_device(&self, _after: DeviceKey) -> Result<Option<DeviceKey>, StoreError> {
        Ok(None)
    }

    async fn purge_slice(&self, _device: DeviceKey, _readings_max: u32) -> Result<Purged, StoreError> {
        Ok(Purged::Nothing)
    }
}

fn paginate<'a, T: Clone + 'a>(all: impl Iterator<Item = &'a T>, page: ListPage) -> Vec<T> {
    let skip = usize::try_from(page.skip).unwrap_or(usize::MAX);
    all.skip(skip).take(page.limit as usize).cloned().collect()
}

/// Returns the current time.
pub(super) fn now() -> Timestamp {
    Timestamp::from_duration(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}

impl State {
    /// Returns the devices of a user, by ascending key.
    pub(super) fn devices_of(&self, user: UserId) -> Vec<Device> {
        self.devices.values().filter(|device| device.user_id == Some(user)).cloned().collect()
    }

    fn check_user(
        &self,
        visible: Visibility,
        id: UserId,
        expected: Option<&UserState>,
    ) -> Result<(), StoreError> {
        let user = self.users.get(&id).filter(|user| visible.includes_user(user));
        let user = user.ok_or(StoreError::UserMissing)?;
        let is_met = |expected: &UserState| *user == expected.user && self.devices_of(id) == expected.devices;
        if expected.is_none_or(is_met) { Ok(()) } else { Err(StoreError::Changed) }
    }

    pub(super) fn check_device(
        &self,
        visible: Visibility,
        key: DeviceKey,
        expected: Option<&Device>,
    ) -> Result<(), StoreError> {
        let device = self.devices.get(&key).filter(|device| visible.includes_device(device));
        let device = device.ok_or(StoreError::DeviceMissing)?;
        if expected.is_none_or(|expected| device == expected) { Ok(()) } else { Err(StoreError::Changed) }
    }

    /// Refuses an email address or username that a user other than `id` has.
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

    fn create_user(&mut self, user: NewUser) -> Result<User, StoreError> {
        let NewUser { username, email } = user;
        let taken = UserChange { username: Some(username.clone()), email: Some(email.clone()) };
        self.check_unique(None, &taken)?;
        self.last_user += 1;
        let user = User { id: UserId(self.last_user), username, email, created_at: Some(now()) };
        self.users.insert(user.id, user.clone());
        Ok(user)
    }

    fn update_user(&mut self, id: UserId, change: UserChange) -> Result<User, StoreError> {
        let mut user = self.users.get(&id).cloned().ok_or(StoreError::UserMissing)?;
        self.check_unique(Some(id), &change)?;
        user.username = change.username.unwrap_or(user.username);
        user.email = change.email.unwrap_or(user.email);
        self.users.insert(id, user.clone());
        Ok(user)
    }

    fn delete_user(&mut self, author: &Author, id: UserId) -> Result<(), StoreError> {
        let (owned, tokens) = (self.devices_of(id), self.visible_tokens(Visibility::User(id)));
        let deleted = self.users.remove(&id).ok_or(StoreError::UserMissing)?;
        for event in AuditEvent::delete_user(&deleted, &owned, &tokens) {
            self.note(author, event);
        }
        self.tokens.retain(|_, (_, token)| token.holder != TokenHolder::User(id));
        owned.iter().try_for_each(|device| self.delete_device(device.key).map(|_| ()))
    }

    fn check_new_device(&self, device: &NewDevice) -> Result<(), StoreError> {
        if self.devices.values().any(|other| other.device_id == device.device_id) {
            return Err(StoreError::DeviceIdTaken);
        }
        self.check_owner(device.user_id)
    }

    /// Checks that a number of new devices does not exceed the maximum of their owner.
    fn check_owned(&self, owner: Option<UserId>, new: usize, max: Option<u32>) -> Result<(), StoreError> {
        match (owner, max) {
            (Some(owner), Some(devices_max)) if self.devices_of(owner).len() + new > devices_max as usize => {
                Err(StoreError::TooManyOwnedDevices { devices_max })
            }
            _ => Ok(()),
        }
    }

    /// Creates a device, after its checks.
    fn create_device(&mut self, author: &Author, device: NewDevice) -> Device {
        self.last_device += 1;
        let NewDevice { device_id, name, user_id, expected_interval } = device;
        let (key, created_at) = (DeviceKey(self.last_device), Some(now()));
        let device = Device { key, device_id, name, user_id, expected_interval, created_at };
        self.devices.insert(device.key, device.clone());
        self.note(author, AuditEvent::create_device(&device));
        device
    }

    fn update_device(&mut self, device: DeviceKey, change: DeviceChange) -> Result<Device, StoreError> {
        let mut device = self.devices.get(&device).cloned().ok_or(StoreError::DeviceMissing)?;
        self.check_owner(change.user_id.flatten())?;
        device.name = change.name.unwrap_or(device.name);
        device.user_id = change.user_id.unwrap_or(device.user_id);
        device.expected_interval = change.expected_interval.unwrap_or(device.expected_interval);
        self.devices.insert(device.key, device.clone());
        Ok(device)
    }

    fn delete_device(&mut self, device: DeviceKey) -> Result<Device, StoreError> {
        let deleted = self.devices.remove(&device).ok_or(StoreError::DeviceMissing)?;
        self.tokens.retain(|_, (_, token)| token.holder.identity() != Identity::Device(device));
        self.arrivals.remove(&device);
        self.hot.retain(|(other, _), _| *other != device);
        self.segments.retain(|_, segment| segment.device != device);
        Ok(deleted)
    }
}
