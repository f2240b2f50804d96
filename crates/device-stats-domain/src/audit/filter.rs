//! The choice of entries of the audit log.

use super::action::AuditAction;
use crate::device::DeviceId;
use crate::token::TokenId;
use crate::user::UserId;
use crate::window::Window;

/// Conditions on entries of the audit log. An entry meets all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditFilter {
    /// Only entries of this action.
    pub action: Option<AuditAction>,
    /// Only entries by this user, or about it, its devices and its own tokens.
    pub user: Option<UserId>,
    /// Only entries about the device with this id and its tokens.
    pub device_id: Option<DeviceId>,
    /// Only entries by the holder of this token with it, or about it.
    pub token: Option<TokenId>,
    /// Only entries of this window.
    pub window: Window,
}

impl Default for AuditFilter {
    /// Returns the conditions that every entry meets.
    fn default() -> Self {
        Self { action: None, user: None, device_id: None, token: None, window: Window::ALL }
    }
}

/// The order of a list of the audit log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AuditOrder {
    /// By descending id.
    #[default]
    NewestFirst,
    /// By ascending id.
    OldestFirst,
}
