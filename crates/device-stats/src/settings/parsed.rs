//! The settings in force, parsed from their text.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use clap::ValueEnum;
use device_stats_client::Server;
use device_stats_domain::{Token, TokenKind, error_chain};
use device_stats_http::{AllowedHosts, BrowserAccess, TlsFiles, TrustedProxies};
use device_stats_service::limits::OVERLOAD_WAIT_MIN;
use device_stats_service::{AuthMode, QueryLimits};

use super::address_limits::AddressLimits;
use super::database::Database;
use super::invalid::InvalidSetting;
use super::rates::Rates;
use super::server_address::{local_url, parse_listen, parse_server_url};
use super::token_file::read_token;
use super::values::Values;

/// Bytes of a MiB.
pub(super) const MIB: u64 = 1024 * 1024;

/// The settings in force.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Address to listen on, as `HOST:PORT`; with port 0 the system chooses a port.
    pub(crate) listen: String,
    /// Whether clients need a token; `None` if this depends on the address of the listener.
    pub(crate) auth: Option<AuthMode>,
    /// The token of an administrator in a file of the operator.
    pub(crate) admin_token: Option<Token>,
    /// Files of the certificate of encrypted connections; `None` for plain HTTP.
    pub(crate) tls: Option<TlsFiles>,
    /// Time for which browsers use only HTTPS after an encrypted response.
    pub(crate) hsts_max_age: Duration,
    /// Limits on the connections and the open requests of one client address.
    pub(crate) address_limits: AddressLimits,
    /// Proxies that report the addresses of their clients.
    pub(crate) proxies: TrustedProxies,
    /// Whether the operator has named the hosts of the server.
    pub(crate) are_hosts_named: bool,
    /// Names of the server, and web pages of other sites that may use it.
    pub(crate) access: BrowserAccess,
    /// Database of users, devices and readings.
    pub(crate) database: Database,
    /// PEM file of the certificate authorities trusted for PostgreSQL, instead of the system's.
    pub(crate) database_ca: Option<PathBuf>,
    /// Maximum size of the cache of decoded segment pages, in bytes.
    pub(crate) cache_bytes_max: u64,
    /// Limits on the queries of a server.
    pub(crate) queries: QueryLimits,
    /// Maximum number of hot readings.
    pub(crate) hot_readings_max: u64,
    /// Limits on the requests and readings of each client.
    pub(crate) rates: Rates,
    /// Number of devices of a user up to which the user itself creates devices; `None` for no limit.
    pub(crate) devices_per_user_max: Option<u32>,
    /// Time for which entries of the audit log are kept; `None` for ever.
    pub(crate) audit_kept_for: Option<Duration>,
    /// Wait of requests from which further ones are refused; `None` if none is refused because of overload.
    pub(crate) overload_wait_max: Option<Duration>,
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
    /// Form of results and errors.
    pub(crate) output: OutputForm,
    /// Server for the client commands.
    pub(crate) server: Server,
    /// The server that `health` checks: at `url` if it is set, otherwise at `listen`.
    pub(crate) health_check: HealthCheck,
}

/// The base URL of the server that `health` checks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HealthCheck {
    /// The server of this machine, at the address to listen on.
    OwnServer(String),
    /// Any server.
    Server(String),
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

/// Form in which a command prints results and errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputForm {
    /// Text for people.
    Text,
    /// JSON for programs.
    Json,
}

