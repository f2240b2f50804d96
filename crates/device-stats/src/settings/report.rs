//! The settings as `device-stats config` prints them: name, value with secrets hidden, and source.

use super::database::{Database, without_password};
use super::parsed::Settings;
use super::table::SETTINGS;
use super::values::{Source, Values};

/// One setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Name of the flag, without its dashes.
    pub(crate) name: &'static str,
    /// Value in force; `***` for a secret, empty if absent.
    pub(crate) value: String,
    /// Source of the value.
    pub(crate) source: Source,
}

impl Settings {
    /// Returns every setting. `self` was parsed from `values`.
    pub(crate) fn entries(&self, values: &Values) -> Vec<Entry> {
        let entry = |name| Entry { name, value: self.shown(values, name), source: values.source(name) };
        SETTINGS.iter().map(|setting| entry(setting.name)).collect()
    }

    /// Returns the value of a setting without its secrets.
    fn shown(&self, values: &Values, name: &'static str) -> String {
        match name {
            "database-url" if matches!(self.database, Database::PostgresServer { .. }) => String::new(),
            "database-url" => without_password(values.text(name)),
            "postgres-password" | "token" => values.given(name).map_or("", |_| "***").to_owned(),
            "url" => self.server.url.clone(),
            _ => values.text(name).to_owned(),
        }
    }
}
