//! The declaration of every setting: its name, environment variable, default and help, and the commands that
//! have it. A setting has the same name as a flag, in the settings file and in `device-stats config`.

use std::convert::Infallible;

use clap::{Arg, ArgAction};
use secrecy::SecretString;

/// A setting. Its value is text until [`Settings`](super::Settings) parses it.
#[derive(Debug)]
pub(super) struct Setting {
    /// Name of the flag, without its dashes, and key in the settings file.
    pub(super) name: &'static str,
    pub(super) variable: &'static str,
    /// Default; empty if there is none.
    pub(super) default: &'static str,
    /// Type of the value in the settings file.
    pub(super) kind: Kind,
    group: Group,
    /// Placeholder of the value in the help.
    value: &'static str,
    help: &'static str,
}

/// Type of a value in the settings file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    /// Texts, separated by commas. The flag can be repeated, and the settings file can contain an array.
    List,
    WholeNumber,
    Truth,
}

/// Settings that the same commands have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    /// Settings of a server, except for its database.
    Server,
    /// The choice of the database.
    Database,
    /// The log on stderr.
    Log,
    /// The form of results and errors.
    Output,
    /// The server to which a command connects.
    Client,
}

/// Settings of `serve`.
pub(crate) const SERVE: &[Group] = &[Group::Server, Group::Database, Group::Log, Group::Output];
/// Settings of the commands that open the database themselves.
pub(crate) const MAINTENANCE: &[Group] = &[Group::Database, Group::Log, Group::Output];
/// Settings of the commands that connect to a server.
pub(crate) const CLIENT: &[Group] = &[Group::Client, Group::Log, Group::Output];
/// All settings.
pub(crate) const ALL: &[Group] = &[Group::Server, Group::Database, Group::Log, Group::Output, Group::Client];

