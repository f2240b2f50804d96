//! The settings. All flags of settings, environment variables and the settings file are read here, once.

mod address_limits;
mod database;
mod file;
mod invalid;
mod parsed;
mod rates;
mod report;
mod server_address;
mod setting;
mod table;
#[cfg(test)]
mod tests;
mod token_file;
mod values;

use std::ffi::OsString;

pub(crate) use database::Database;
pub(crate) use parsed::{HealthCheck, LogFormat, Migrate, OutputForm, Settings};
pub(crate) use report::Entry;
pub(crate) use setting::{
    ALL, CLIENT, JSON, MAINTENANCE, SERVE, export_flags, flags, health_flags, root_flags,
};
pub(crate) use values::{Source, Values};

/// Returns a variable of the environment.
#[expect(clippy::disallowed_methods, reason = "settings are read here")]
pub(crate) fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

/// Returns whether `NO_COLOR` forbids colours in the output (<https://no-color.org>).
pub(crate) fn is_color_forbidden() -> bool {
    variable("NO_COLOR").is_some_and(|value| !value.is_empty())
}
