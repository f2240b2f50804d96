//! The settings: every flag and every environment variable of the service is read here, once, and nowhere else. A flag
//! wins over its variable, a variable over the default; a variable that is empty counts as absent.

mod database;
mod effective;
mod flags;
mod report;
#[cfg(test)]
mod tests;

pub use database::{Database, PostgresParts};
pub use effective::{
    CACHE_MIB_DEFAULT, DATABASE_URL_DEFAULT, InvalidSetting, KEEP_KEYS_DEFAULT, LISTEN_DEFAULT, LOG_DEFAULT,
    LogFormat, Migrate, SEAL_AFTER_DEFAULT, Secret, Settings, URL_DEFAULT,
};
use effective::{MIB, or_default};
pub(crate) use flags::Flags;
pub use report::{Entry, Source};
