//! The settings file: TOML with one `name = value` for each setting, without tables.

use std::collections::BTreeMap;
use std::fs;
use std::io;

use secrecy::SecretString;
use toml::de::{DeTable, DeValue};

use super::setting::{Kind, LIST_SEPARATOR, Setting};
use super::table::SETTINGS;

/// The settings of a file.
#[derive(Debug, Default)]
pub(super) struct SettingsFile {
    /// Path of the file, as the user gave it.
    pub(super) path: String,
    /// Line, counted from 1, and value of each setting, by its name.
    pub(super) values: BTreeMap<&'static str, (usize, SecretString)>,
}

/// A settings file that cannot be used. `Display` shows no values, because they may be secrets.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InvalidFile {
    /// The file cannot be read.
    #[error("cannot read the settings file {path}")]
    Unreadable {
        /// Path of the file.
        path: String,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// A line is invalid.
    #[error("{path}:{line}: {problem}")]
    Line {
        /// Path of the file.
        path: String,
        /// Number of the line, counted from 1.
        line: usize,
        /// The problem and the correction.
        problem: String,
    },
}

impl SettingsFile {
    /// Reads a file.
    ///
    /// # Errors
    /// [`InvalidFile`] for an unreadable file, for invalid TOML, and for an unknown setting.
    pub(super) fn read(path: &str) -> Result<Self, InvalidFile> {
        let unreadable = |source| InvalidFile::Unreadable { path: path.to_owned(), source };
        Self::parse(path, &fs::read_to_string(path).map_err(unreadable)?)
    }

    /// Parses the text of a file.
    pub(super) fn parse(path: &str, text: &str) -> Result<Self, InvalidFile> {
        let line = |position: usize| 1 + text.bytes().take(position).filter(|byte| *byte == b'\n').count();
        let invalid = |position: usize, problem: String| InvalidFile::Line {
            path: path.to_owned(),
            line: line(position),
            problem,
        };
        let table = DeTable::parse(text).map_err(|error| {
            let problem = if error.message().starts_with("duplicate key") {
                "a setting with this name occurs before; remove one of them"
            } else {
                "not TOML; write NAME = VALUE, with text in double quotes"
            };
            invalid(error.span().map_or(0, |span| span.start), problem.to_owned())
        })?;
        // The library sorts the keys by name. The error names the first fault in the order of the lines.
        let mut entries: Vec<_> = table.get_ref().iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        let mut values = BTreeMap::new();
        for (key, value) in entries {
            let (name, position) = (key.get_ref().as_ref(), key.span().start);
            let Some(setting) = SETTINGS.iter().find(|setting| setting.name == name) else {
                return Err(invalid(position, unknown(name, value.get_ref())));
            };
            let value =
                to_text(setting.kind, value.get_ref()).ok_or_else(|| invalid(position, expected(setting)))?;
            values.insert(setting.name, (line(position), value));
        }
        Ok(Self { path: path.to_owned(), values })
    }
}

/// Similarity from which a setting is proposed for an unknown name: 1 means equal.
const SIMILARITY_MIN: f64 = 0.8;

/// Describes a name that is no setting, and proposes the nearest one.
fn unknown(name: &str, value: &DeValue<'_>) -> String {
    let problem = format!("there is no setting {name:?}");
    let dashed = name.replace('_', "-").to_ascii_lowercase();
    if let Some(setting) =
        SETTINGS.iter().find(|setting| setting.name == dashed || setting.variable.eq_ignore_ascii_case(name))
    {
        return format!("{problem}; write {}", setting.name);
    }
    let similarity = |setting: &&Setting| strsim::jaro_winkler(setting.name, &dashed);
    let nearest = SETTINGS.iter().max_by(|one, other| similarity(one).total_cmp(&similarity(other)));
    match nearest.filter(|setting| similarity(setting) >= SIMILARITY_MIN) {
        Some(setting) => format!("{problem}; did you mean {}?", setting.name),
        None if matches!(value, DeValue::Table(_)) => {
            format!("{problem}; settings are not divided into tables, write NAME = VALUE")
        }
        None => format!("{problem}; device-stats config lists all settings"),
    }
}

/// Describes the type of a setting, with its default as an example.
fn expected(setting: &Setting) -> String {
    let Setting { name, default, kind, .. } = setting;
    match kind {
        Kind::Text => {
            let example = if default.is_empty() { "..." } else { default };
            format!("{name} must be a text in quotes: {name} = \"{example}\"")
        }
        Kind::List => {
            format!("{name} must be a list of texts in quotes: {name} = [\"...\", \"...\"]")
        }
        Kind::WholeNumber => format!("{name} must be a whole number, without quotes: {name} = {default}"),
        Kind::Truth => format!("{name} must be true or false, without quotes: {name} = {default}"),
    }
}

/// Returns the value as the text that a flag would have; `None` if it has another type. An empty text means
/// that the setting is absent.
fn to_text(kind: Kind, value: &DeValue<'_>) -> Option<SecretString> {
    match (kind, value) {
        (Kind::Text | Kind::List, DeValue::String(text)) => Some(text.as_ref().into()),
        (Kind::List, DeValue::Array(elements)) => {
            let texts: Option<Vec<&str>> =
                elements.iter().map(|element| element.get_ref().as_str()).collect();
            Some(texts?.join(LIST_SEPARATOR).into())
        }
        (_, DeValue::String(text)) if text.is_empty() => Some("".into()),
        (Kind::WholeNumber, DeValue::Integer(number)) if number.radix() == 10 => Some(number.as_str().into()),
        (Kind::Truth, DeValue::Boolean(truth)) => Some(truth.to_string().into()),
        _ => None,
    }
}
