//! The actions of the audit log, and their names.

use std::str::FromStr;

use strum::{IntoStaticStr, VariantArray};

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
    /// Requests were refused: invalid credentials, a missing right, a page of another site, or a foreign
    /// host.
    RefuseRequest,
    /// The service has started.
    StartService,
    /// Damaged entries of the journal were dropped.
    DropDamaged,
    /// An action of a newer version of the service.
    Other,
}

/// Error of a text that is not the name of an action.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an action; the actions are {actions}", actions = action_names())]
pub struct UnknownAction(String);

fn action_names() -> String {
    AuditAction::ALL.iter().map(|action| action.name()).collect::<Vec<_>>().join(", ")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_is_found_by_its_name() {
        for action in AuditAction::ALL {
            assert_eq!(action.name().parse(), Ok(*action));
        }
        let unknown = "explode".parse::<AuditAction>().unwrap_err().to_string();
        assert!(
            unknown.contains("\"explode\" is not an action") && unknown.contains("delete_device"),
            "{unknown}"
        );
    }
}
