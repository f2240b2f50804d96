//! What the model holds, and the rules of users and devices.

use std::collections::BTreeMap;

use device_stats_domain::{
    Device, DeviceChange, DeviceKey, IdempotencyKey, NewDevice, NewUser, User, UserChange, UserId,
};
use device_stats_segment::Row;

use super::keyed::Kept;
use super::segments::Sealed;
use crate::{SegmentId, StoreError, Subject};

/// Everything, at one moment.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) users: BTreeMap<UserId, User>,
    pub(super) devices: BTreeMap<DeviceKey, Device>,
    /// Hot readings, by device and time in microseconds since 1970 UTC.
    pub(super) hot: BTreeMap<(DeviceKey, i64), Row>,
    pub(super) segments: BTreeMap<SegmentId, Sealed>,
    /// What became of requests that have keys.
    pub(super) kept: BTreeMap<IdempotencyKey, Kept>,
    /// Last given ids; deleting does not take them back.
    last_user: i64,
    last_device: i64,
    pub(super) last_reading: i64,
    pub(super) last_segment: i64,
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

    pub(super) fn create_user(&mut self, user: NewUser) -> Result<User, StoreError> {
        let NewUser { username, email } = user;
        let wanted = UserChange { username: Some(username.clone()), email: Some(email.clone()) };
        self.check_unique(None, &wanted)?;
        self.last_user += 1;
        let user = User { id: UserId(self.last_user), username, email };
        self.users.insert(user.id, user.clone());
        Ok(user)
    }

    pub(super) fn update_user(&mut self, id: UserId, change: UserChange) -> Result<User, StoreError> {
        let mut user = self.users.get(&id).cloned().ok_or(StoreError::UserMissing)?;
        self.check_unique(Some(id), &change)?;
        user.username = change.username.unwrap_or(user.username);
        user.email = change.email.unwrap_or(user.email);
        self.users.insert(id, user.clone());
        Ok(user)
    }

    pub(super) fn delete_user(&mut self, id: UserId) -> Result<(), StoreError> {
        self.users.remove(&id).ok_or(StoreError::UserMissing)?;
        let owned = self.devices.values().filter(|device| device.user_id == Some(id));
        let owned: Vec<DeviceKey> = owned.map(|device| device.key).collect();
        owned.into_iter().try_for_each(|device| self.delete_device(device))
    }

    pub(super) fn create_device(&mut self, device: NewDevice) -> Result<Device, StoreError> {
        if self.devices.values().any(|other| other.device_id == device.device_id) {
            return Err(StoreError::DeviceIdTaken);
        }
        self.check_owner(device.user_id)?;
        self.last_device += 1;
        let NewDevice { device_id, name, user_id } = device;
        let device = Device { key: DeviceKey(self.last_device), device_id, name, user_id };
        self.devices.insert(device.key, device.clone());
        Ok(device)
    }

    pub(super) fn update_device(
        &mut self,
        device: DeviceKey,
        change: DeviceChange,
    ) -> Result<Device, StoreError> {
        let mut device = self.devices.get(&device).cloned().ok_or(StoreError::DeviceMissing)?;
        self.check_owner(change.user_id.flatten())?;
        device.name = change.name.unwrap_or(device.name);
        device.user_id = change.user_id.unwrap_or(device.user_id);
        self.devices.insert(device.key, device.clone());
        Ok(device)
    }

    pub(super) fn delete_device(&mut self, device: DeviceKey) -> Result<(), StoreError> {
        self.devices.remove(&device).ok_or(StoreError::DeviceMissing)?;
        self.hot.retain(|(of, _), _| *of != device);
        self.segments.retain(|_, sealed| sealed.device != device);
        Ok(())
    }

    /// The devices of a subject, by ascending key.
    pub(super) fn devices_of(&self, subject: Subject) -> Result<Vec<Device>, StoreError> {
        match subject {
            Subject::Device(key) => {
                Ok(vec![self.devices.get(&key).cloned().ok_or(StoreError::DeviceMissing)?])
            }
            Subject::User(id) if !self.users.contains_key(&id) => Err(StoreError::UserMissing),
            Subject::User(id) => {
                Ok(self.devices.values().filter(|device| device.user_id == Some(id)).cloned().collect())
            }
        }
    }
}
