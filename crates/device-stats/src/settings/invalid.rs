//! The error for a setting with an invalid value.

use std::fmt;

use super::flags::Flags;

/// A setting with an invalid value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InvalidSetting {
    /// Name of the flag, without its dashes.
    flag: &'static str,
    /// The problem and the accepted values, without secrets.
    problem: String,
}

impl InvalidSetting {
    pub(super) fn new(flag: &'static str, problem: String) -> Self {
        Self { flag, problem }
    }
}

impl fmt::Display for InvalidSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { flag, problem } = self;
        write!(f, "--{flag} or {}: {problem}", Flags::variable(flag))
    }
}

impl std::error::Error for InvalidSetting {}
