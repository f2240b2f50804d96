//! The error for a setting with an invalid value.

use std::fmt;

use super::table::SETTINGS;
use super::values::{Source, Values};

/// A setting with an invalid value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InvalidSetting {
    name: &'static str,
    source: Source,
    /// The problem and the accepted values, without secrets.
    problem: String,
}

impl InvalidSetting {
    pub(super) fn new(values: &Values, name: &'static str, problem: String) -> Self {
        Self { name, source: values.source(name), problem }
    }
}

impl fmt::Display for InvalidSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, source, problem } = self;
        match source {
            Source::Flag | Source::Default => write!(f, "--{name}: {problem}"),
            Source::Environment => {
                let setting = SETTINGS.iter().find(|setting| setting.name == *name);
                write!(f, "{}: {problem}", setting.map_or(*name, |setting| setting.variable))
            }
            Source::File { path, line } => write!(f, "{path}:{line}: {name}: {problem}"),
        }
    }
}

impl std::error::Error for InvalidSetting {}
