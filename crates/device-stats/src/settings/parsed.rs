//! The settings in force, parsed from the text of the flags.

use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;

use super::database::Database;
use super::flags::{
    CACHE_MIB_DEFAULT, Flags, KEEP_KEYS_SECONDS_DEFAULT, LISTEN_DEFAULT, LOG_DEFAULT, LOG_FORMAT_DEFAULT,
    MIGRATE_DEFAULT, SEAL_AFTER_SECONDS_DEFAULT, URL_DEFAULT, or_default,
};
use super::invalid::InvalidSetting;

/// Bytes of a MiB.
pub(super) const MIB: u64 = 1024 * 1024;

/// The settings in force.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Address to listen on, as `HOST:PORT`; with port 0 the system chooses a port.
    pub(crate) listen: String,
    /// Database of users, devices and readings.
    pub(crate) database: Database,
    /// PEM file of the certificate authorities trusted for PostgreSQL, instead of the system's.
    pub(crate) database_ca: Option<PathBuf>,
    /// Maximum size of the cache of decoded segment pages, in bytes.
    pub(crate) cache_bytes_max: u64,
    /// Age at which hot readings are sealed, even if a device has few of them.
    pub(crate) seal_after: Duration,
    /// Time for which outcomes of keyed requests are kept.
    pub(crate) keys_kept_for: Duration,
    /// Whether a starting server applies missing migrations.
    pub(crate) migrate: Migrate,
    /// Format of the log.
    pub(crate) log_format: LogFormat,
    /// Filter of the log, in the syntax of `tracing_subscriber::EnvFilter`.
    pub(crate) log: String,
    /// Base URL of the server for the client commands, without a trailing slash.
    pub(crate) url: String,
}

/// Whether a starting server applies missing migrations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Migrate {
    /// The server applies them.
    #[value(name = "true")]
    OnStart,
    /// The server refuses to start; `device-stats migrate` applies them.
    #[value(name = "false")]
    ByCommand,
}

/// Format of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// Text for people.
    Text,
    /// One JSON object per line.
    Json,
}

impl Settings {
    /// Parses the flags and variables.
    ///
    /// # Errors
    /// [`InvalidSetting`] for the first invalid value.
    pub(crate) fn from_flags(flags: &Flags) -> Result<Self, InvalidSetting> {
        let seal_after = or_default(&flags.seal_after_seconds, SEAL_AFTER_SECONDS_DEFAULT);
        let keep_keys = or_default(&flags.keep_keys_seconds, KEEP_KEYS_SECONDS_DEFAULT);
        Ok(Self {
            listen: or_default(&flags.listen, LISTEN_DEFAULT).to_owned(),
            database: Database::from_flags(flags)?,
            database_ca: flags.database_ca.as_ref().filter(|path| !path.is_empty()).map(PathBuf::from),
            seal_after: parse_seconds("seal-after-seconds", seal_after)?,
            keys_kept_for: parse_seconds("keep-keys-seconds", keep_keys)?,
            cache_bytes_max: parse_mib("cache-mib", or_default(&flags.cache_mib, CACHE_MIB_DEFAULT))?,
            migrate: parse_choice("migrate", or_default(&flags.migrate, MIGRATE_DEFAULT))?,
            log_format: parse_choice("log-format", or_default(&flags.log_format, LOG_FORMAT_DEFAULT))?,
            log: or_default(&flags.log, LOG_DEFAULT).to_owned(),
            url: parse_server_url("url", or_default(&flags.url, URL_DEFAULT))?,
        })
    }
}

/// Returns the name of a choice on the command line.
///
/// # Panics
/// If the choice is hidden from the command line.
#[expect(clippy::expect_used, reason = "no choice is skipped")]
pub(super) fn choice_name(choice: &impl ValueEnum) -> String {
    choice.to_possible_value().expect("a choice with a name").get_name().to_owned()
}

fn parse_choice<T: ValueEnum>(flag: &'static str, text: &str) -> Result<T, InvalidSetting> {
    T::from_str(text, false).map_err(|_| {
        let accepted: Vec<String> = T::value_variants().iter().map(choice_name).collect();
        InvalidSetting::new(flag, format!("{text:?} is not {}", accepted.join(" or ")))
    })
}

/// Parses a number of MiB and returns bytes.
fn parse_mib(flag: &'static str, text: &str) -> Result<u64, InvalidSetting> {
    let bytes = text.parse().ok().and_then(|mib: u64| mib.checked_mul(MIB));
    bytes.ok_or_else(|| InvalidSetting::new(flag, format!("{text:?} is not a whole number of MiB")))
}

fn parse_seconds(flag: &'static str, text: &str) -> Result<Duration, InvalidSetting> {
    let seconds: Result<u32, _> = text.parse();
    seconds
        .map(|seconds| Duration::from_secs(seconds.into()))
        .map_err(|_| InvalidSetting::new(flag, format!("{text:?} is not a whole number of seconds")))
}

/// Parses the base URL of a server and removes its trailing slash.
fn parse_server_url(flag: &'static str, text: &str) -> Result<String, InvalidSetting> {
    let invalid = |problem: String| InvalidSetting::new(flag, problem);
    let url = reqwest::Url::parse(text).map_err(|error| invalid(format!("not a URL: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(invalid(format!("the scheme {:?} is not http or https", url.scheme())));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(invalid("the URL must not contain a user or password".to_owned()));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(invalid("the URL must end with the path, without ? and #".to_owned()));
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}
