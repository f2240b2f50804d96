//! Statements about users and devices.

pub(crate) mod devices;
pub(crate) mod users;