impl Settings {
    /// Parses the values.
    ///
    /// # Errors
    /// [`InvalidSetting`] for the first invalid value.
    pub(crate) fn parse(values: &Values) -> Result<Self, InvalidSetting> {
        let url = parse(values, "url", parse_server_url)?;
        let listen = parse(values, "listen", parse_listen)?;
        let tls = parse_tls(values)?;
        let allowed_hosts: AllowedHosts = parse(values, "allowed-host", parse_text)?;
        Ok(Self {
            health_check: match values.given("url") {
                Some(_) => HealthCheck::Server(url.clone()),
                None => HealthCheck::OwnServer(local_url(&listen, tls.is_some())),
            },
            server: Server { url, token: parse_token(values)? },
            auth: parse(values, "auth", parse_auth)?,
            admin_token: parse(values, "admin-token-file", parse_admin_token)?,
            tls,
            hsts_max_age: parse(values, "hsts-max-age", parse_seconds)?,
            address_limits: AddressLimits::parse(values)?,
            proxies: parse(values, "trusted-proxy", parse_text)?,
            are_hosts_named: values.given("allowed-host").is_some(),
            access: BrowserAccess {
                hosts: allowed_hosts.and_listener(&listen),
                origins: parse(values, "cors-origin", parse_text)?,
            },
            listen,
            database: Database::from_values(values)?,
            database_ca: values.given("database-ca").map(PathBuf::from),
            seal_after: parse(values, "seal-after-seconds", parse_seconds)?,
            keys_kept_for: parse(values, "keep-keys-seconds", parse_seconds)?,
            cache_bytes_max: parse(values, "cache-mib", parse_mib)?,
            queries: QueryLimits {
                queries_max: parse(values, "queries-max", parse_count)?,
                bytes_max: parse(values, "queries-mib", positive(parse_mib, "1 MiB"))?,
                time_max: parse(values, "query-timeout-seconds", positive(parse_seconds, "1 second"))?,
            },
            hot_readings_max: parse(values, "hot-readings-max", parse_count)? as u64,
            rates: Rates::parse(values)?,
            devices_per_user_max: parse(values, "devices-per-user", parse_optional_limit)?,
            audit_kept_for: parse(values, "keep-audit-days", parse_optional_days)?,
            overload_wait_max: parse(values, "overload-wait-ms", parse_optional_wait)?,
            migrate: parse(values, "migrate", parse_choice)?,
            log_format: parse(values, "log-format", parse_choice)?,
            log: values.text("log").to_owned(),
            output: parse(values, "output", parse_choice)?,
        })
    }
}

/// Parses the files of the certificate and its key: both or none.
fn parse_tls(values: &Values) -> Result<Option<TlsFiles>, InvalidSetting> {
    let missing = |name, other| {
        InvalidSetting::new(values, name, format!("missing, although --{other} is set; set both or none"))
    };
    match (values.given("tls-certificate"), values.given("tls-key")) {
        (Some(certificate), Some(key)) => {
            Ok(Some(TlsFiles { certificate: certificate.into(), key: key.into() }))
        }
        (None, None) => Ok(None),
        (Some(_), None) => Err(missing("tls-key", "tls-certificate")),
        (None, Some(_)) => Err(missing("tls-certificate", "tls-key")),
    }
}

/// Parses a setting with a function that returns the problem of an invalid text.
pub(super) fn parse<T>(
    values: &Values,
    name: &'static str,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Result<T, InvalidSetting> {
    parse(values.text(name)).map_err(|problem| InvalidSetting::new(values, name, problem))
}

/// Parses the choice whether clients need a token. An empty text leaves it to the address of the listener.
fn parse_auth(text: &str) -> Result<Option<AuthMode>, String> {
    match text {
        "" => Ok(None),
        _ if text == AuthMode::Open.name() => Ok(Some(AuthMode::Open)),
        _ if text == AuthMode::Token.name() => Ok(Some(AuthMode::Token)),
        _ => Err(format!("{text:?} is not open or token")),
    }
}

/// Reads the token of an administrator in a file.
fn parse_admin_token(path: &str) -> Result<Option<Token>, String> {
    if path.is_empty() {
        return Ok(None);
    }
    let token = read_token(Path::new(path)).map_err(|error| error_chain(&error))?;
    if token.kind() == TokenKind::Administrator {
        Ok(Some(token))
    } else {
        Err(format!("the token in {path} is not one of an administrator, which begins with dss_a_"))
    }
}