/// All settings, in the order in which they are shown.
pub(super) static SETTINGS: [Setting; 40] = [
    Setting {
        name: "listen",
        variable: "DEVICE_STATS_LISTEN",
        default: "127.0.0.1:8000",
        kind: Kind::Text,
        group: Group::Server,
        value: "HOST:PORT",
        help: "Listen on this address; with port 0 the system chooses a port",
    },
    Setting {
        name: "auth",
        variable: "DEVICE_STATS_AUTH",
        default: "",
        kind: Kind::Text,
        group: Group::Server,
        value: "MODE",
        help: "Serve everybody (open), or only clients with a token (token) [default: open on a loopback address, otherwise token]",
    },
    Setting {
        name: "admin-token-file",
        variable: "DEVICE_STATS_ADMIN_TOKEN_FILE",
        default: "",
        kind: Kind::Text,
        group: Group::Server,
        value: "FILE",
        help: "Accept the token of an administrator in this file; the database keeps only its hash",
    },
    Setting {
        name: "tls-certificate",
        variable: "DEVICE_STATS_TLS_CERTIFICATE",
        default: "",
        kind: Kind::Text,
        group: Group::Server,
        value: "FILE",
        help: "Encrypt connections (HTTPS) with the certificate in this PEM file; requires --tls-key",
    },
    Setting {
        name: "tls-key",
        variable: "DEVICE_STATS_TLS_KEY",
        default: "",
        kind: Kind::Text,
        group: Group::Server,
        value: "FILE",
        help: "Use the private key in this PEM file for --tls-certificate",
    },
    Setting {
        name: "hsts-max-age",
        variable: "DEVICE_STATS_HSTS_MAX_AGE",
        default: "31536000",
        kind: Kind::WholeNumber,
        group: Group::Server,
        value: "SECONDS",
        help: "Let browsers use only HTTPS for this time after an encrypted response; 0 lets them forget it",
    },
    Setting {
        name: "connections-per-address",
        variable: "DEVICE_STATS_CONNECTIONS_PER_ADDRESS",
        default: "",
        kind: Kind::WholeNumber,
        group: Group::Server,
        value: "COUNT",
        help: "Close further connections of a client address (except of --trusted-proxy); 0 for no limit [default: 256 with tokens, 0 if open]",
    },
    Setting {
        name: "open-requests-per-address",
        variable: "DEVICE_STATS_OPEN_REQUESTS_PER_ADDRESS",
        default: "",
        kind: Kind::WholeNumber,
        group: Group::Server,
        value: "COUNT",
        help: "Refuse further requests of a client address while this number of them is open; 0 for no limit [default: 1024 with tokens, 0 if open]",
    },
    Setting {
        name: "trusted-proxy",
        variable: "DEVICE_STATS_TRUSTED_PROXY",
        default: "",
        kind: Kind::List,
        group: Group::Server,
        value: "NETWORKS",
        help: "Take client addresses from Forwarded and X-Forwarded-For of these proxies (addresses and networks, separated by commas)",
    },
    Setting {
        name: "allowed-host",
        variable: "DEVICE_STATS_ALLOWED_HOST",
        default: "",
        kind: Kind::List,
        group: Group::Server,
        value: "NAMES",
        help: "Answer requests for these host names, too (without port; * for any name); addresses and localhost are always answered",
    },
    Setting {
        name: "cors-origin",
        variable: "DEVICE_STATS_CORS_ORIGIN",
        default: "",
        kind: Kind::List,
        group: Group::Server,
        value: "ORIGINS",
        help: "Let web pages of these origins read and change data, such as https://dash.example.com",
    },
    Setting {
        name: "database-url",
        variable: "DATABASE_URL",
        default: "sqlite:device-stats.db",
        kind: Kind::Text,
        group: Group::Database,
        value: "URL",
        help: "Store data in sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE",
    },
    Setting {
        name: "postgres-server",
        variable: "POSTGRES_SERVER",
        default: "",
        kind: Kind::Text,
        group: Group::Database,
        value: "HOST",
        help: "Store data in PostgreSQL on this host, unless --database-url is set",
    },
    Setting {
        name: "postgres-user",
        variable: "POSTGRES_USER",
        default: "postgres",
        kind: Kind::Text,
        group: Group::Database,
        value: "NAME",
        help: "Log in to --postgres-server as this user",
    },
    Setting {
        name: "postgres-password",
        variable: "POSTGRES_PASSWORD",
        default: "",
        kind: Kind::Text,
        group: Group::Database,
        value: "PASSWORD",
        help: "Log in with this password; prefer the variable, because other processes can see flags",
    },
    Setting {
        name: "postgres-db",
        variable: "POSTGRES_DB",
        default: "postgres",
        kind: Kind::Text,
        group: Group::Database,
        value: "NAME",
        help: "Use this database of --postgres-server",
    },
    Setting {
        name: "postgres-port",
        variable: "POSTGRES_PORT",
        default: "5432",
        kind: Kind::WholeNumber,
        group: Group::Database,
        value: "PORT",
        help: "Connect to this port of --postgres-server",
    },
    Setting {
        name: "database-ca",
        variable: "DEVICE_STATS_DATABASE_CA",
        default: "",
        kind: Kind::Text,
        group: Group::Database,
        value: "FILE",
        help: "Require encryption by PostgreSQL, and trust only the authorities in this PEM file",
    },
    Setting {
        name: "cache-mib",
        variable: "DEVICE_STATS_CACHE_MIB",
        default: "512",
        kind: Kind::WholeNumber,
        group: Group::Server,
        value: "MIB",
        help: "Limit the cache of decoded segment pages to this size; 0 turns the cache off",
    },
    Setting {
        name: "queries-max",
        variable: "DEVICE_STATS_QUERIES_MAX",
        default: "256",
        kind: Kind::WholeNumber,
        group: Group::Server,
        value: "COUNT",
        help: "Refuse a further query (analysis, series, list ...) while this number of queries runs or waits",
    },
    Setting {
        name: "queries-mib",
        variable: "DEVICE_STATS_QUERIES_MIB",
        default: "256",
        kind: Kind::WholeNumber,
        group: Group::Server,
        value: "MIB",
        help: "Refuse a query if the snapshots of all queries would need more memory than this",
    },
    Setting {
        name: "query-timeout-seconds",
        variable: "DEVICE_STATS_QUERY_TIMEOUT_SECONDS",
        default: "120",
        kind: Kind::WholeNumber,
        group: Group::Server,
        value: "SECONDS",
        help: "Stop a query (analysis, series, list ...) after this time",
    },
    Setting {
        name: "hot-readings-max",
        variable: "DEVICE_STATS_HOT_READINGS_MAX",
        default: "16777216",
        kind: Kind::WholeNumber,
        group: Group::Server,
        value: "COUNT",
        help: "Refuse further readings while this number of readings waits to be sealed",
    },
    Setting {
        name: "overload-wait-ms",
        variable: "DEVICE_STATS_OVERLOAD_WAIT_MS",
        default: "0",
        kind: Kind::WholeNumber,
        group: Group::Server,
        value: "MILLISECONDS",
        help: "Refuse requests, queries first and single readings last, while others wait longer than this; 0 refuses none",
    },
    Setting {
        name: "device-requests-per-second",
        variable: "DEVICE_STATS_DEVICE_REQUESTS_PER_SECOND",
        default: "20",
        kind: Kind::WholeNumber,
        group: Group::Server,
        value: "COUNT",
        help: "Refuse further requests of a device above this rate, if clients need a token; 0 for no limit",
    },
    Setting {
        name: "user-requests-per-second",
        variable: "DEVICE_STATS_USER_REQUESTS_PER_SECOND",
        default: "100",
        kind: Kind::WholeNumber,
        group: Group::Server,
        value: "COUNT",
        help: "Refuse further requests of a user above this rate, if clients need a token; 0 for no limit",
    },
    Setting {
        name: "readings-per-second",
        variable: "DEVICE_STATS_READINGS_PER_SECOND",
        default: "",
        kind: Kind::WholeNumber,
        group: Group::Server,
        value: "COUNT",
        help: "Refuse further readings of a user or device above this rate; of a client address if open; 0 for no limit [default: 500000 with tokens, 0 if open]",
    },
    Setting {
        name: "address-requests-per-second",
        variable: "DEVICE_STATS_ADDRESS_REQUESTS_PER_SECOND",
        default: "",
        kind: Kind::WholeNumber,
        group: Group::Server,
        value: "COUNT",
        help: "Refuse further requests of a client address without a token above this rate; all of them if open; 0 for no limit [default: 20 with tokens, 0 if open]",
    },
    Setting {
        name: "failed-sign-ins-per-minute",
        variable: "DEVICE_STATS_FAILED_SIGN_INS_PER_MINUTE",
        default: "20",
        kind: Kind::WholeNumber,
        group: Group::Server,
        value: "COUNT",
        help: "Answer further wrong tokens of a client address with 429 above this rate; 0 for no limit",
    },
    Setting {
        name: "devices-per-user",
        variable: "DEVICE_STATS_DEVICES_PER_USER",
        default: "1000",
        kind: Kind::WholeNumber,
        group: Group::Server,
        value: "COUNT",
        help: "Let a user create devices up to this number; administrators are not limited; 0 for no limit",
    },
    Setting {
        name: "keep-audit-days",
        variable: "DEVICE_STATS_KEEP_AUDIT_DAYS",
        default: "365",
        kind: Kind::WholeNumber,
        group: Group::Server,
        value: "DAYS",
        help: "Keep entries of the audit log for DAYS days; 0 for ever",
    },
    Setting {
        name: "seal-after-seconds",
        variable: "DEVICE_STATS_SEAL_AFTER_SECONDS",
        default: "600",
        kind: Kind::WholeNumber,
        group: Group::Server,
        value: "SECONDS",
        help: "Seal readings after this time even if a device has few of them",
    },
    Setting {
        name: "keep-keys-seconds",
        variable: "DEVICE_STATS_KEEP_KEYS_SECONDS",
        default: "86400",
        kind: Kind::WholeNumber,
        group: Group::Server,
        value: "SECONDS",
        help: "Remember requests with an Idempotency-Key for this time",
    },
    Setting {
        name: "migrate",
        variable: "DEVICE_STATS_MIGRATE",
        default: "true",
        kind: Kind::Truth,
        group: Group::Server,
        value: "BOOL",
        help: "Apply missing migrations when the server starts: true or false",
    },
    Setting {
        name: "log-format",
        variable: "DEVICE_STATS_LOG_FORMAT",
        default: "text",
        kind: Kind::Text,
        group: Group::Log,
        value: "FORMAT",
        help: "Write log lines in this format: text or json",
    },
    // The default hides the messages of `refinery`, which logs each start even if no migration is missing.
    // The service itself logs the applied migrations.
    Setting {
        name: "log",
        variable: "RUST_LOG",
        default: "info,refinery_core=warn",
        kind: Kind::Text,
        group: Group::Log,
        value: "FILTER",
        help: "Log events of this level, or of a filter such as info,device_stats=debug",
    },
    Setting {
        name: "output",
        variable: "DEVICE_STATS_OUTPUT",
        default: "text",
        kind: Kind::Text,
        group: Group::Output,
        value: "FORM",
        help: "Print results and errors in this form: text or json",
    },
    Setting {
        name: "url",
        variable: "DEVICE_STATS_URL",
        default: "http://127.0.0.1:8000",
        kind: Kind::Text,
        group: Group::Client,
        value: "URL",
        help: "Connect to this server",
    },
    Setting {
        name: "token",
        variable: "DEVICE_STATS_TOKEN",
        default: "",
        kind: Kind::Text,
        group: Group::Client,
        value: "TOKEN",
        help: "Send this access token; prefer the variable or --token-file, because other processes can see flags",
    },
    Setting {
        name: "token-file",
        variable: "DEVICE_STATS_TOKEN_FILE",
        default: "",
        kind: Kind::Text,
        group: Group::Client,
        value: "FILE",
        help: "Send the access token in this file",
    },
];

