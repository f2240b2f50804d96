//! Devices, the senders of readings.

use std::fmt;
use std::sync::Arc;

use crate::expected_interval::ExpectedInterval;
use crate::limits::{DEVICE_ID_BYTES_MAX, DEVICE_NAME_BYTES_MAX};
use crate::text::{self, InvalidText};
use crate::time::Timestamp;
use crate::user::UserId;

/// Internal integer key of a device. Readings carry it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceKey(pub i64);

impl fmt::Display for DeviceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// External text identifier of a device, compared byte by byte.
///
/// It fits into a path and into a log line: 1 to [`DEVICE_ID_BYTES_MAX`] bytes, no control character, no
/// space at either end, neither `.` nor `..`. Clones share the text, because a batch may name a device many
/// times.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceId(Arc<str>);

/// The rule that a text breaks as a `device_id`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDeviceId {
    /// It breaks a rule of every text.
    #[error(transparent)]
    Text(#[from] InvalidText),
    /// It contains a control character, such as a line break.
    #[error("contains a control character")]
    Control,
    /// It begins or ends with a space.
    #[error("begins or ends with a space")]
    OuterSpace,
    /// It is `.` or `..`, which a path cannot contain.
    #[error("is '.' or '..', which a path cannot contain")]
    Dots,
}

impl DeviceId {
    /// Makes a `device_id` from an unchanged text.
    ///
    /// # Errors
    /// [`InvalidDeviceId`] names the broken rule.
    pub fn new(id: impl Into<Arc<str>>) -> Result<Self, InvalidDeviceId> {
        let id = id.into();
        text::check_present(&id, DEVICE_ID_BYTES_MAX)?;
        if id.chars().any(char::is_control) {
            Err(InvalidDeviceId::Control)
        } else if id.trim() != &*id {
            Err(InvalidDeviceId::OuterSpace)
        } else if matches!(&*id, "." | "..") {
            Err(InvalidDeviceId::Dots)
        } else {
            Ok(Self(id))
        }
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Display name of a device: up to [`DEVICE_NAME_BYTES_MAX`] bytes without NUL; may be empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceName(String);

impl DeviceName {
    /// Makes a device name from an unchanged text.
    ///
    /// # Errors
    /// [`InvalidText`] names the broken rule.
    pub fn new(name: impl Into<String>) -> Result<Self, InvalidText> {
        let name = name.into();
        text::check(&name, DEVICE_NAME_BYTES_MAX)?;
        Ok(Self(name))
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A device that is not registered yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDevice {
    /// Unique among devices.
    pub device_id: DeviceId,
    /// Its display name.
    pub name: Option<DeviceName>,
    /// Its owner.
    pub user_id: Option<UserId>,
    /// Its longest silence that is normal; `None` to learn it from its arrivals.
    pub expected_interval: Option<ExpectedInterval>,
}

impl NewDevice {
    /// Makes a device without a name, an owner and an expected interval.
    pub fn new(device_id: DeviceId) -> Self {
        Self { device_id, name: None, user_id: None, expected_interval: None }
    }
}

/// Changes to a device. An outer `None` keeps the value, an inner `None` clears it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceChange {
    /// The new name.
    pub name: Option<Option<DeviceName>>,
    /// The new owner.
    pub user_id: Option<Option<UserId>>,
    /// The new expected interval.
    pub expected_interval: Option<Option<ExpectedInterval>>,
}

/// A registered device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Assigned by the store, and never reused.
    pub key: DeviceKey,
    /// Unique among devices.
    pub device_id: DeviceId,
    /// Its display name.
    pub name: Option<DeviceName>,
    /// Its owner.
    pub user_id: Option<UserId>,
    /// Its longest silence that is normal, if its owner has set it.
    pub expected_interval: Option<ExpectedInterval>,
    /// Time of creation; `None` for a device that was created before stores recorded this time.
    pub created_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_id_can_always_be_addressed() {
        let refused = |id: &str| DeviceId::new(id).unwrap_err();
        assert_eq!(refused(""), InvalidDeviceId::Text(InvalidText::Empty));
        assert_eq!(refused("a\0b"), InvalidDeviceId::Text(InvalidText::Nul));
        assert_eq!(refused("a\nb"), InvalidDeviceId::Control);
        assert_eq!(refused("a\u{85}b"), InvalidDeviceId::Control);
        assert_eq!(refused(" a"), InvalidDeviceId::OuterSpace);
        assert_eq!(refused("a\u{a0}"), InvalidDeviceId::OuterSpace);
        assert_eq!(refused("."), InvalidDeviceId::Dots);
        assert_eq!(refused(".."), InvalidDeviceId::Dots);
        assert_eq!(refused(&"ü".repeat(128)), InvalidDeviceId::Text(InvalidText::TooLong { bytes_max: 255 }));
        for id in ["a/b", "...", "pump 7", "ü 50%", "<script>", "\u{202e}evil", &"x".repeat(255)] {
            assert_eq!(DeviceId::new(id).unwrap().as_str(), id);
        }
    }
}
