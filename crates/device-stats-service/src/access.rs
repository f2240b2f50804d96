//! Access to users and devices. Each operation on a user or device starts here, with the principal and the action.

mod devices;
pub(crate) mod principal;
mod users;

pub use principal::{Action, Authorized, Principal};