/// Separates the elements of a list in its text.
pub(super) const LIST_SEPARATOR: &str = ",";
/// Heading of the settings in a help.
const HEADING: &str = "Settings";
/// Id of the flag `--config`.
pub(super) const CONFIG: &str = "config";
/// Variable of the flag `--config`.
pub(super) const CONFIG_VARIABLE: &str = "DEVICE_STATS_CONFIG";
/// Id of the flag `--json`.
pub(crate) const JSON: &str = "json";

impl Setting {
    /// Returns the flag. Its value is absent unless the command line contains it.
    fn flag(&self) -> Arg {
        self.flag_with_help(self.help)
    }

    fn flag_with_help(&self, help: &str) -> Arg {
        let Self { name, variable, default, kind, value, .. } = self;
        let action = if *kind == Kind::List { ArgAction::Append } else { ArgAction::Set };
        let default = if default.is_empty() { String::new() } else { format!(" [default: {default}]") };
        let parse = |text: &str| Ok::<_, Infallible>(SecretString::from(text));
        Arg::new(*name)
            .long(*name)
            .action(action)
            .value_name(*value)
            .value_parser(parse)
            .help(format!("{help} [variable: {variable}]{default}"))
            .help_heading(HEADING)
    }
}

/// Returns the flags of the settings that a command has. They are accepted after the name of the command, and
/// after the names of its subcommands.
pub(crate) fn flags(groups: &[Group]) -> Vec<Arg> {
    let settings = SETTINGS.iter().filter(|setting| groups.contains(&setting.group)).map(Setting::flag);
    let json = Some(json()).filter(|_| groups.contains(&Group::Output));
    settings.chain(json).chain([config()]).map(|flag| flag.global(true)).collect()
}

