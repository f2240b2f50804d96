//! The settings as `device-stats config` shows them: each with its value, secrets hidden, and where it comes from.

use std::fmt;

use clap::ArgMatches;
use clap::parser::ValueSource;

use super::database::without_password;
use super::{DATABASE_URL_DEFAULT, Database, Flags, LogFormat, MIB, Migrate, Settings, or_default};

/// One setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Name of the flag, without its dashes.
    pub name: &'static str,
    /// Value in force; a secret is `***`, what is absent is empty.
    pub value: String,
    /// Where the value comes from.
    pub source: Source,
}

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Nobody said anything.
    Default,
    /// An environment variable.
    Environment,
    /// A flag.
    Flag,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Default => "default",
            Self::Environment => "environment",
            Self::Flag => "flag",
        })
    }
}

impl Settings {
    /// Every setting, in the order of the flags. `flags` and `matches` are what `self` was made from.
    pub(crate) fn entries(&self, flags: &Flags, matches: &ArgMatches) -> Vec<Entry> {
        let entry = |name, id, value: String| Entry { name, value, source: source(matches, id) };
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let url = match &flags.database_url {
            Some(url) if !url.is_empty() => without_password(url),
            _ if matches!(self.database, Database::Sqlite(_)) => DATABASE_URL_DEFAULT.to_owned(),
            _ => String::new(),
        };
        let password = flags.postgres_password.as_deref().unwrap_or_default();
        let migrate = match self.migrate {
            Migrate::OnStart => "true",
            Migrate::ByCommand => "false",
        };
        let log_format = match self.log_format {
            LogFormat::Text => "text",
            LogFormat::Json => "json",
        };
        let ca = self.database_ca.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
        let hidden = if password.is_empty() { "" } else { "***" };
        vec![
            entry("listen", "listen", self.listen.clone()),
            entry("database-url", "database_url", url),
            entry("postgres-server", "postgres_server", text(&flags.postgres_server)),
            entry("postgres-user", "postgres_user", or_default(&flags.postgres_user, "postgres").to_owned()),
            entry("postgres-password", "postgres_password", hidden.to_owned()),
            entry("postgres-db", "postgres_db", or_default(&flags.postgres_db, "postgres").to_owned()),
            entry("postgres-port", "postgres_port", or_default(&flags.postgres_port, "5432").to_owned()),
            entry("database-ca", "database_ca", ca),
            entry("cache-mib", "cache_mib", (self.cache_bytes_max / MIB).to_string()),
            entry("seal-after-seconds", "seal_after_seconds", self.seal_after.as_secs().to_string()),
            entry("keep-keys-seconds", "keep_keys_seconds", self.keys_kept_for.as_secs().to_string()),
            entry("migrate", "migrate", migrate.to_owned()),
            entry("log-format", "log_format", log_format.to_owned()),
            entry("log", "log", self.log.clone()),
            entry("url", "url", self.url.clone()),
        ]
    }
}

fn source(matches: &ArgMatches, id: &str) -> Source {
    let empty = matches.get_raw(id).is_none_or(|mut values| values.all(std::ffi::OsStr::is_empty));
    match matches.value_source(id) {
        _ if empty => Source::Default,
        Some(ValueSource::CommandLine) => Source::Flag,
        Some(ValueSource::EnvVariable) => Source::Environment,
        _ => Source::Default,
    }
}
