//! The users and devices that a caller may see.

use device_stats_domain::{Device, DeviceKey, User, UserId};

/// The users and devices that a caller may see. For this caller, all others do not exist: no call returns,
/// changes or deletes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visibility {
    /// All users and devices.
    All,
    /// One user, and its devices.
    User(UserId),
    /// One device. No user.
    Device(DeviceKey),
}

/// The values that the columns of a visible row must have; `None` for a column that may have any value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VisibleRows {
    /// The id of a user.
    pub user_id: Option<i64>,
    /// The owner of a device.
    pub owner: Option<i64>,
    /// The key of a device.
    pub device: Option<i64>,
}

/// The id that no user has. Ids begin with 1.
const NO_USER: i64 = 0;

impl Visibility {
    /// Returns whether the caller may see a user.
    pub fn includes_user(self, user: &User) -> bool {
        match self {
            Self::All => true,
            Self::User(id) => user.id == id,
            Self::Device(_) => false,
        }
    }

    /// Returns whether the caller may see a device.
    pub fn includes_device(self, device: &Device) -> bool {
        self.includes(device.key, device.user_id)
    }

    /// Returns whether the caller may see a device with this key and this owner.
    pub fn includes(self, device: DeviceKey, owner: Option<UserId>) -> bool {
        match self {
            Self::All => true,
            Self::User(id) => owner == Some(id),
            Self::Device(key) => device == key,
        }
    }

    /// Replaces the owner of a new device by one that does not exist, if the caller may not see it.
    #[must_use]
    pub fn hide_owner(self, owner: Option<UserId>) -> Option<UserId> {
        match self {
            Self::User(id) if owner.is_some_and(|owner| owner != id) => Some(UserId(NO_USER)),
            Self::Device(_) if owner.is_some() => Some(UserId(NO_USER)),
            Self::All | Self::User(_) | Self::Device(_) => owner,
        }
    }

    /// Returns the same condition for the statements of a database.
    pub fn rows(self) -> VisibleRows {
        match self {
            Self::All => VisibleRows { user_id: None, owner: None, device: None },
            Self::User(UserId(id)) => VisibleRows { user_id: Some(id), owner: Some(id), device: None },
            Self::Device(DeviceKey(key)) => {
                VisibleRows { user_id: Some(NO_USER), owner: None, device: Some(key) }
            }
        }
    }
}
