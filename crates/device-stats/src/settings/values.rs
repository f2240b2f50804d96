//! The text and the source of each setting. A flag takes precedence over the variable, the variable over the
//! settings file, and the file over the default. An empty value counts as absent.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;

use clap::parser::ValueSource;
use clap::{ArgMatches, Command};
use secrecy::{ExposeSecret, SecretString};

use super::file::{InvalidFile, SettingsFile};
use super::setting::{CONFIG, CONFIG_VARIABLE, JSON, Kind, LIST_SEPARATOR, Setting};
use super::table::SETTINGS;

/// The source of a value, by ascending precedence.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Source {
    /// The default.
    Default,
    /// The settings file.
    File {
        /// Path of the file.
        path: String,
        /// Number of the line, counted from 1.
        line: usize,
    },
    /// The environment variable.
    Environment,
    /// The flag.
    Flag,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "file {path}:{line}"),
            Self::Environment => f.write_str("environment"),
            Self::Flag => f.write_str("flag"),
        }
    }
}

/// The old and the new name of each renamed variable. An old one is refused: if it were ignored, a setting
/// that protects the service would be lost silently.
const RENAMED_VARIABLES: [(&str, &str); 1] = [("DEVICE_STATS_PROXIES", "DEVICE_STATS_TRUSTED_PROXY")];

/// An error that prevents the use of the settings.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UnusableSetting {
    /// The settings file is invalid.
    #[error(transparent)]
    File(#[from] InvalidFile),
    /// The variable is not UTF-8.
    #[error("the value of {variable} is not UTF-8")]
    NotUtf8 {
        /// Name of the variable.
        variable: &'static str,
    },
    /// The variable has its old name.
    #[error("{old} is now {new}: rename the variable")]
    Renamed {
        /// The old name.
        old: &'static str,
        /// The new name.
        new: &'static str,
    },
    /// The command line has a flag of a setting that the command does not have.
    #[error("the command {command} has no setting --{flag}")]
    Foreign {
        /// Name of the command.
        command: String,
        /// Name of the flag, without its dashes.
        flag: &'static str,
    },
}

/// The settings as text. `Debug` hides all values.
#[derive(Debug)]
pub(crate) struct Values(BTreeMap<&'static str, (SecretString, Source)>);

impl Values {
    /// Collects the values for the chosen command. Settings that the command does not have get their default.
    ///
    /// # Errors
    /// [`UnusableSetting`].
    pub(crate) fn collect(
        root: &Command,
        matches: &ArgMatches,
        environment: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, UnusableSetting> {
        let variable = |variable: &'static str| match environment(variable).map(OsString::into_string) {
            None => Ok(None),
            Some(Ok(text)) => Ok(Some(text).filter(|text| !text.is_empty())),
            Some(Err(_)) => Err(UnusableSetting::NotUtf8 { variable }),
        };
        for (old, new) in RENAMED_VARIABLES {
            if variable(old)?.is_some() {
                return Err(UnusableSetting::Renamed { old, new });
            }
        }
        let path = matches.get_one::<String>(CONFIG).filter(|path| !path.is_empty()).cloned();
        let file = match path.map_or_else(|| variable(CONFIG_VARIABLE), |path| Ok(Some(path)))? {
            Some(path) => SettingsFile::read(&path)?,
            None => SettingsFile::default(),
        };
        let mut values = BTreeMap::new();
        for setting in &SETTINGS {
            let flag = flag(setting, matches);
            if !has_setting(root, matches, setting) {
                if flag.is_some() {
                    let command = matches.subcommand_name().unwrap_or_default().to_owned();
                    return Err(UnusableSetting::Foreign { command, flag: setting.name });
                }
                continue;
            }
            let value = match (flag, variable(setting.variable)?, file.values.get(setting.name)) {
                (Some(flag), _, _) => (flag, Source::Flag),
                (None, Some(text), _) => (text.into(), Source::Environment),
                (None, None, Some((line, text))) if !text.expose_secret().is_empty() => {
                    (text.clone(), Source::File { path: file.path.clone(), line: *line })
                }
                (None, None, _) => continue,
            };
            values.insert(setting.name, value);
        }
        Ok(Self(values))
    }

    /// Returns the text of a setting, or its default. The text is empty if there is no default.
    pub(super) fn text(&self, name: &'static str) -> &str {
        self.given(name).unwrap_or_else(|| {
            SETTINGS.iter().find(|setting| setting.name == name).map_or("", |setting| setting.default)
        })
    }

    /// Returns the text of a setting, unless it is the default.
    pub(super) fn given(&self, name: &'static str) -> Option<&str> {
        self.0.get(name).map(|(text, _)| text.expose_secret())
    }

    pub(super) fn source(&self, name: &'static str) -> Source {
        self.0.get(name).map_or(Source::Default, |(_, source)| source.clone())
    }
}

/// Returns the value of a flag, if the command line has it.
fn flag(setting: &Setting, matches: &ArgMatches) -> Option<SecretString> {
    if setting.name == "output" && matches.get_flag(JSON) {
        return Some("json".into());
    }
    let is_flag = matches.value_source(setting.name) == Some(ValueSource::CommandLine);
    if !is_flag {
        return None;
    }
    if setting.kind == Kind::List {
        let texts = matches.get_many::<SecretString>(setting.name)?.map(ExposeSecret::expose_secret);
        let texts: Vec<&str> = texts.filter(|text| !text.is_empty()).collect();
        return Some(texts.join(LIST_SEPARATOR)).filter(|text| !text.is_empty()).map(SecretString::from);
    }
    let value = matches.get_one::<SecretString>(setting.name);
    value.filter(|value| !value.expose_secret().is_empty()).cloned()
}

/// Returns whether the chosen command has a setting. Without a command, `serve` is chosen, and the root has
/// its settings. The form of errors belongs to every command.
fn has_setting(root: &Command, matches: &ArgMatches, setting: &Setting) -> bool {
    let command = matches.subcommand_name().unwrap_or("serve");
    let flags = root.find_subcommand(command).into_iter().flat_map(Command::get_arguments);
    setting.name == "output" || flags.into_iter().any(|flag| flag.get_id() == setting.name)
}
