//! Access to users, devices and readings. Each operation on them starts here, with a principal and an action.

pub(crate) mod action;
mod devices;
pub(crate) mod held_right;
pub(crate) mod known_devices;
pub(crate) mod lookup_turns;
pub(crate) mod principal;
pub(crate) mod reading_source;
mod selection;
mod sessions;
pub(crate) mod sign_in;
pub(crate) mod token_uses;
mod tokens;
mod users;

#[cfg(test)]
mod held_right_tests;
#[cfg(test)]
mod rights_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod token_tests;

pub(crate) use devices::IngestKey;

pub use action::{Action, Administer, Allowed, Demonstrate, Ingest, Manage, Read};
pub use principal::{Authorized, Forbidden, Granted, Origin, Principal};
pub use reading_source::ReadingSource;
pub use selection::{CursorPage, DeviceSelection};
pub use sessions::NewSession;
pub use sign_in::AuthMode;
pub use token_uses::BackgroundTokenUses;
pub use tokens::{CreatedToken, TokenRecipient, TokenRequest, generate_token};
