//! The events of the audit log: the action, its object and its details.

use super::action::AuditAction;
use super::details::AuditDetails;
use crate::device::{Device, DeviceId, DeviceKey};
use crate::time::Timestamp;
use crate::token::{StoredToken, TokenHolder, TokenId, TokenName};
use crate::user::{User, UserId, Username};
use crate::window::Window;

/// An event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEvent {
    /// Kind of the event.
    pub action: AuditAction,
    /// User, device or token of the event.
    pub object: AuditObject,
    /// Further details.
    pub details: AuditDetails,
}

/// The object of an event. Its names are those at the time of the event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditObject {
    /// The user; for a device, its owner before the event; for a token, the user that holds it.
    pub user: Option<UserId>,
    /// The name of the user.
    pub username: Option<Username>,
    /// The device; for a token, the device that holds it.
    pub device: Option<DeviceKey>,
    /// The client's name for the device.
    pub device_id: Option<DeviceId>,
    /// The token.
    pub token: Option<TokenId>,
}

impl AuditEvent {
    fn new(action: AuditAction, object: AuditObject) -> Self {
        Self { action, object, details: AuditDetails::default() }
    }

    /// Returns the event of the creation of a user.
    pub fn create_user(user: &User) -> Self {
        Self::new(AuditAction::CreateUser, AuditObject::user(user))
    }

    /// Returns the event of a change of a user, with the names of the changed fields; `None` if nothing has
    /// changed.
    pub fn update_user(before: &User, after: &User) -> Option<Self> {
        let event = Self::new(AuditAction::UpdateUser, AuditObject::user(after));
        event.set_fields([
            ("username", before.username != after.username),
            ("email", before.email != after.email),
        ])
    }

    /// Returns the events of the deletion of a user, with its devices and the tokens of all of them.
    pub fn delete_user(user: &User, devices: &[Device], tokens: &[StoredToken]) -> Vec<Self> {
        let deleted = Self::new(AuditAction::DeleteUser, AuditObject::user(user));
        let devices =
            devices.iter().map(|device| Self::new(AuditAction::DeleteDevice, AuditObject::device(device)));
        let tokens = tokens.iter().map(Self::delete_token);
        std::iter::once(deleted).chain(devices).chain(tokens).collect()
    }

    /// Returns the event of the creation of a device.
    pub fn create_device(device: &Device) -> Self {
        Self::new(AuditAction::CreateDevice, AuditObject::device(device))
    }

    /// Returns the event of a change of a device, with the names of the changed fields; `None` if nothing has
    /// changed.
    pub fn update_device(before: &Device, after: &Device) -> Option<Self> {
        let mut event = Self::new(AuditAction::UpdateDevice, AuditObject::device(before));
        if before.user_id != after.user_id {
            event.details.owner = Some(after.user_id.map(|owner| owner.0));
        }
        event.set_fields([
            ("name", before.name != after.name),
            ("user_id", before.user_id != after.user_id),
            ("expected_interval_s", before.expected_interval != after.expected_interval),
        ])
    }

    /// Returns the events of the deletion of a device with its tokens.
    pub fn delete_device(device: &Device, tokens: &[StoredToken]) -> Vec<Self> {
        let deleted = Self::new(AuditAction::DeleteDevice, AuditObject::device(device));
        std::iter::once(deleted).chain(tokens.iter().map(Self::delete_token)).collect()
    }

    /// Returns the event of the deletion of readings of a device in a window.
    pub fn delete_readings(device: DeviceKey, window: Window, readings: u64) -> Self {
        let object = AuditObject { device: Some(device), ..AuditObject::default() };
        let mut event = Self::new(AuditAction::DeleteReadings, object);
        event.details.from = moment(window.from_us);
        event.details.until = moment(window.until_us);
        event.details.readings = Some(readings);
        event
    }

    /// Returns the event of the creation of a token.
    pub fn create_token(token: &StoredToken) -> Self {
        let mut event = Self::of_token(AuditAction::CreateToken, token);
        event.details.scopes = token.scopes.iter().map(|scope| scope.name().to_owned()).collect();
        event.details.expires_at = token.expires_at.map(|time| time.to_string());
        event
    }

    /// Returns the event of the revocation of a token.
    pub fn delete_token(token: &StoredToken) -> Self {
        Self::of_token(AuditAction::DeleteToken, token)
    }

    fn of_token(action: AuditAction, token: &StoredToken) -> Self {
        let (user, device, device_id) = match &token.holder {
            TokenHolder::Administrator => (None, None, None),
            TokenHolder::User(id) => (Some(*id), None, None),
            TokenHolder::Device { key, device_id } => (None, Some(*key), Some(device_id.clone())),
        };
        let object = AuditObject { user, username: None, device, device_id, token: Some(token.id) };
        let mut event = Self::new(action, object);
        event.details.name = token.name.as_ref().map(|name: &TokenName| name.as_str().to_owned());
        event.details.prefix = Some(token.prefix.as_str().to_owned());
        event
    }

    /// Returns the event of the sign-in of a browser with a token.
    pub fn create_session(token: TokenId) -> Self {
        Self::new(AuditAction::CreateSession, AuditObject::token(token))
    }

    /// Returns the event of the sign-out of a browser.
    pub fn delete_session(token: TokenId) -> Self {
        Self::new(AuditAction::DeleteSession, AuditObject::token(token))
    }

    /// Returns the event of dropped damaged entries of the journal, which concerned a device; `None` if the
    /// device is unknown.
    pub fn drop_damaged(device: Option<DeviceKey>, entries: u64) -> Self {
        let object = AuditObject { device, ..AuditObject::default() };
        let mut event = Self::new(AuditAction::DropDamaged, object);
        event.details.entries = Some(entries);
        event
    }

    /// Returns an event without an object.
    pub fn general(action: AuditAction, details: AuditDetails) -> Self {
        Self { action, object: AuditObject::default(), details }
    }

    /// Adds the names of the changed fields. Returns `None` if there are none.
    fn set_fields<const N: usize>(mut self, fields: [(&str, bool); N]) -> Option<Self> {
        let changed = fields.iter().filter(|(_, has_changed)| *has_changed);
        self.details.fields = changed.map(|(name, _)| (*name).to_owned()).collect();
        Some(self).filter(|event| !event.details.fields.is_empty())
    }
}

impl AuditObject {
    fn user(user: &User) -> Self {
        Self { user: Some(user.id), username: Some(user.username.clone()), ..Self::default() }
    }

    /// Returns a device as an object.
    pub fn device(device: &Device) -> Self {
        let device_id = Some(device.device_id.clone());
        Self { user: device.user_id, device: Some(device.key), device_id, ..Self::default() }
    }

    fn token(id: TokenId) -> Self {
        Self { token: Some(id), ..Self::default() }
    }
}

/// Returns an end of a window; `None` if the window has none.
fn moment(time_us: i64) -> Option<String> {
    Timestamp::from_micros(time_us).ok().map(|time| time.to_string())
}
