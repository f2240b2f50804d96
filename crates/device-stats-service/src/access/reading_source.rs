//! Sources of readings: one device, or all devices of a user.

use device_stats_domain::{Device, User};
use device_stats_store::{StoreError, Subject};

use super::principal::Authorized;

/// A source of readings for queries, exports and live streams.
#[derive(Clone, Debug)]
pub enum ReadingSource {
    /// One device.
    Device(Device),
    /// All devices that the user has when the readings are read.
    User(User),
}

impl ReadingSource {
    /// Returns the source as the subject of a snapshot of the store.
    pub(crate) fn subject(&self) -> Subject {
        match self {
            Self::Device(device) => Subject::Device(device.key),
            Self::User(user) => Subject::User(user.id),
        }
    }

    /// Returns the error for a source that was deleted.
    pub(crate) fn missing(&self) -> StoreError {
        match self {
            Self::Device(_) => StoreError::DeviceMissing,
            Self::User(_) => StoreError::UserMissing,
        }
    }
}

impl From<Authorized<Device>> for Authorized<ReadingSource> {
    fn from(device: Authorized<Device>) -> Self {
        device.map(ReadingSource::Device)
    }
}

impl From<Authorized<User>> for Authorized<ReadingSource> {
    fn from(user: Authorized<User>) -> Self {
        user.map(ReadingSource::User)
    }
}
