//! The settings. All flags and environment variables of the service are read here, once. A flag takes
//! precedence over its variable, and a variable over the default. An empty value counts as absent.

mod database;
mod flags;
mod invalid;
mod parsed;
mod report;
#[cfg(test)]
mod tests;

pub(crate) use database::Database;
pub(crate) use flags::Flags;
pub(crate) use parsed::{LogFormat, Migrate, Settings};
pub(crate) use report::Entry;
