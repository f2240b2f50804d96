//! A setting, and the flags of each command. A setting has the same name as a flag, in the settings file and
//! in `device-stats config`. `table` has all settings.

use std::convert::Infallible;

use clap::{Arg, ArgAction};
use secrecy::SecretString;

use super::table::SETTINGS;

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
    pub(super) group: Group,
    /// Placeholder of the value in the help.
    pub(super) value: &'static str,
    pub(super) help: &'static str,
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
