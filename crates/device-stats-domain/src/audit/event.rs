//! The events of the audit log.

use std::str::FromStr;

use strum::{IntoStaticStr, VariantArray};

use super::details::AuditDetails;
use crate::device::{Device, DeviceChange, DeviceId, DeviceKey};
use crate::time::Timestamp;
use crate::token::{StoredToken, TokenHolder, TokenId, TokenName};
use crate::user::{User, UserChange, UserId, Username};
use crate::window::Window;

/// The kind of an event. Its name is that of the operation in the interface, if there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum AuditAction {
    /// A user was created.
    CreateUser,
    /// Fields of a user were set.
    UpdateUser,
    /// A user was deleted.
    DeleteUser,
    /// A device was created.
    CreateDevice,
    /// Fields of a device were set, for example its owner.
    UpdateDevice,
    /// A device was deleted, alone or with its owner.
    DeleteDevice,
    /// Readings of a device were deleted.
    DeleteReadings,
    /// A token was created.
    CreateToken,
    /// A token was revoked.
    DeleteToken,
    /// A browser has signed in.
    CreateSession,
    /// A browser has signed out.
    DeleteSession,
    /// Requests were refused because their credentials are not valid or do not allow them.
    RefuseRequest,
    /// The service has started.
    StartService,
    /// Damaged entries of the journal were dropped.
    DropDamaged,
}

/// Error of a text that is not the name of an action.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an action; the actions are {actions}", actions = action_names())]
pub struct UnknownAction(String);

fn action_names() -> String {
    AuditAction::ALL.iter().map(|action| action.name()).collect::<Vec<_>>().join(", ")
}

/// An event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEvent {
    /// Its kind.
    pub action: AuditAction,
    /// The user, device or token that it concerns.
    pub object: AuditObject,
    /// Everything else.
    pub details: AuditDetails,
}

/// The object of an event. Its names are those at the time of the event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditObject {
    /// The user; for a token, the user that holds it.
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

impl AuditAction {
    /// All actions.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// Returns the name.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

impl FromStr for AuditAction {
    type Err = UnknownAction;

    fn from_str(name: &str) -> Result<Self, UnknownAction> {
        let found = Self::ALL.iter().find(|action| action.name() == name);
        found.copied().ok_or_else(|| UnknownAction(name.to_owned()))
    }
}

impl AuditEvent {
    fn new(action: AuditAction, object: AuditObject) -> Self {
        Self { action, object, details: AuditDetails::default() }
    }

    /// Returns the event of the creation of a user.
    pub fn create_user(user: &User) -> Self {
        Self::new(AuditAction::CreateUser, AuditObject::user(user))
    }

    /// Returns the event of a change of a user, with the names of the set fields; `None` if it sets none.
    /// `user` is the user after the change.
    pub fn update_user(user: &User, change: &UserChange) -> Option<Self> {
        let UserChange { username, email } = change;
        let mut event = Self::new(AuditAction::UpdateUser, AuditObject::user(user));
        event.set_fields([("username", username.is_some()), ("email", email.is_some())]);
        Some(event).filter(|event| !event.details.fields.is_empty())
    }

    /// Returns the events of the deletion of a user with its devices.
    pub fn delete_user(user: &User, devices: &[Device]) -> Vec<Self> {
        let deleted = Self::new(AuditAction::DeleteUser, AuditObject::user(user));
        std::iter::once(deleted).chain(devices.iter().map(Self::delete_device)).collect()
    }

    /// Returns the event of the creation of a device.
    pub fn create_device(device: &Device) -> Self {
        let mut event = Self::new(AuditAction::CreateDevice, AuditObject::device(device));
        event.details.owner = device.user_id.map(|owner| Some(owner.0));
        event
    }

    /// Returns the event of a change of a device, with the names of the set fields; `None` if it sets none.
    /// `device` is the device after the change.
    pub fn update_device(device: &Device, change: &DeviceChange) -> Option<Self> {
        let DeviceChange { name, user_id } = change;
        let mut event = Self::new(AuditAction::UpdateDevice, AuditObject::device(device));
        event.set_fields([("name", name.is_some()), ("user_id", user_id.is_some())]);
        event.details.owner = user_id.map(|owner| owner.map(|owner| owner.0));
        Some(event).filter(|event| !event.details.fields.is_empty())
    }

    /// Returns the event of the deletion of a device.
    pub fn delete_device(device: &Device) -> Self {
        let mut event = Self::new(AuditAction::DeleteDevice, AuditObject::device(device));
        event.details.owner = device.user_id.map(|owner| Some(owner.0));
        event
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

    fn set_fields<const N: usize>(&mut self, fields: [(&str, bool); N]) {
        let set = fields.iter().filter(|(_, is_set)| *is_set);
        self.details.fields = set.map(|(name, _)| (*name).to_owned()).collect();
    }
}

impl AuditObject {
    fn user(user: &User) -> Self {
        Self { user: Some(user.id), username: Some(user.username.clone()), ..Self::default() }
    }

    /// Returns a device as an object.
    pub fn device(device: &Device) -> Self {
        Self { device: Some(device.key), device_id: Some(device.device_id.clone()), ..Self::default() }
    }

    fn token(id: TokenId) -> Self {
        Self { token: Some(id), ..Self::default() }
    }
}

/// Returns an end of a window; `None` if the window has none.
fn moment(time_us: i64) -> Option<String> {
    Timestamp::from_micros(time_us).ok().map(|time| time.to_string())
}
