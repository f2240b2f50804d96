//! The settings as `device-stats config` prints them: name, value with secrets hidden, and source.

use std::fmt;

use clap::ArgMatches;
use clap::parser::ValueSource;
use secrecy::ExposeSecret;

use super::database::{Database, non_empty, without_password};
use super::flags::{DATABASE_URL_DEFAULT, Flags, POSTGRES_NAME_DEFAULT, POSTGRES_PORT_DEFAULT, or_default};
use super::parsed::{MIB, Settings, choice_name};

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

/// The source of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// The default.
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
    /// Returns every setting, in the order of the flags. `self` was parsed from `flags` and `matches`.
    pub(crate) fn entries(&self, flags: &Flags, matches: &ArgMatches) -> Vec<Entry> {
        let url = match non_empty(flags.database_url.as_ref()) {
            Some(url) => without_password(url.expose_secret()),
            None if matches!(self.database, Database::Sqlite(_)) => DATABASE_URL_DEFAULT.to_owned(),
            None => String::new(),
        };
        let password = non_empty(flags.postgres_password.as_ref()).map_or("", |_| "***");
        let ca = self.database_ca.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
        let values = [
            ("listen", self.listen.clone()),
            ("database-url", url),
            ("postgres-server", flags.postgres_server.clone().unwrap_or_default()),
            ("postgres-user", or_default(&flags.postgres_user, POSTGRES_NAME_DEFAULT).to_owned()),
            ("postgres-password", password.to_owned()),
            ("postgres-db", or_default(&flags.postgres_db, POSTGRES_NAME_DEFAULT).to_owned()),
            ("postgres-port", or_default(&flags.postgres_port, POSTGRES_PORT_DEFAULT).to_owned()),
            ("database-ca", ca),
            ("cache-mib", (self.cache_bytes_max / MIB).to_string()),
            ("seal-after-seconds", self.seal_after.as_secs().to_string()),
            ("keep-keys-seconds", self.keys_kept_for.as_secs().to_string()),
            ("migrate", choice_name(&self.migrate)),
            ("log-format", choice_name(&self.log_format)),
            ("log", self.log.clone()),
            ("url", self.url.clone()),
        ];
        let entry = |(name, value)| Entry { name, value, source: source(matches, name) };
        values.into_iter().map(entry).collect()
    }
}

fn source(matches: &ArgMatches, flag: &str) -> Source {
    let id = flag.replace('-', "_");
    let is_empty = matches.get_raw(&id).is_none_or(|mut values| values.all(std::ffi::OsStr::is_empty));
    match matches.value_source(&id) {
        _ if is_empty => Source::Default,
        Some(ValueSource::CommandLine) => Source::Flag,
        Some(ValueSource::EnvVariable) => Source::Environment,
        _ => Source::Default,
    }
}
