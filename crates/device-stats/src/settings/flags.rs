//! The flags and environment variables as they are written, before anything is made of them.

use super::{
    CACHE_MIB_DEFAULT, DATABASE_URL_DEFAULT, KEEP_KEYS_DEFAULT, LISTEN_DEFAULT, LOG_DEFAULT,
    SEAL_AFTER_DEFAULT, URL_DEFAULT,
};

/// Every setting as text. The same for all commands, before or after the name of the command.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Settings")]
pub(crate) struct Flags {
    /// Address the server listens on
    #[arg(long, global = true, value_name = "HOST:PORT", env = "DEVICE_STATS_LISTEN",
          default_value = LISTEN_DEFAULT)]
    pub(crate) listen: String,

    /// Where the data is: sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE
    #[arg(long, global = true, value_name = "URL", env = "DATABASE_URL", hide_env_values = true,
          help = format!("Where the data is: sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE \
                          [default: {DATABASE_URL_DEFAULT}, or PostgreSQL where --postgres-server is set]"))]
    pub(crate) database_url: Option<String>,

    /// Host of PostgreSQL, where there is no --database-url
    #[arg(long, global = true, value_name = "HOST", env = "POSTGRES_SERVER")]
    pub(crate) postgres_server: Option<String>,

    /// User of PostgreSQL, with --postgres-server
    #[arg(long, global = true, value_name = "NAME", env = "POSTGRES_USER", default_value = "postgres")]
    pub(crate) postgres_user: String,

    /// Password of that user; better given as the variable than as the flag, which other processes can see
    #[arg(long, global = true, value_name = "PASSWORD", env = "POSTGRES_PASSWORD", hide_env_values = true)]
    pub(crate) postgres_password: Option<String>,

    /// Database of PostgreSQL, with --postgres-server
    #[arg(long, global = true, value_name = "NAME", env = "POSTGRES_DB", default_value = "postgres")]
    pub(crate) postgres_db: String,

    /// Port of PostgreSQL, with --postgres-server
    #[arg(long, global = true, value_name = "PORT", env = "POSTGRES_PORT", default_value = "5432")]
    pub(crate) postgres_port: String,

    /// Certificates (PEM) of the authorities that may vouch for PostgreSQL [default: the system's]
    #[arg(long, global = true, value_name = "FILE", env = "DEVICE_STATS_DATABASE_CA")]
    pub(crate) database_ca: Option<String>,

    /// Memory for what was read of sealed readings, in MiB; 0 keeps nothing
    #[arg(long, global = true, value_name = "MIB", env = "DEVICE_STATS_CACHE_MIB",
          default_value = CACHE_MIB_DEFAULT)]
    pub(crate) cache_mib: String,

    /// Longest time readings wait to be sealed, in seconds
    #[arg(long, global = true, value_name = "SECONDS", env = "DEVICE_STATS_SEAL_AFTER_SECONDS",
          default_value = SEAL_AFTER_DEFAULT)]
    pub(crate) seal_after_seconds: String,

    /// How long requests with an Idempotency-Key are remembered, in seconds
    #[arg(long, global = true, value_name = "SECONDS", env = "DEVICE_STATS_KEEP_KEYS_SECONDS",
          default_value = KEEP_KEYS_DEFAULT)]
    pub(crate) keep_keys_seconds: String,

    /// Whether a starting server applies missing migrations: true or false
    #[arg(long, global = true, value_name = "BOOL", env = "DEVICE_STATS_MIGRATE", default_value = "true")]
    pub(crate) migrate: String,

    /// Form of the log lines: text or json
    #[arg(
        long,
        global = true,
        value_name = "FORMAT",
        env = "DEVICE_STATS_LOG_FORMAT",
        default_value = "text"
    )]
    pub(crate) log_format: String,

    /// What is logged: a level, or a filter such as `info,device_stats=debug`
    #[arg(long, global = true, value_name = "FILTER", env = "RUST_LOG", default_value = LOG_DEFAULT)]
    pub(crate) log: String,

    /// Server that import, export, analyze and health speak to
    #[arg(long, global = true, value_name = "URL", env = "DEVICE_STATS_URL", default_value = URL_DEFAULT)]
    pub(crate) url: String,
}
