//! The flags, environment variables and defaults of the settings, as text.

use clap::{Args, Command};
use secrecy::SecretString;

pub(super) const LISTEN_DEFAULT: &str = "127.0.0.1:8000";
pub(super) const DATABASE_URL_DEFAULT: &str = "sqlite:device-stats.db";
/// Default user and database of PostgreSQL.
pub(super) const POSTGRES_NAME_DEFAULT: &str = "postgres";
pub(super) const POSTGRES_PORT_DEFAULT: &str = "5432";
pub(super) const CACHE_MIB_DEFAULT: &str = "512";
pub(super) const SEAL_AFTER_SECONDS_DEFAULT: &str = "600";
pub(super) const KEEP_KEYS_SECONDS_DEFAULT: &str = "86400";
pub(super) const MIGRATE_DEFAULT: &str = "true";
pub(super) const LOG_FORMAT_DEFAULT: &str = "text";
/// Default filter of the log. It hides the messages of `refinery`, which logs each start even if no migration
/// is missing. The service itself logs the applied migrations.
pub(super) const LOG_DEFAULT: &str = "info,refinery_core=warn";
pub(super) const URL_DEFAULT: &str = "http://127.0.0.1:8000";

/// All settings as text. They are accepted before and after the name of every command.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Settings")]
pub(crate) struct Flags {
    /// Listen on this address; with port 0 the system chooses a port
    #[arg(long, global = true, value_name = "HOST:PORT", env = "DEVICE_STATS_LISTEN",
          default_value = LISTEN_DEFAULT)]
    pub(crate) listen: String,

    /// Store data in sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE [default:
    /// sqlite:device-stats.db]
    #[arg(long, global = true, value_name = "URL", env = "DATABASE_URL", hide_env_values = true)]
    pub(crate) database_url: Option<SecretString>,

    /// Store data in PostgreSQL on this host, unless --database-url is set
    #[arg(long, global = true, value_name = "HOST", env = "POSTGRES_SERVER")]
    pub(crate) postgres_server: Option<String>,

    /// Log in to --postgres-server as this user
    #[arg(long, global = true, value_name = "NAME", env = "POSTGRES_USER", default_value = POSTGRES_NAME_DEFAULT)]
    pub(crate) postgres_user: String,

    /// Log in with this password; prefer the variable, because other processes can see flags
    #[arg(long, global = true, value_name = "PASSWORD", env = "POSTGRES_PASSWORD", hide_env_values = true)]
    pub(crate) postgres_password: Option<SecretString>,

    /// Use this database of --postgres-server
    #[arg(long, global = true, value_name = "NAME", env = "POSTGRES_DB", default_value = POSTGRES_NAME_DEFAULT)]
    pub(crate) postgres_db: String,

    /// Connect to this port of --postgres-server
    #[arg(long, global = true, value_name = "PORT", env = "POSTGRES_PORT", default_value = POSTGRES_PORT_DEFAULT)]
    pub(crate) postgres_port: String,

    /// Require encryption by PostgreSQL, and trust only the authorities in this PEM file [default: the
    /// system's]
    #[arg(long, global = true, value_name = "FILE", env = "DEVICE_STATS_DATABASE_CA")]
    pub(crate) database_ca: Option<String>,

    /// Limit the cache of decoded segment pages to this size; 0 turns the cache off
    #[arg(long, global = true, value_name = "MIB", env = "DEVICE_STATS_CACHE_MIB",
          default_value = CACHE_MIB_DEFAULT)]
    pub(crate) cache_mib: String,

    /// Seal readings after this time even if a device has few of them
    #[arg(long, global = true, value_name = "SECONDS", env = "DEVICE_STATS_SEAL_AFTER_SECONDS",
          default_value = SEAL_AFTER_SECONDS_DEFAULT)]
    pub(crate) seal_after_seconds: String,

    /// Remember requests with an Idempotency-Key for this time
    #[arg(long, global = true, value_name = "SECONDS", env = "DEVICE_STATS_KEEP_KEYS_SECONDS",
          default_value = KEEP_KEYS_SECONDS_DEFAULT)]
    pub(crate) keep_keys_seconds: String,

    /// Apply missing migrations when the server starts: true or false
    #[arg(long, global = true, value_name = "BOOL", env = "DEVICE_STATS_MIGRATE", default_value = MIGRATE_DEFAULT)]
    pub(crate) migrate: String,

    /// Write log lines in this format: text or json
    #[arg(long, global = true, value_name = "FORMAT", env = "DEVICE_STATS_LOG_FORMAT",
          default_value = LOG_FORMAT_DEFAULT)]
    pub(crate) log_format: String,

    /// Log events of this level, or of a filter such as `info,device_stats=debug`
    #[arg(long, global = true, value_name = "FILTER", env = "RUST_LOG", default_value = LOG_DEFAULT)]
    pub(crate) log: String,

    /// Connect to this server in import, export, analyze, bench load and health
    #[arg(long, global = true, value_name = "URL", env = "DEVICE_STATS_URL", default_value = URL_DEFAULT)]
    pub(crate) url: String,
}

impl Flags {
    /// Returns the environment variable of a flag.
    ///
    /// # Panics
    /// If there is no such flag, or if it has no variable.
    #[expect(
        clippy::expect_used,
        reason = "a setting without a variable is a bug; a test reads every variable"
    )]
    pub(super) fn variable(flag: &str) -> String {
        let command = Self::augment_args(Command::new("device-stats"));
        let argument = command.get_arguments().find(|argument| argument.get_long() == Some(flag));
        let variable = argument.and_then(|argument| argument.get_env()).expect("a flag with a variable");
        variable.to_string_lossy().into_owned()
    }
}

/// Returns the value, or the default for an empty value.
pub(super) fn or_default<'a>(value: &'a str, default: &'a str) -> &'a str {
    if value.is_empty() { default } else { value }
}