/// Returns the flags of `export`, whose `--output` is the file.
pub(crate) fn export_flags() -> Vec<Arg> {
    let output = "output";
    flags(CLIENT).into_iter().filter(|flag| flag.get_long() != Some(output)).collect()
}

/// Returns the flags of `health`, which connects to the server that listens on `--listen`.
pub(crate) fn health_flags() -> Vec<Arg> {
    let helps = [
        ("listen", "Check the server that listens on this address, unless --url is set"),
        ("tls-certificate", "Connect to this server with HTTPS; the certificate is not checked"),
        ("tls-key", "Ignored, so that the server and its check can have the same settings"),
    ];
    let own = |(name, help)| {
        let setting = SETTINGS.iter().find(|setting| setting.name == name);
        setting.map(|setting| setting.flag_with_help(help).global(true))
    };
    helps.into_iter().filter_map(own).chain(flags(CLIENT)).collect()
}

/// Returns the flags that are accepted before the name of a command: the settings of all commands. The help
/// shows those of `serve`, which is the default command.
pub(crate) fn root_flags() -> Vec<Arg> {
    let settings = SETTINGS.iter().map(|setting| setting.flag().hide(!SERVE.contains(&setting.group)));
    settings.chain([json(), config()]).collect()
}

fn json() -> Arg {
    Arg::new(JSON)
        .long("json")
        .action(ArgAction::SetTrue)
        .help("Print results and errors as JSON: the short form of --output json")
        .help_heading(HEADING)
}

fn config() -> Arg {
    let parse = |text: &str| Ok::<_, Infallible>(text.to_owned());
    Arg::new(CONFIG)
        .long("config")
        .value_name("FILE")
        .value_parser(parse)
        .help(format!(
            "Read settings from this TOML file; flags and variables take precedence [variable: {CONFIG_VARIABLE}]"
        ))
        .help_heading(HEADING)
}
