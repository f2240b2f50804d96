//! The identity of the party that makes a request.

use crate::device::DeviceKey;
use crate::user::UserId;

/// The identity of a principal, and of the party that holds a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Identity {
    /// Sees all users and devices.
    Administrator,
    /// Sees itself and its devices.
    User(UserId),
    /// Sees itself.
    Device(DeviceKey),
}
