//! Access to users, devices and readings. Each operation on them starts here, with a principal and an action.

mod devices;
pub(crate) mod known_devices;
pub(crate) mod principal;
pub(crate) mod reading_source;
mod selection;
mod users;

#[cfg(test)]
mod tests;

pub use principal::{Action, Authorized, Principal};
pub use reading_source::ReadingSource;
pub use selection::{CursorPage, DeviceSelection};
