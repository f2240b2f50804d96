//! The settings: every flag and every environment variable of the service is read here, once, and nowhere else. A flag
//! wins over its variable, a variable over the default; a variable that is empty counts as absent.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::database::Database;
use super::flags::Flags;

/// Where the server listens unless told otherwise.
pub const LISTEN_DEFAULT: &str = "127.0.0.1:8000";
/// Where readings are kept unless told otherwise.
pub const DATABASE_URL_DEFAULT: &str = "sqlite:device-stats.db";
/// Memory for what was read of sealed readings unless told otherwise, in MiB.
pub const CACHE_MIB_DEFAULT: &str = "512";
/// Bytes of a MiB.
pub(super) const MIB: u64 = 1024 * 1024;
/// How long readings stay hot at most unless told otherwise, in seconds.
pub const SEAL_AFTER_DEFAULT: &str = "600";
/// How long requests that have keys are remembered unless told otherwise, in seconds.
pub const KEEP_KEYS_DEFAULT: &str = "86400";
/// Where `import`, `analyze` and `health` look for a server unless told otherwise.
pub const URL_DEFAULT: &str = "http://127.0.0.1:8000";
/// What is logged unless told otherwise. `refinery` tells each start what it does not do; migrations are logged by us.
pub const LOG_DEFAULT: &str = "info,refinery_core=warn";

/// The settings in force.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Address the server listens on, as `HOST:PORT`; port 0 lets the system choose one.
    pub listen: String,
    /// Where users, devices and readings are kept.
    pub database: Database,
    /// File with the certificates of the authorities that may vouch for PostgreSQL, instead of the system's.
    pub database_ca: Option<PathBuf>,
    /// Most memory for what was read of sealed readings, in bytes.
    pub cache_bytes_max: u64,
    /// How long readings may be hot before they are sealed, however few a device has.
    pub seal_after: Duration,
    /// How long it is remembered what became of requests that have an `Idempotency-Key`.
    pub keys_kept_for: Duration,
    /// What a starting server does about missing migrations.
    pub migrate: Migrate,
    /// Form of the log lines.
    pub log_format: LogFormat,
    /// Which events are logged, as a filter of `tracing`.
    pub log: String,
    /// Base of the addresses of the server that the client commands speak to.
    pub url: String,
}

/// What a starting server does about missing migrations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Migrate {
    /// It applies them.
    OnStart,
    /// It refuses to start; `device-stats migrate` applies them.
    ByCommand,
}

/// Form of the log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// A text that is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps the text.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text itself; not to be shown.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A setting with a value that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("--{flag} or {variable}: {problem}")]
pub struct InvalidSetting {
    /// Name of the flag, without its dashes.
    pub flag: &'static str,
    /// Name of the environment variable.
    pub variable: &'static str,
    /// What is wrong, and what would be right. Repeats no secret.
    pub problem: String,
}

impl Settings {
    /// What the flags and variables mean.
    ///
    /// # Errors
    /// [`InvalidSetting`] for the first one that makes no sense.
    pub(crate) fn from_flags(flags: &Flags) -> Result<Self, InvalidSetting> {
        let migrate = match or_default(&flags.migrate, "true") {
            "true" => Migrate::OnStart,
            "false" => Migrate::ByCommand,
            other => return Err(not_one_of("migrate", "DEVICE_STATS_MIGRATE", other, "true or false")),
        };
        let log_format = match or_default(&flags.log_format, "text") {
            "text" => LogFormat::Text,
            "json" => LogFormat::Json,
            other => return Err(not_one_of("log-format", "DEVICE_STATS_LOG_FORMAT", other, "text or json")),
        };
        Ok(Self {
            listen: or_default(&flags.listen, LISTEN_DEFAULT).to_owned(),
            database: Database::from_flags(flags)?,
            database_ca: flags.database_ca.as_ref().filter(|path| !path.is_empty()).map(PathBuf::from),
            seal_after: seconds(
                or_default(&flags.seal_after_seconds, SEAL_AFTER_DEFAULT),
                "seal-after-seconds",
                "DEVICE_STATS_SEAL_AFTER_SECONDS",
            )?,
            keys_kept_for: seconds(
                or_default(&flags.keep_keys_seconds, KEEP_KEYS_DEFAULT),
                "keep-keys-seconds",
                "DEVICE_STATS_KEEP_KEYS_SECONDS",
            )?,
            cache_bytes_max: mib(or_default(&flags.cache_mib, CACHE_MIB_DEFAULT))?,
            migrate,
            log_format,
            log: or_default(&flags.log, LOG_DEFAULT).to_owned(),
            url: server_url(or_default(&flags.url, URL_DEFAULT))?,
        })
    }
}

/// The value, or the default where it is empty.
pub(super) fn or_default<'a>(value: &'a str, default: &'a str) -> &'a str {
    if value.is_empty() { default } else { value }
}

fn not_one_of(flag: &'static str, variable: &'static str, value: &str, accepted: &str) -> InvalidSetting {
    InvalidSetting { flag, variable, problem: format!("{value:?} is not {accepted}") }
}

/// A number of MiB in bytes.
fn mib(text: &str) -> Result<u64, InvalidSetting> {
    let bytes = text.parse().ok().and_then(|mib: u64| mib.checked_mul(MIB));
    bytes.ok_or_else(|| InvalidSetting {
        flag: "cache-mib",
        variable: "DEVICE_STATS_CACHE_MIB",
        problem: format!("{text:?} is not a whole number of MiB"),
    })
}

/// A number of seconds.
fn seconds(text: &str, flag: &'static str, variable: &'static str) -> Result<Duration, InvalidSetting> {
    text.parse::<u32>().map(|seconds| Duration::from_secs(seconds.into())).map_err(|_| InvalidSetting {
        flag,
        variable,
        problem: format!("{text:?} is not a whole number of seconds"),
    })
}

/// The base address of a server, without its last slash.
fn server_url(text: &str) -> Result<String, InvalidSetting> {
    let invalid = |problem: String| InvalidSetting { flag: "url", variable: "DEVICE_STATS_URL", problem };
    let url = reqwest::Url::parse(text).map_err(|error| invalid(format!("this is no URL: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(invalid(format!("the scheme {:?} is not http or https", url.scheme())));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(invalid("a name or a password has no place in it".to_owned()));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(invalid("it must end with the path, without ? and #".to_owned()));
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}
