//! Access to users, devices and readings. Each operation on them starts here, with a principal and an action.

pub(crate) mod action;
mod devices;
pub(crate) mod known_devices;
pub(crate) mod principal;
pub(crate) mod reading_source;
mod selection;
mod users;

#[cfg(test)]
mod rights_tests;
#[cfg(test)]
mod tests;

pub use action::{Action, Administer, Allowed, Ingest, Manage, Read};
pub use principal::{Authorized, Forbidden, Granted, Identity, Principal};
pub use reading_source::ReadingSource;
pub use selection::{CursorPage, DeviceSelection};
