//! Sources of readings: one device, or all devices of a user.

use device_stats_domain::{Device, User};
use device_stats_store::{StoreError, Subject};

use super::action::Action;
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

impl<A: Action> From<Authorized<Device, A>> for Authorized<ReadingSource, A> {
    fn from(device: Authorized<Device, A>) -> Self {
        device.map(ReadingSource::Device)
    }
}

impl<A: Action> From<Authorized<User, A>> for Authorized<ReadingSource, A> {
    fn from(user: Authorized<User, A>) -> Self {
        user.map(ReadingSource::User)
    }
}