/// Parses the token of the client commands: the setting itself, or the content of a file. If both are set,
/// the source with the higher precedence wins; within one source, the file wins.
fn parse_token(values: &Values) -> Result<Option<Token>, InvalidSetting> {
    let (text, file) = (values.given("token"), values.given("token-file"));
    match (text, file) {
        (_, Some(file)) if text.is_none() || values.source("token-file") >= values.source("token") => {
            let token = read_token(Path::new(file)).map_err(|error| error_chain(&error));
            Ok(Some(token.map_err(|problem| InvalidSetting::new(values, "token-file", problem))?))
        }
        (Some(text), _) => {
            let token = Token::parse(text).map_err(|error| format!("the text {error}"));
            Ok(Some(token.map_err(|problem| InvalidSetting::new(values, "token", problem))?))
        }
        (None, _) => Ok(None),
    }
}

fn parse_text<T: FromStr<Err: Display>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error: T::Err| error.to_string())
}

/// Returns the name of a choice on the command line.
///
/// # Panics
/// If the choice is hidden from the command line.
#[expect(clippy::expect_used, reason = "no choice is skipped")]
pub(super) fn choice_name(choice: &impl ValueEnum) -> String {
    choice.to_possible_value().expect("a choice with a name").get_name().to_owned()
}

fn parse_choice<T: ValueEnum>(text: &str) -> Result<T, String> {
    T::from_str(text, false).map_err(|_| {
        let accepted: Vec<String> = T::value_variants().iter().map(choice_name).collect();
        format!("{text:?} is not {}", accepted.join(" or "))
    })
}

/// Parses a count of 1 and up.
fn parse_count(text: &str) -> Result<usize, String> {
    let count = text.parse().ok().filter(|count| *count > 0);
    count.ok_or_else(|| format!("{text:?} is not a whole number, at least 1"))
}

/// Parses a maximum number. Zero is no limit.
fn parse_optional_limit(text: &str) -> Result<Option<u32>, String> {
    let max: u32 = text.parse().map_err(|_| format!("{text:?} is not a whole number; 0 is no limit"))?;
    Ok(Some(max).filter(|max| *max > 0))
}

/// Parses a number of days. Zero is no limit.
fn parse_optional_days(text: &str) -> Result<Option<Duration>, String> {
    let days: u16 =
        text.parse().map_err(|_| format!("{text:?} is not a whole number up to 65,535; 0 is for ever"))?;
    Ok(Some(Duration::from_hours(u64::from(days) * 24)).filter(|kept_for| !kept_for.is_zero()))
}

/// Parses a wait in milliseconds. Zero is no limit.
fn parse_optional_wait(text: &str) -> Result<Option<Duration>, String> {
    let max: u32 = text
        .parse()
        .map_err(|_| format!("{text:?} is not a whole number of milliseconds; 0 turns the refusals off"))?;
    let max = Duration::from_millis(max.into());
    match max {
        Duration::ZERO => Ok(None),
        max if max < OVERLOAD_WAIT_MIN => {
            Err(format!("{text:?} is less than {}; 0 turns the refusals off", OVERLOAD_WAIT_MIN.as_millis()))
        }
        max => Ok(Some(max)),
    }
}

/// Returns a parser that refuses zero. `least` names the smallest accepted value.
fn positive<T: Default + PartialEq>(
    parse: fn(&str) -> Result<T, String>,
    least: &str,
) -> impl Fn(&str) -> Result<T, String> {
    move |text| match parse(text)? {
        zero if zero == T::default() => Err(format!("{text:?} is less than {least}")),
        value => Ok(value),
    }
}

/// Parses a number of MiB and returns bytes.
fn parse_mib(text: &str) -> Result<u64, String> {
    let bytes = text.parse().ok().and_then(|mib: u64| mib.checked_mul(MIB));
    bytes.ok_or_else(|| format!("{text:?} is not a whole number of MiB"))
}

fn parse_seconds(text: &str) -> Result<Duration, String> {
    let seconds: Result<u32, _> = text.parse();
    seconds
        .map(|seconds| Duration::from_secs(seconds.into()))
        .map_err(|_| format!("{text:?} is not a whole number of seconds"))
}
