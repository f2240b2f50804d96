//! The actions that need a right. Each action is a type, so that the compiler finds a check of the wrong
//! action, or a forgotten one.

use device_stats_domain::Scope;

/// An action that needs a right.
pub trait Action: Clone + Copy + Send + Sync + 'static {
    /// The scope that a credential needs for the action.
    const SCOPE: Scope;
    /// The principals that may perform the action on the users and devices that they see.
    const ALLOWED: Allowed;
}

/// The principals that may perform an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowed {
    /// Administrators, users and devices.
    All,
    /// Administrators and users.
    AdministratorsAndUsers,
    /// Administrators.
    Administrators,
}

/// See a user or device, its readings, or statistics of them.
#[derive(Clone, Copy, Debug)]
pub struct Read;

/// Append readings.
#[derive(Clone, Copy, Debug)]
pub struct Ingest;

/// Create, change or delete a device, delete readings, or change a user.
#[derive(Clone, Copy, Debug)]
pub struct Manage;

/// List, create or delete users, or change the owner of a device.
#[derive(Clone, Copy, Debug)]
pub struct Administer;

/// Start, stop or see the demonstration.
#[derive(Clone, Copy, Debug)]
pub struct Demonstrate;

impl Action for Read {
    const SCOPE: Scope = Scope::Read;
    const ALLOWED: Allowed = Allowed::All;
}

impl Action for Ingest {
    const SCOPE: Scope = Scope::Ingest;
    const ALLOWED: Allowed = Allowed::All;
}

impl Action for Manage {
    const SCOPE: Scope = Scope::Manage;
    const ALLOWED: Allowed = Allowed::AdministratorsAndUsers;
}

impl Action for Demonstrate {
    const SCOPE: Scope = Scope::Manage;
    const ALLOWED: Allowed = Allowed::Administrators;
}

impl Action for Administer {
    const SCOPE: Scope = Scope::Admin;
    const ALLOWED: Allowed = Allowed::Administrators;
}
